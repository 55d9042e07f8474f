"""A local server that answers like Oomol Connect: its blocks and flows are Python functions.

Example:
    >>> from simstudio.sandbox.services.oomol import OomolSandbox
    >>> sandbox = OomolSandbox()
    >>> @sandbox.block("audio-lab::text-to-audio")
    ... def text_to_audio(inputs: dict) -> dict:
    ...     return {"audio": f"/oomol-driver/{inputs['text']}.wav"}
    >>> with sandbox.serve() as server, server.client() as client:
    ...     client.tasks.run({"blockId": "audio-lab::text-to-audio", "inputValues": {"text": "hi"}})["result"]
    {'audio': '/oomol-driver/hi.wav'}
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from simstudio.core.functions import with_hints
from simstudio.sandbox import jsontext
from simstudio.sandbox.forms import UploadedFile, parse_form
from simstudio.sandbox.http import Refusal, Reply, json_reply
from simstudio.sandbox.local_service import LocalService
from simstudio.sandbox.request_log import failure_text
from simstudio.sandbox.services.functions import Functions, has_ended
from simstudio.sandbox.services.oomol_tasks import FINAL, Context, Runnable, TaskRecord, echo, fail, files, slow
from simstudio.sandbox.serving import Served, direct, random_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from os import PathLike

    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from simstudio.services.oomol import AsyncOomolConnectClient, OomolConnectClient

F = TypeVar("F", bound=Callable[..., Any])
Handler = Callable[["Request"], Awaitable[Reply]]

KNOWN_TOKEN = "tok-sim-sandbox"  # noqa: S105 - of the sandbox alone
_INSTALLING = {"pending": "running", "running": "success"}


class OomolSandbox(LocalService):
    """A local Oomol Connect.

    It has the blocks ``sandbox::echo`` (returns its inputs), ``sandbox::fail`` (fails with ``message``),
    ``sandbox::slow`` (takes ``seconds``) and ``sandbox::files`` (describes the uploaded files).

    Args:
        api_token: Token: the only value of ``Authorization`` that it accepts.
        installable: Newest version of each further package that can be installed.
        seed: Any number, with which times are the same in every run, as those of :class:`simstudio.sandbox.Sandbox`.
        state: Path of an SQLite file that keeps tasks and installations over restarts; None keeps them in memory.
    """

    service = "oomol"

    def __init__(
        self,
        api_token: str = KNOWN_TOKEN,
        *,
        installable: Mapping[str, str] | None = None,
        seed: int | None = None,
        state: str | PathLike[str] | None = None,
    ) -> None:
        super().__init__(seed=seed, state=state)
        self.api_token = api_token
        self.installable = {"audio-lab": "1.2.0", "package-name": "1.0.0", **(installable or {})}
        self._blocks: dict[str, Runnable] = {}
        self._flows: dict[str, Runnable] = {}
        self._tasks: dict[str, TaskRecord] = {}
        self._installs: dict[str, dict[str, Any]] = {}
        self._installed: dict[str, str] = {"sandbox": "1.0.0"}
        self._applets: list[dict[str, Any]] = []
        self._functions = Functions(self._save_soon)
        for function in (echo, fail, slow, files):
            self.block(f"sandbox::{function.__name__}")(function)

    def block(
        self, block_id: str, *, version: str = "1.0.0", description: str | None = None, inputs: tuple[str, ...] = ()
    ) -> Callable[[F], F]:
        """Register a function as a block, in place of an earlier one with this id.

        The function takes ``(inputs)`` or ``(inputs, context)``, and may be async. Its return value is the result of
        the task, and an exception is the reason of its failure.

        Args:
            block_id: ``package::name``.
            version: Version of the package.
            description: Description in the list of blocks.
            inputs: Handles in the list of blocks.
        """

        def register(function: F) -> F:
            self._blocks[block_id] = Runnable(block_id, function, version, description, tuple(inputs))
            self._installed.setdefault(block_id.partition("::")[0], version)
            return function

        return register

    def flow(self, name: str) -> Callable[[F], F]:
        """Register a function as a flow, which runs as ``manifest``; otherwise the same as :meth:`block`."""

        def register(function: F) -> F:
            self._flows[name] = Runnable(name, function)
            return function

        return register

    def applet(self, applet_id: str, block_id: str, presets: Mapping[str, Any] | None = None) -> None:
        """Add an applet: a block with preset inputs."""
        package, _, block = block_id.partition("::")
        version, made = self._installed.get(package, "1.0.0"), self._now()
        data = {
            "id": f"d-{applet_id}",
            "createdAt": made,
            "packageId": f"{package}-{version}",
            "blockName": block,
        }
        if presets is not None:
            data["presetInputs"] = dict(presets)
        when = {"createdAt": made, "updatedAt": made}
        self._applets.append({"appletId": applet_id, "userId": "sandbox", **when, "data": data})

    @cached_property
    @with_hints
    def app(self) -> Starlette:
        """The ASGI application."""
        from starlette.applications import Starlette
        from starlette.routing import Route

        def route(path: str, get: Handler | None = None, post: Handler | None = None) -> Route:
            handlers = {name: handler for name, handler in (("GET", get), ("POST", post)) if handler is not None}
            return Route(path, _Endpoint(self, handlers), methods=list(handlers))

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            yield
            await self._stop()

        return Starlette(
            routes=[
                route("/api/v1/blocks", get=self._get_blocks),
                route("/api/v1/flows", get=self._get_flows),
                route("/api/v1/tasks", get=self._get_tasks, post=self._create),
                route("/api/v1/tasks/{id}", get=self._get_task),
                route("/api/v1/tasks/{id}/stop", post=self._stop_task),
                route("/api/v1/tasks/{id}/logs", get=self._get_logs),
                route("/api/packages", get=self._get_packages),
                route("/api/packages/install", get=self._get_installs, post=self._install),
                route("/api/packages/install/{id}", get=self._get_install),
                route("/rpc/listApplets", post=self._list_applets),
            ],
            middleware=self._middleware(),
            lifespan=lifespan,
        )

    def serve(self, host: str = "127.0.0.1", port: int = 0) -> OomolServer:
        """Make a server for this sandbox. A ``with`` block or ``start()`` starts it."""
        return OomolServer(self, host, port)

    def _is_read(self, method: str, path: str) -> bool:
        return super()._is_read(method, path) or path.startswith("/rpc/")

    # -- handlers --------------------------------------------------------------------------------------------------

    async def _get_blocks(self, _: Request) -> Reply:
        return json_reply({"blocks": [_block(block) for block in self._blocks.values()]})

    async def _get_flows(self, _: Request) -> Reply:
        return json_reply({"flows": [{"name": flow.name, "path": flow.path} for flow in self._flows.values()]})

    async def _get_tasks(self, _: Request) -> Reply:
        return json_reply({"tasks": [task.to_json() for task in self._tasks.values()]})

    async def _get_task(self, request: Request) -> Reply:
        task = self._task(request)
        await has_ended(task.work)
        return json_reply(_for_both(task.to_json()))

    async def _get_logs(self, request: Request) -> Reply:
        return json_reply({"logs": list(self._task(request).logs)})

    async def _create(self, request: Request) -> Reply:
        body, uploaded = await _task_request(request)
        name = body.get("blockId", body.get("manifest"))
        runnable = self._blocks.get(str(name)) or self._flows.get(str(name))
        if runnable is None:
            raise Refusal(404, f"There is no block or flow {name!r}")
        nodes = body.get("inputValues") or []
        task = TaskRecord(f"t-{len(self._tasks) + 1}", runnable, nodes, self._now)
        inputs = _inputs(nodes)
        task.context = Context(task, uploaded, nodes)
        self._tasks[task.id] = task
        reply = json_reply({"task": task.to_json(), "success": True})
        task.work = self._functions.begin(self._run(task, inputs, task.context))
        return reply

    async def _run(self, task: TaskRecord, inputs: dict[str, Any], context: Context) -> None:
        task.status = "running"
        task.log("SessionStarted")
        task.log("BlockStarted")
        try:
            result = await self._functions.call(task.runnable.function, *task.runnable.arguments(inputs, context))
            result = jsontext.plain(result)
        except asyncio.CancelledError:
            task.status = "stopped"
            raise
        except Exception as error:  # noqa: BLE001 - it is the task's failure
            task.fail(failure_text(error))
            return
        task.log("BlockFinished", {"result": result})
        task.log("SessionFinished")
        task.status = "completed"

    async def _stop_task(self, request: Request) -> Reply:
        task = self._task(request)
        self._end(task)
        return json_reply({"task": task.to_json(), "success": True})

    def _end(self, task: TaskRecord) -> None:
        if task.context is not None:
            task.context.stopped.set()
        if task.status not in FINAL and task.work is not None:
            task.work.cancel()
            task.log("SessionFinished")
            task.status = "stopped"

    def _now(self) -> int:
        """Milliseconds since the epoch."""
        return int(self.clock() * 1000)

    @property
    def functions(self) -> list[str]:
        """Names of the blocks and flows."""
        return [*self._blocks, *self._flows]

    async def use_functions_of(self, other: OomolSandbox) -> None:
        """Replace blocks, flows and applets by those of another sandbox, and keep everything else."""
        self._blocks, self._flows, self._applets = dict(other._blocks), dict(other._flows), list(other._applets)
        for package, version in other._installed.items():
            self._installed.setdefault(package, version)

    async def _forget(self) -> None:
        for task in self._tasks.values():
            self._end(task)
        self._tasks.clear()
        self._installs.clear()
        packages = {block.partition("::")[0]: found.version for block, found in self._blocks.items()}
        self._installed = {**packages, "sandbox": "1.0.0"}

    async def _stop(self) -> None:
        self.faults.end_sleep()
        for task in self._tasks.values():
            self._end(task)
        self._close_state()

    def _save(self) -> dict[str, Any]:
        tasks = [task.save() for task in self._tasks.values()]
        return {"tasks": tasks, "installs": list(self._installs.values()), "installed": self._installed}

    def _load(self, data: Mapping[str, Any]) -> None:
        self._tasks = {each["id"]: TaskRecord.load(each, self._now) for each in data["tasks"]}
        self._installs = {each["id"]: each for each in data["installs"]}
        self._installed = {**data["installed"], **self._installed}

    async def _get_packages(self, _: Request) -> Reply:
        found = [{"name": name, "version": version, "path": f"/p/{name}"} for name, version in self._installed.items()]
        return json_reply({"packages": found})

    async def _install(self, request: Request) -> Reply:
        body = _object(await request.body())
        name = str(body.get("name"))
        install = {
            "id": f"i-{len(self._installs) + 1}",
            "name": name,
            "version": body.get("version") or self.installable.get(name, "0.0.0"),
            "status": "pending",
            "createdAt": self._now(),
            "updatedAt": self._now(),
        }
        self._installs[str(install["id"])] = install
        return json_reply({**_for_both(install), "taskId": install["id"]})

    async def _get_installs(self, _: Request) -> Reply:
        return json_reply({"tasks": list(self._installs.values())})

    async def _get_install(self, request: Request) -> Reply:
        """Answer with one installation, which advances by one status at each request."""
        install = self._installs.get(request.path_params["id"])
        if install is None:
            raise Refusal(404, "There is no such installation")
        if install["status"] == "pending" and install["name"] not in self.installable:
            install |= {"status": "failed", "error": "no such package"}
        elif install["status"] in _INSTALLING:
            install |= {"status": _INSTALLING[install["status"]], "updatedAt": self._now()}
            if install["status"] == "success":
                self._installed[install["name"]] = install["version"]
                install |= {"packagePath": f"/p/{install['name']}/{install['version']}", "dependencies": []}
        return json_reply(_for_both(install))

    async def _list_applets(self, _: Request) -> Reply:
        return json_reply(list(self._applets))

    def _task(self, request: Request) -> TaskRecord:
        task = self._tasks.get(request.path_params["id"])
        if task is None:
            raise Refusal(404, "There is no such task")
        return task


class _Endpoint:
    """Checks the token, and answers with the handler of the method or a refusal."""

    def __init__(self, sandbox: OomolSandbox, handlers: Mapping[str, Handler]) -> None:
        self._sandbox = sandbox
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        from starlette.requests import Request

        request = Request(scope, receive)
        answer: ASGIApp
        try:
            if request.headers.get("authorization") != self._sandbox.api_token:
                raise Refusal(401, "The token is missing or wrong")
            answer = await self._handlers["GET" if request.method == "HEAD" else request.method](request)
        except Refusal as refusal:
            answer = json_reply({"message": refusal.message}, refusal.status)
        await answer(scope, receive, send)


async def _task_request(request: Request) -> tuple[dict[str, Any], list[UploadedFile]]:
    """The request for a task and its files, from JSON or from a form."""
    content_type = request.headers.get("content-type", "")
    body = await request.body()
    if content_type.startswith("application/json"):
        return _object(body), []
    try:
        texts, uploaded = parse_form(content_type, body)
    except ValueError as error:
        raise Refusal(400, str(error)) from error
    found: dict[str, Any] = dict(texts)
    if "inputValues" in found:
        try:
            found["inputValues"] = jsontext.loads(found["inputValues"].encode())
        except ValueError as error:
            raise Refusal(400, "inputValues is not JSON") from error
    return found, uploaded


def _object(body: bytes) -> dict[str, Any]:
    try:
        data = jsontext.loads(body)
    except ValueError as error:
        raise Refusal(400, "The body is not JSON") from error
    if not isinstance(data, dict):
        raise Refusal(400, "The body is no object")
    return data


def _inputs(nodes: object) -> dict[str, Any]:
    """The values of all nodes by handle."""
    try:
        return {each["handle"]: each["value"] for node in nodes for each in node["inputs"]}  # type: ignore[attr-defined]
    except (TypeError, KeyError, AttributeError) as error:
        raise Refusal(400, "inputValues is no list of {nodeId, inputs: [{handle, value}]}") from error


def _for_both(task: dict[str, Any]) -> dict[str, Any]:
    """The response with one task or installation, for both kinds of clients: flat, and in an envelope."""
    return {**task, "task": task, "success": True}


def _block(block: Runnable) -> dict[str, Any]:
    package, _, name = block.name.partition("::")
    shown: dict[str, Any] = {"package": package, "name": name, "path": block.path}
    if block.description is not None:
        shown["description"] = block.description
    return {**shown, "inputs": [{"handle": handle} for handle in block.inputs]}


__all__ = ["Context", "OomolSandbox", "OomolServer", "UploadedFile"]


class OomolServer(Served["OomolSandbox"]):
    """A sandbox that a thread serves on this machine; made by :meth:`OomolSandbox.serve`."""

    @property
    def applets_url(self) -> str:
        """Address of the list of applets."""
        return self.origin

    @property
    def base_url(self) -> str:
        """Base address of everything else."""
        return f"{self.origin}/api"

    def _replace_known_key(self) -> None:
        if self.sandbox.api_token == KNOWN_TOKEN:
            self.sandbox.api_token = random_key("tok-sim-")

    def _before_stop(self) -> Callable[[], Awaitable[None]]:
        return self.sandbox._stop

    @property
    def key(self) -> str:
        """The API token."""
        return self.sandbox.api_token

    @property
    def environ(self) -> dict[str, str]:
        """The environment variables with which a program uses this server, token included."""
        return {
            "OOMOL_BASE_URL": self.base_url,
            "OOMOL_TOKEN": self.sandbox.api_token,
            "OOMOL_APPLETS_URL": self.applets_url,
        }

    def _options(self, options: dict[str, Any]) -> dict[str, Any]:
        own = {"base_url": self.base_url, "api_token": self.sandbox.api_token, "applets_url": self.applets_url}
        return {**own, **options}

    @with_hints
    def client(self, **options: Any) -> OomolConnectClient:
        """Make a client with the sandbox's token and address."""
        from simstudio.services.oomol import OomolConnectClient

        return direct(OomolConnectClient(**self._options(options)))

    @with_hints
    def async_client(self, **options: Any) -> AsyncOomolConnectClient:
        """Make an async client with the sandbox's token and address."""
        from simstudio.services.oomol import AsyncOomolConnectClient

        return direct(AsyncOomolConnectClient(**self._options(options)))
