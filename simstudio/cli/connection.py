"""The server of a command: the options that name it, and the client for it."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from simstudio.cli.failures import CommandError, ExitCode
from simstudio.cli.global_options import global_options
from simstudio.cli.invocation import Invocation, json_option, pass_invocation
from simstudio.cli.output import say
from simstudio.transport.logging import Logging

if TYPE_CHECKING:
    from simstudio.cli.profile_file import Profile
    from simstudio.cli.services import Service
    from simstudio.client import SimStudioClient
    from simstudio.sandbox import Sandbox
    from simstudio.transport.stack import Middleware, MiddlewareOption

Command = Callable[..., None]


@attrs.define
class Connection:
    """The first argument of a command: the server, and how results are written.

    Attributes:
        invocation: The run of the command line.
        base_url: ``--base-url``.
        api_version: ``--api-version``, or ``SIM_API_VERSION``; None leaves it to the client.
        sandboxed: Whether the server is the embedded sandbox.
        app: Python file that defines the sandbox; None for the default sandbox.
        sandbox: The embedded sandbox, once the client is open.
        profile: The profile in use, once the client is open.
        service: The service that the command uses; None for Sim.
    """

    invocation: Invocation
    base_url: str | None = None
    api_version: str | None = None
    sandboxed: bool = False
    app: Path | None = None
    sandbox: Sandbox | None = None
    profile: Profile | None = None
    service: Service | None = None

    @property
    def as_json(self) -> bool:
        """Whether JSON was asked for."""
        return self.invocation.as_json

    @contextmanager
    def client(self) -> Iterator[SimStudioClient]:
        """A client for the time of a ``with`` block, and the embedded sandbox with it.

        Raises:
            CommandError: There is no usable API key, or the app has no sandbox.
            ConfigurationError: Another setting cannot be used, or the sandbox cannot start.
        """
        with ExitStack() as stack:
            yield stack.enter_context(self._embed(stack) if self.sandboxed else self._remote())

    @contextmanager
    def any_client(self) -> Iterator[Any]:
        """A client of the command's service, Sim or another, for the time of a ``with`` block.

        Raises:
            click.UsageError: A profile is given, which only Sim has.
            CommandError: A key or the address is missing.
            ConfigurationError: A setting cannot be used, or the sandbox cannot start.
        """
        service, middleware = self.service, self._middleware()
        if service is None:
            opened: Any = self.client()
        else:
            if self.invocation.profile is not None:
                raise click.UsageError("--profile is of Sim only", click.get_current_context(silent=True))
            self.invocation.rephrase = service.rephrase
            opened = (
                service.embedded(self.app, middleware)
                if self.sandboxed
                else service.connect(self.invocation, self.base_url, middleware)
            )
        with opened as client:
            yield client

    def _remote(self) -> SimStudioClient:
        from simstudio.cli.access import find_access, find_key
        from simstudio.client import SimStudioClient

        access = find_access(self.invocation, self.base_url)
        self.profile = access.profile
        if self.invocation.profile is not None and access.key_source == "SIM_API_KEY":
            say(f"note: SIM_API_KEY is used, not the key of the profile {self.invocation.profile}")
        key = find_key(self.invocation, access)
        return SimStudioClient(
            key.reveal(), access.base_url, api_version=self.api_version, middleware=self._middleware()
        )

    def _middleware(self) -> MiddlewareOption:
        """The default middleware; with ``-vv`` it logs bodies."""
        return log_bodies if self.invocation.verbosity > 1 else None

    def _embed(self, stack: ExitStack) -> SimStudioClient:
        from simstudio.cli.apps import load_sandbox
        from simstudio.sandbox import Sandbox

        self.sandbox = Sandbox() if self.app is None else load_sandbox(self.app)
        self.invocation.workflows = tuple(self.sandbox.workflows)
        server = stack.enter_context(self.sandbox.serve())
        return server.client(api_version=self.api_version, middleware=self._middleware())

    @staticmethod
    def surface(client: SimStudioClient) -> Any:
        """``client.v1`` or ``client.v2``, by the version of the API. Methods of one name differ in their arguments."""
        return client.v2 if client.api_version == "v2" else client.v1

    def require_v2(self, client: SimStudioClient, what: str, instead: str = "") -> None:
        """Refuse what v1 cannot do.

        Args:
            client: The client, whose ``api_version`` decides.
            what: The beginning of the sentence, such as ``The versions of a workflow are``.
            instead: A further sentence: what v1 can do.

        Raises:
            CommandError: The client uses v1.
        """
        if client.api_version != "v2":
            advice = f"Give --api-version v2, or set SIM_API_VERSION=v2.{f' {instead}' if instead else ''}"
            raise CommandError(f"{what} not in v1 of the API. {advice}", ExitCode.USAGE, "UnsupportedVersion")

    def workflow_of(self, client: SimStudioClient, workflow: str | None) -> str | None:
        """The workflow of a run, ``--workflow``: v2 finds a run by it only, v1 mostly without.

        Raises:
            click.UsageError: The client uses v2, and no workflow is given.
        """
        if client.api_version == "v2":
            if not workflow:
                raise click.UsageError(
                    "v2 of the API finds a run by its workflow only: give --workflow ID",
                    click.get_current_context(silent=True),
                )
            self.invocation.workflow = workflow
        return workflow

    def workspace(self, given: str | None) -> str:
        """The workspace of a command: ``--workspace``, else the embedded sandbox's, the environment's, the profile's.

        Raises:
            click.UsageError: None is known.
        """
        found = self.known_workspace(given)
        if found is None:
            ctx = click.get_current_context(silent=True)
            has_option = ctx is None or any(each.name == "workspace" for each in ctx.command.params)
            advice = "Give --workspace ID, or set" if has_option else "Set"
            raise click.UsageError(f"No workspace. {advice} SIM_WORKSPACE_ID", ctx)
        return found

    def known_workspace(self, given: str | None) -> str | None:
        """The same as :meth:`workspace`; None if none is known."""
        if given:
            return given
        if self.sandbox is not None:
            return self.sandbox.workspace_id
        found = os.environ.get("SIM_WORKSPACE_ID", "").strip()
        return found or (self.profile.workspace_id if self.profile is not None else None) or None


def app_option(things: str) -> Callable[[Command], Command]:
    """Decorator: ``--sandbox-app``.

    Args:
        things: Name of the sandbox's workflows or blocks, in the plural.
    """
    return click.option(
        "--sandbox-app",
        "app",
        metavar="APP.PY",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help=f"Like --sandbox, with the {things} of the sandbox that this file defines; -v shows their tracebacks.",
    )


def connected(command: Command) -> Command:
    """Decorator: the options that every command on a server has; it gets a :class:`Connection` for them."""

    @json_option
    @global_options
    @app_option("workflows")
    @click.option(
        "--sandbox",
        "sandboxed",
        is_flag=True,
        help="Use a Sim on this machine, started for this command: no account, no network. "
        "Its workflows: hello, count, slow, fail.",
    )
    @click.option(
        "--api-version",
        type=click.Choice(["v1", "v2"]),
        envvar="SIM_API_VERSION",
        help="Version of the API; else SIM_API_VERSION, else v1.",
    )
    @click.option("--base-url", metavar="URL", help="Address of Sim; else SIM_BASE_URL, the profile's, https://sim.ai.")
    @pass_invocation
    @functools.wraps(command)
    def wrapper(
        invocation: Invocation,
        /,
        *arguments: Any,
        base_url: str | None,
        api_version: str | None,
        sandboxed: bool,
        app: Path | None,
        as_json: bool,
        **options: Any,
    ) -> None:
        sandboxed = sandboxed or app is not None
        for option, given in (("--base-url", base_url), ("--profile", invocation.profile)):
            if sandboxed and given is not None:
                raise click.UsageError(f"--sandbox and {option} exclude each other", click.get_current_context())
        invocation.as_json = as_json
        invocation.embedded = sandboxed
        invocation.options = _options_of(click.get_current_context().command)
        command(Connection(invocation, base_url, api_version, sandboxed, app), *arguments, **options)

    return wrapper


def _options_of(command: click.Command) -> dict[str, str]:
    return {
        each.name: max(each.opts, key=len) for each in command.params if isinstance(each, click.Option) and each.name
    }


def log_bodies(stack: list[Middleware]) -> list[Middleware]:
    """Have the default middleware log bodies, for ``-vv``."""
    for each in stack:
        if isinstance(each, Logging):
            each.bodies = True
    return stack
