"""The local Sim server."""

from __future__ import annotations

import re
import time
from functools import cached_property, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from simstudio.core.functions import with_hints
from simstudio.sandbox.arguments import argument_of
from simstudio.sandbox.builtin import BUILTIN
from simstudio.sandbox.core import Core, Settings
from simstudio.sandbox.data.connectors import Source
from simstudio.sandbox.data.stores import Data
from simstudio.sandbox.data.tables import LOCKS, PLANS, SELF_HOSTED, Lock
from simstudio.sandbox.data.uploads import PART_SIZE
from simstudio.sandbox.definitions.store import Definitions
from simstudio.sandbox.dialects import DIALECTS, Generation
from simstudio.sandbox.dialects.base import Account
from simstudio.sandbox.engine import Engine
from simstudio.sandbox.limits import Limiter, RateLimits
from simstudio.sandbox.local_service import LocalService
from simstudio.sandbox.logs import Logs
from simstudio.sandbox.parameters import read_parameters
from simstudio.sandbox.records import MemoryStore, Store
from simstudio.sandbox.seeding import seeded
from simstudio.sandbox.serving import SandboxExtra, Served, configuration_error, direct, random_key
from simstudio.sandbox.state import State, fingerprint
from simstudio.sandbox.state_file import StateFile
from simstudio.sandbox.workflow import F, Workflow

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from os import PathLike

    from starlette.applications import Starlette

    from simstudio.client import AsyncSimStudioClient, SimStudioClient
    from simstudio.sandbox.notifications import Delivery, Notifications, Part
    from simstudio.sandbox.records import ExecutionRecord
    from simstudio.webhooks import Family

KNOWN_KEY = "sk-sim-sandbox"
C = TypeVar("C", bound=Source)
_NAME = re.compile(r"[^/\s?#][^/?#]*")


class Sandbox(LocalService):
    """A local Sim server: its workflows are Python functions, its responses have the shape of the real ones.

    It comes with four workflows: ``hello`` (``name``), ``count`` (streams; ``to``, ``delay``), ``slow`` (``seconds``)
    and ``fail`` (``message``).

    Args:
        api_key: the accepted key. Served to other machines, a sandbox has a random key instead of the default.
        generation: generation of Sim servers that it imitates: ``v0.8`` (August 2026), ``v0.6`` (April 2026), ``v0.4``
            (October 2025) or ``documents`` (the documents of the official SDK).
        state: path of an SQLite file that keeps everything over restarts: runs at once, the rest (tables, files,
            knowledge, secrets, workflows edited over the API) within a second; None keeps it in memory.
        rate_limits: limits to enforce; None enforces none, and reports the numbers of the generation.
        admission_limit: how many executions may be in flight at a time; beyond it they are refused with 429 and
            ``Retry-After: 5`` before any other check. None for no limit.
        usage_cost: what the user has spent in this period, in US dollars. May be assigned later.
        usage_limit: what the user may spend, in US dollars; at or above it executions are refused with 402. May be
            assigned later.
        execution_timeout: the longest a workflow may run, in seconds; None for ever.
        job_concurrency: how many background jobs run at a time, None for all; the others are pending.
        public_url: address in ``statusUrl`` of a 202; None for the address on which it listens.
        outsider_key: a valid key of a user who may not see the workflows (403).
        redis: whether executions can be cancelled; without, cancelling answers ``success: false``.
        v2: whether ``/api/v2`` is switched on (generations ``v0.6`` and ``v0.8`` only); switched off, all of it but
            ``/api/v2/meta`` answers 404.
        heartbeat_interval: seconds between the heartbeats of a synchronous run of v2 whose caller accepts them.
        large_value_limit: bytes; larger values are references in the outputs that v2 shows, and since v0.8 in all. None
            for the limit of the generation: 8 MiB since v0.8, no limit before.
        cancel_on_disconnect: whether a synchronous run is cancelled when its caller disconnects, as on some servers
            since v0.8; else it goes on.
        upload_part_size: bytes of a part of an upload session; larger files are uploaded in parts.
        workspaces: ids of further workspaces, into which workflows can be imported.
        members: e-mail addresses of further members of the workspaces, who are no admins.
        assistant: name of the registered workflow that answers ``client.v2.chat``: its input has ``message`` and
            ``conversationId``, and the text that it streams or returns is the answer. None answers 501.
        enterprise: whether the key's user owns an organization on the enterprise plan, which may read the audit log and
            before v0.8 have more and larger tables than the free plan's three of 1000 rows.
        table_rows: number of rows that a table may have; None for what the plan allows, which since v0.8 has no limit.
        seed: any number, with which ids, tokens, dates and durations are the same in every run for the same requests
            that change something: the clock begins at 2026-01-01T00:00:00Z, and each of them moves it by 1 ms. Rate
            limits then are over only when `clock` is moved.
        clock: epoch seconds, for rate limits and dates.

    Example:
        >>> sandbox = Sandbox(api_key="sk-test")
        >>> @sandbox.workflow("greet")
        ... def greet(input: dict) -> dict:
        ...     return {"text": f"Hi {input['name']}"}
        >>> with sandbox.serve() as server:
        ...     server.client().workflows.execute("greet", {"name": "Ada"}).output
        {'text': 'Hi Ada'}
    """

    service = "sim"

    def __init__(
        self,
        api_key: str = KNOWN_KEY,
        *,
        generation: Generation = "v0.8",
        state: str | PathLike[str] | None = None,
        rate_limits: RateLimits | None = None,
        admission_limit: int | None = None,
        usage_cost: float = 0,
        usage_limit: float = 99999,
        execution_timeout: float | None = None,
        job_concurrency: int | None = None,
        public_url: str | None = None,
        outsider_key: str | None = None,
        redis: bool = True,
        v2: bool = True,
        heartbeat_interval: float = 15.0,
        large_value_limit: int | None = None,
        cancel_on_disconnect: bool = False,
        upload_part_size: int = PART_SIZE,
        workspaces: Iterable[str] = (),
        members: Iterable[str] = (),
        assistant: str | None = None,
        enterprise: bool = False,
        table_rows: int | None = None,
        seed: int | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        generation = argument_of("generation", generation)
        if generation not in DIALECTS:
            raise configuration_error(f"unknown generation {generation!r}: choose one of {', '.join(DIALECTS)}")
        if upload_part_size < 1:
            raise configuration_error("upload_part_size is at least 1 byte")
        if isinstance(workspaces, str):
            raise configuration_error("workspaces is a list of ids, not one")
        if isinstance(members, str):
            raise configuration_error("members is a list of addresses, not one")
        super().__init__(clock, seed, state)
        clock = self.clock
        self.api_key = api_key
        self.usage_cost = usage_cost
        self.usage_limit = usage_limit
        self._plan = "enterprise" if enterprise else "free"
        self.generation: Generation = generation
        self._dialect = DIALECTS[generation]()
        self._workflows: dict[str, Workflow] = {}
        self._base_url: str | None = None
        self._notifications: Notifications | None = None
        self.rate_limits = rate_limits
        store: Store = self._store or MemoryStore()
        self._definitions = Definitions((self.workspace_id, *workspaces), self._workflows, clock)
        self._engine = Engine(
            workflows=self._definitions.runnable,
            dialect=self._dialect,
            limiter=self._current_limiter,
            store=store,
            clock=clock,
            timeout=execution_timeout,
            job_concurrency=job_concurrency,
            usage_error=lambda: self._account().error,
            base_url=lambda: self._core.settings.public_url or self._base_url,
            workspace_id=self._account().workspace_id,
            deployment=self._definitions.deployment_version_id,
            ended=self._notify_of,
        )
        plan = SELF_HOSTED if self._dialect.since_v08 else PLANS[self._plan]
        if table_rows is not None:
            plan = plan.with_rows(table_rows)
        make_data = partial(Data, clock, self._account(), upload_part_size, plan)
        self._core = Core(
            settings=Settings(
                outsider_key=outsider_key,
                admission_limit=admission_limit,
                execution_timeout=execution_timeout,
                public_url=None if public_url is None else public_url.rstrip("/"),
                redis=redis,
                v2=v2,
                heartbeat=heartbeat_interval,
                large_value_limit=large_value_limit,
                cancel_on_disconnect=cancel_on_disconnect,
                members=frozenset(each.lower() for each in members),
                assistant=assistant,
            ),
            api_key=lambda: self.api_key,
            dialect=self._dialect,
            workflows=self._definitions.runnable,
            definitions=self._definitions,
            data=make_data(),
            engine=self._engine,
            store=store,
            clock=clock,
            limiter=self._current_limiter,
            account=self._account,
            served_at=lambda: self._base_url,
        )
        self._state = State(self._core, self._workflows, make_data)
        self._state_file = None if self._store is None else StateFile(self._state, self._store, self._seed)
        for function, fields in BUILTIN:
            self.workflow(function.__name__, fields=fields)(function)

    @property
    def rate_limits(self) -> RateLimits | None:
        """The enforced limits; assigning them fills all buckets."""
        return self._rate_limits

    @rate_limits.setter
    def rate_limits(self, limits: RateLimits | None) -> None:
        self._rate_limits = limits
        self._limiter = Limiter(limits, self._dialect.limits, self._dialect.meter, self.clock)

    def limit_calls(self, per_minute: int) -> None:
        """Enforce a limit on executions, background executions and the versioned API alike.

        Args:
            per_minute: requests a minute; for different limits assign `rate_limits`.
        """
        self.rate_limits = RateLimits(per_minute, per_minute, per_minute)

    @property
    @with_hints
    def workflows(self) -> Mapping[str, Workflow]:
        """The registered workflows by id."""
        return MappingProxyType(self._workflows)

    @property
    def functions(self) -> list[str]:
        """Names of the registered workflows."""
        return list(self._workflows)

    @property
    def workspace_id(self) -> str:
        """Id of the workspace that all registered workflows are in; requests to ``/api/v1`` and ``/api/v2`` name it."""
        return self._account().workspace_id

    @property
    def organization_id(self) -> str:
        """Id of the organization of the key's user; requests for the audit log of ``/api/v2`` name it."""
        return self._account().organization_id

    @property
    def workspaces(self) -> tuple[str, ...]:
        """The ids of all workspaces, the one of `workspace_id` first."""
        return tuple(self._definitions.workspaces)

    @with_hints
    def workflow(
        self,
        name: str,
        *,
        deployed: bool = True,
        public: bool = False,
        needs_redeployment: bool = False,
        block: str | None = None,
        fields: Mapping[str, object] | None = None,
    ) -> Callable[[F], F]:
        """Register a function as a workflow; a name that is taken is replaced.

        The function takes ``(input)``, ``(input, context)`` or the input fields as keyword arguments, such as
        ``(name: str = "Ada")``, and may be plain or async. The docstring describes the workflow, and its section
        ``Args:`` the fields. Its return value is the output of the run. A generator (plain or async) yields text,
        `Chunk` and `Block`; the return value of a plain one is the final output. A `Pause` that it yields evaluates to
        the answer; `Thinking`, `ToolCall` and `Reset` are events of v2's streams. An exception makes the run fail, and
        `respond` ends it in a Response block.

        Args:
            name: the workflow's id in paths.
            deployed: False makes executions answer 403.
            public: True lets callers without a key execute it.
            needs_redeployment: value in its status.
            block: the name of the block of the function; None for the name of the workflow.
            fields: declared input fields with their defaults. Callers' values are coerced to the defaults' types. None
                for those that the function's parameters declare: they do if they are keyword-only, or if the first one
                is not called ``input`` and has a default or is annotated as a text, a number, a boolean or a list.

        Raises:
            ConfigurationError: the name cannot be part of a path.

        Example:
            >>> @sandbox.workflow("essay", block="writer")
            ... async def essay(input):
            ...     yield "Once "
            ...     yield "upon a time"
        """
        if not _NAME.fullmatch(name) or name in (".", ".."):
            raise configuration_error(f"{name!r} cannot be a workflow's name: it is part of its path")

        def register(function: F) -> F:
            made = Workflow(
                name=name,
                function=function,
                block=block or name,
                created=self.clock(),
                deployed=deployed,
                public=public,
                needs_redeployment=needs_redeployment,
                fields=dict(fields or {}),
                parameters=read_parameters(function) if fields is None else None,
            )
            self._workflows[name] = made
            self._register(made)
            return function

        return register

    @with_hints
    def connector(self, kind: str) -> Callable[[C], C]:
        """Register a function as a type of connectors for knowledge bases.

        The function takes the connector's ``sourceConfig`` and returns texts by file name; each sync copies them into
        the knowledge base. It is called once more when a connector is created: an error refuses the configuration.

        Args:
            kind: Value of ``connectorType``; a name that is taken is replaced.

        Example:
            >>> @sandbox.connector("handbook")
            ... def handbook(config: dict) -> dict:
            ...     return {"holidays.md": "Thirty days of holidays a year."}
        """

        def register(source: C) -> C:
            self._core.data.connectors.sources[kind] = source
            return source

        return register

    @with_hints
    def mcp_server(self, url: str, tools: Iterable[Mapping[str, Any]]) -> None:
        """Say which tools the MCP server at an address has. The sandbox never connects to one.

        Args:
            url: address, as ``client.v2.mcp_servers.create`` takes it.
            tools: their ``name``, ``inputSchema`` and perhaps ``description``.

        Example:
            >>> schema = {"type": "object", "properties": {"id": {"type": "string"}}}
            >>> sandbox.mcp_server("https://crm.test/mcp", [{"name": "get_order", "inputSchema": schema}])
        """
        self._core.data.mcp_servers.sources[url] = [dict(each) for each in tools]

    def lock_table(self, table_id: str, *locks: Lock) -> None:
        """Forbid changes of a table, as Sim's editor can: requests answer 423.

        Args:
            table_id: the id of the table.
            locks: ``schema`` (columns), ``insert``, ``update`` and ``delete`` (rows, and the table itself), in place of
                those from before; none allows everything.

        Raises:
            ConfigurationError: there is no such table, or no such lock.
        """
        table = self._core.data.tables.find(table_id)
        if table is None:
            raise configuration_error(f"there is no table {table_id!r}")
        if unknown := set(locks) - set(LOCKS):
            raise configuration_error(f"unknown lock {min(unknown)!r}: choose among {', '.join(LOCKS)}")
        table.locks = set(locks)

    @with_hints
    def notify(
        self, url: str, *, secret: str | None = None, include: Iterable[Part] = (), family: Family = "sim"
    ) -> None:
        """Deliver every run that ends from now on to an address, signed as one of Sim's families of deliveries.

        A delivery that fails is not tried again; `deliveries` shows it. A paused run has not ended.

        Args:
            url: address of the receiver, to which each delivery is POSTed.
            secret: secret of the signature, see `simstudio.webhooks`; None sends it unsigned. A data drain needs one.
            include: further parts of a workflow notification: some of ``finalOutput``, ``traceSpans``, ``rateLimits``,
                ``usage``.
            family: ``sim`` for workflow notifications, which current servers of Sim have no more; ``webhook`` for
                workspace events that a Webhook block passes on; ``drain`` for a data drain, one row a delivery.

        Raises:
            ConfigurationError: the address, the secret, the family or a part is invalid.

        Example:
            >>> sandbox.notify("http://127.0.0.1:9000/hook", secret="whsec-test", include=["finalOutput"])
        """
        if self._notifications is None:
            from simstudio.sandbox.notifications import Notifications

            self._notifications = Notifications(self.clock, self._current_limiter, self._account, self._definitions)
        self._notifications.subscribe(url, secret, include, family)

    @property
    @with_hints
    def deliveries(self) -> list[Delivery]:
        """The deliveries to the addresses of `notify`, failed ones included, oldest first."""
        return [] if self._notifications is None else list(self._notifications.deliveries)

    def block_id(self, workflow: str, block: str | None = None) -> str:
        """The id of a workflow's block (its default one unless named), as in streams and ``selectedOutputs``."""
        return self._workflows[workflow].block_id(block)

    @cached_property
    @with_hints
    def app(self) -> Starlette:
        """The ASGI application, to be served by any server: ``uvicorn module:sandbox.app``.

        Raises:
            ConfigurationError: the extra ``sandbox`` is not installed.
        """
        with SandboxExtra():
            from simstudio.sandbox.app import build

        return build(self._core, self._middleware())

    def serve(self, host: str = "127.0.0.1", port: int = 0) -> SandboxServer:
        """A server for this sandbox; it starts in a ``with`` block, or by ``start()``.

        Args:
            host: the address or name to listen on. Requests whose header Host names anything else are refused with
                421, except for loopback names.
            port: 0 chooses a free one.
        """
        return SandboxServer(self, host, port)

    def _register(self, workflow: Workflow) -> None:
        """Give a function its definition."""
        with seeded(self._seed, workflow.name):
            self._definitions.register(workflow)

    def _open_state(self) -> None:
        """Open the store, and the state with it.

        Raises:
            ValueError: The file holds something else.
        """
        self._core.store.open()
        super()._open_state()

    async def use_functions_of(self, other: Sandbox) -> None:
        """Replace workflows and connectors by those of another sandbox, and keep everything else.

        A workflow whose fields and flags are the same keeps its versions and what was edited over the API.
        """
        for name in set(self._workflows) - set(other._workflows):
            del self._workflows[name]
            self._definitions.forget(name)
        for name, workflow in other._workflows.items():
            before = self._workflows.get(name)
            self._workflows[name] = workflow
            if before is None or fingerprint(before) != fingerprint(workflow):
                self._register(workflow)
        self._core.data.connectors.use_sources(other._core.data.connectors.sources)

    async def _forget(self) -> None:
        await self._engine.stop()
        self._core.store.clear()
        self._state.clear(self._register)
        self.rate_limits = self.rate_limits
        if self._notifications is not None:
            self._notifications.deliveries.clear()
        self._engine.start()

    async def _stop(self) -> None:
        self.faults.end_sleep()
        await self._engine.stop()
        self._close_state()

    def _notify_of(self, execution: ExecutionRecord) -> None:
        if self._notifications is not None:
            core = self._core
            logs = Logs(core.store.executions, core.store.files, core.definitions, self._account())
            self._engine.spawn(self._notifications.send(logs.entry(execution)))

    def _account(self) -> Account:
        return Account(cost=self.usage_cost, limit=self.usage_limit, plan=self._plan)

    def _current_limiter(self) -> Limiter:
        return self._limiter


class SandboxServer(Served["Sandbox"]):
    """A sandbox that is served on this machine by a thread of its own, made by `Sandbox.serve`."""

    def _prepare(self) -> None:
        if self.sandbox._base_url is not None:
            raise configuration_error(f"the sandbox is already being served at {self.sandbox._base_url}")
        super()._prepare()

    def _use_origin(self, origin: str) -> None:
        self.sandbox._base_url = origin

    def _replace_known_key(self) -> None:
        if self.sandbox.api_key == KNOWN_KEY:
            self.sandbox.api_key = random_key("sk-sim-")

    def _abandon(self) -> None:
        self.sandbox._base_url = None
        super()._abandon()
        self.sandbox._core.store.close()

    def _before_stop(self) -> Callable[[], Awaitable[None]]:
        return self.sandbox._stop

    def _after_close(self) -> None:
        self.sandbox._base_url = None

    @property
    def key(self) -> str:
        """The API key."""
        return self.sandbox.api_key

    def about(self) -> dict[str, Any]:
        """Body of ``GET /_sandbox``, with the generation and the workspace."""
        sandbox = self.sandbox
        return {**super().about(), "generation": sandbox.generation, "workspaceId": sandbox.workspace_id}

    @property
    def environ(self) -> dict[str, str]:
        """The environment variables with which a program uses this server, key included.

        Example:
            >>> os.environ.update(server.environ)  # doctest: +SKIP
        """
        return {
            "SIM_BASE_URL": self.base_url,
            "SIM_API_KEY": self.sandbox.api_key,
            "SIM_WORKSPACE_ID": self.sandbox.workspace_id,
        }

    @with_hints
    def client(self, **options: Any) -> SimStudioClient:
        """A client with the sandbox's key and address.

        Args:
            **options: further arguments of `SimStudioClient`.
        """
        from simstudio.client import SimStudioClient

        return direct(SimStudioClient(**self._options(options)))

    @with_hints
    def async_client(self, **options: Any) -> AsyncSimStudioClient:
        """An async client with the sandbox's key and address.

        Args:
            **options: further arguments of `AsyncSimStudioClient`.
        """
        from simstudio.client import AsyncSimStudioClient

        return direct(AsyncSimStudioClient(**self._options(options)))

    def _options(self, options: dict[str, Any]) -> dict[str, Any]:
        return {"api_key": self.sandbox.api_key, "base_url": self.base_url, **options}
