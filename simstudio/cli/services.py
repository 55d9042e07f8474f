"""The services beside Sim that the command line has: their settings, clients, sandboxes and batches."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from simstudio.cli.failures import CommandError, ExitCode, in_words
from simstudio.cli.inputs import parse_names, parse_value
from simstudio.errors import ConfigurationError

if TYPE_CHECKING:
    from simstudio.batch.batch import Batch
    from simstudio.cli.invocation import Invocation
    from simstudio.sandbox.local_service import LocalService
    from simstudio.transport.stack import MiddlewareOption


@attrs.frozen
class Service:
    """A service: where the command line finds its address and keys, and the classes that serve it.

    Attributes:
        name: The word for it on the command line.
        title: The name that messages show, such as ``Oomol Connect``.
        things: Name of its workflows or blocks, in the plural.
        address: The environment variable of its address, and the argument of its client.
        keys: The environment variables of its keys, with the arguments of its client, which reads them.
        client_class: ``module:class`` of its client; imported when it is used.
        sandbox_class: ``module:class`` of its sandbox; imported when it is used.
        map: Its client's method that runs a batch.
        default: ``module:name`` of its address where none is given; empty if it has none.
        needs_key: Whether a call without keys is refused before it is sent.
        arguments: Arguments of ``map`` that ``--set`` takes, and that a ledger keeps.
        file_arguments: Arguments of ``map`` that ``--set`` takes and no ledger keeps: which files are sent.
        batch_defaults: Arguments of ``map`` in place of its defaults.
    """

    name: str
    title: str
    things: str
    address: tuple[str, str]
    keys: Mapping[str, str]
    client_class: str
    sandbox_class: str
    map: Callable[[Any], Callable[..., Batch[Any]]]
    default: str = ""
    needs_key: bool = True
    arguments: Sequence[str] = ()
    file_arguments: Sequence[str] = ()
    batch_defaults: Mapping[str, Any] = attrs.field(factory=dict)

    @property
    def default_base_url(self) -> str | None:
        """Its address where none is given; None if it has none."""
        return _load(self.default) if self.default else None

    def connect(self, invocation: Invocation, base_url: str | None, middleware: MiddlewareOption) -> Any:
        """A client for the server that an option or the environment names, with the keys of the environment.

        Raises:
            CommandError: The address or a key is missing, or cannot be used.
        """
        variable, argument = self.address
        unplaced = not (base_url or variable_of(variable) or self.default)
        missing = [name for name in self.keys if not variable_of(name)] if self.needs_key else []
        if unplaced or missing:
            problem = "No API key. Set" if missing else "No address. Give --base-url URL, or set"
            named = " and ".join(missing) or variable
            raise _unusable(f"{problem} {named}, or try --sandbox, which needs none.")
        invocation.secrets = (*invocation.secrets, *filter(None, map(variable_of, self.keys)))
        given = {} if base_url is None else {argument: base_url}
        try:
            return _load(self.client_class)(**given, middleware=middleware)
        except ConfigurationError as error:
            text = self.rephrase(str(error))
            raise (_unusable(text) if any(name in text for name in self.keys) else CommandError(text)) from None

    def rephrase(self, text: str) -> str:
        """A message of its client, with options and environment variables in the place of arguments."""
        variable, argument = self.address
        text = in_words(text)
        for known, word in ((argument, f"--base-url ({variable})"), *((key, name) for name, key in self.keys.items())):
            text = re.sub(rf"(?<![\w-]){known}\b=?", word, text)
        return text

    def make_sandbox(self) -> LocalService:
        """A sandbox without functions of a user."""
        made: LocalService = _load(self.sandbox_class)()
        return made

    def load_sandbox(self, app: Path) -> LocalService:
        """Run a Python file and find its sandbox of this service.

        Raises:
            CommandError: The file is no Python file, raises, or defines no sandbox of the service.
        """
        from simstudio.cli.apps import load_sandboxes

        for found in load_sandboxes(app):
            if found.service == self.name:
                return found
        module, _, kind = self.sandbox_class.partition(":")
        raise CommandError(f"{app} defines no {kind}. Write: from {module} import {kind}; sandbox = {kind}()")

    @contextmanager
    def embedded(self, app: Path | None, middleware: MiddlewareOption) -> Iterator[Any]:
        """A client of a sandbox that lasts for a ``with`` block.

        Args:
            app: Python file that defines the sandbox; None for one without functions of a user.
            middleware: Middleware of the client.
        """
        sandbox: Any = self.make_sandbox() if app is None else self.load_sandbox(app)
        with sandbox.serve() as server, server.client(middleware=middleware) as client:
            yield client


def variable_of(name: str) -> str:
    """The value of an environment variable without spaces around it; empty if it is not set."""
    return os.environ.get(name, "").strip()


def _load(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


def _unusable(text: str) -> CommandError:
    return CommandError(text, ExitCode.CONNECTION, ConfigurationError.__name__)


SERVICES: Mapping[str, Service] = {
    service.name: service
    for service in (
        Service(
            "oomol",
            "Oomol Connect",
            "blocks",
            ("OOMOL_BASE_URL", "base_url"),
            {"OOMOL_TOKEN": "api_token"},
            "simstudio.services.oomol:OomolConnectClient",
            "simstudio.sandbox.services.oomol:OomolSandbox",
            attrgetter("tasks.map"),
            needs_key=False,
        ),
        Service(
            "speedpix",
            "SpeedPix",
            "workflows",
            ("SPEEDPIX_ENDPOINT", "endpoint"),
            {"SPEEDPIX_APP_KEY": "app_key", "SPEEDPIX_APP_SECRET": "app_secret"},
            "simstudio.services.speedpix:SpeedPixClient",
            "simstudio.sandbox.services.speedpix:SpeedPixSandbox",
            attrgetter("map"),
            "simstudio.services.speedpix.options:DEFAULT_ENDPOINT",
            arguments=(
                *("version_id", "alias_id", "randomise_seeds", "return_temp_files"),
                *("resource_config_id", "file_encoding_strategy"),
            ),
            file_arguments=("upload_paths", "upload_root"),
            batch_defaults={"upload_paths": False},  # texts of inputs may come from strangers
        ),
        Service(
            "vectorvein",
            "VectorVein",
            "workflows",
            ("VECTORVEIN_BASE_URL", "base_url"),
            {"VECTORVEIN_API_KEY": "api_key"},
            "simstudio.services.vectorvein:VectorVeinClient",
            "simstudio.sandbox.services.vectorvein:VectorVeinSandbox",
            attrgetter("workflows.map"),
            "simstudio.services.vectorvein.client:DEFAULT_BASE_URL",
            arguments=("output_scope", "api_key_type"),
        ),
    )
}
"""The services, by name. Sim is none of them: its commands are those without a service."""


def title_of(service: str | None) -> str:
    """The name of a service by its word; None is Sim."""
    found = SERVICES.get(str(service))
    return "Sim" if service is None else f"{service!r}" if found is None else found.title


def words_of(service: str | None) -> Callable[[str], str]:
    """The function that puts options in the place of arguments in messages of a service's client; None is Sim."""
    found = SERVICES.get(str(service))
    return in_words if found is None else found.rephrase


def kept_arguments(service: str | None, given: object) -> dict[str, Any]:
    """The arguments of ``map`` that a ledger keeps, of those that were given or found in one."""
    if service is None or not isinstance(given, Mapping):
        return {}
    return {name: given[name] for name in SERVICES[service].arguments if name in given}


def check_arguments(service: str | None, given: Mapping[str, Any]) -> None:
    """Check the names that ``--set`` was given.

    Raises:
        click.UsageError: The service's ``map`` has no such argument.
    """
    allowed = [] if service is None else [*SERVICES[service].arguments, *SERVICES[service].file_arguments]
    for name in given:
        if name not in allowed:
            advice = f"; there are {', '.join(allowed)}" if allowed else ""
            raise click.UsageError(
                f"--set has nothing named {name!r} for {title_of(service)}{advice}",
                click.get_current_context(silent=True),
            )


def _parse_arguments(_: click.Context, option: click.Parameter, values: Sequence[str]) -> dict[str, Any]:
    return {name: parse_value(text) for name, text in parse_names(_, option, values).items()}


arguments_option = click.option(
    "--set",
    "arguments",
    metavar="NAME=VALUE",
    multiple=True,
    callback=_parse_arguments,
    help="An argument that the service has, such as output_scope=all of VectorVein, or of SpeedPix alias_id=beta and "
    "upload_paths=true (to send the files that texts name). Again for more.",
)
"""Decorator: ``--set``, for :func:`check_arguments`."""

service_option = click.option(
    "--service",
    type=click.Choice(list(SERVICES)),
    help="Run a block of Oomol, or a workflow of SpeedPix or VectorVein, instead of one of Sim. Address and keys come "
    "from the environment: see simstudio NAME --help.",
)
"""Decorator: ``--service``, for commands that otherwise use Sim."""
