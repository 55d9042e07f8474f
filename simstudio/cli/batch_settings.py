"""The settings of a batch, and their note in its ledger."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from simstudio.batch.input_files import InputFile
from simstudio.cli.batch_options import kept_options
from simstudio.cli.batch_shared import absolute, secrets_of, without_secrets
from simstudio.cli.failures import CommandError
from simstudio.cli.services import SERVICES, kept_arguments, title_of
from simstudio.errors import LedgerError

if TYPE_CHECKING:
    from simstudio.batch.ledger import Ledger, LedgerView

_NOTE = "command line"
_BEFORE = "before"


@attrs.frozen
class Settings:
    """The settings of a batch.

    Attributes:
        workflow: Id of the workflow.
        inputs: The path or address of a file, ``-`` for standard input.
        out: File of the results; None for standard output.
        mode: ``sync``, ``async`` or ``stream``.
        timeout: Seconds an item may take.
        check: Whether inputs are compared with the fields of the workflow before they are sent.
        options: Options of ``map`` that were given.
        secret: Whether secrets were removed from ``shared``.
        server: The base address that the batch ran on, or the option of the sandbox that it ran on.
        api_version: Version of the API.
        service: The service that runs it; None for Sim.
        arguments: Arguments of the service's ``map``, of ``--set``.
    """

    workflow: str
    inputs: str
    out: str | None = None
    mode: str = "sync"
    timeout: float | None = None
    check: bool = False
    options: Mapping[str, Any] = attrs.field(factory=dict)
    secret: bool = False
    server: str | None = None
    api_version: str | None = None
    service: str | None = None
    arguments: Mapping[str, Any] = attrs.field(factory=dict)

    @property
    def ordered(self) -> bool:
        """Whether results come in the order of the inputs."""
        return bool(self.options.get("ordered", True))

    @property
    def key(self) -> str | None:
        """The field that identifies an input; None if its position identifies it."""
        return self.options.get("key")

    @property
    def shared(self) -> str | None:
        """Address of the shared rate; None if the rate is not shared."""
        return self.options.get("shared")

    def to_keep(self) -> Settings:
        """The settings as a ledger stores them: with absolute paths, and without secrets."""
        options = kept_options(self.options)
        if self.shared is not None:
            options["shared"] = without_secrets(absolute(self.shared))
        return attrs.evolve(
            self,
            inputs=self.inputs if self.inputs == "-" else absolute(InputFile(self.inputs).name),
            out=None if self.out is None else str(Path(self.out).absolute()),
            options=options,
            arguments=kept_arguments(self.service, self.arguments),
            secret=self.secret or bool(secrets_of(self.shared)),
        )


@attrs.frozen
class Note:
    """The settings of a batch that are stored in its ledger, so that it can be resumed.

    Attributes:
        latest: Settings of the last run; None for a batch that no command line made.
        accepted: Settings of the last run whose inputs were those of the ledger; None if there was none yet.
    """

    latest: Settings | None
    accepted: Settings | None

    @classmethod
    def of(cls, ledger: LedgerView) -> Note:
        """Read the note of a ledger.

        Raises:
            LedgerError: The ledger cannot be read.
        """
        told = ledger.recall(_NOTE)
        if not told:
            return cls(None, None)
        latest, before = _settings(told), told.get(_BEFORE)
        return cls(latest, latest if before is None else _settings(before))

    def keep(self, ledger: Ledger) -> None:
        """Store the note in a ledger."""
        told: dict[str, Any] = attrs.asdict(self.latest.to_keep()) if self.latest is not None else {}
        if self.accepted is not None and self.accepted != self.latest:
            told[_BEFORE] = attrs.asdict(self.accepted.to_keep())
        ledger.remember(_NOTE, told)


def _settings(told: dict[str, Any]) -> Settings:
    names = {field.name for field in attrs.fields(Settings)}
    known = {name: value for name, value in told.items() if name in names}
    options = known.get("options", told)  # an earlier release stored each option beside the other settings
    given = {name: value for name, value in options.items() if value is not None} if isinstance(options, dict) else {}
    known["options"] = kept_options(given)  # other options are dropped: a ledger may come from anybody
    return Settings(**known)


@attrs.frozen
class Memory:
    """The note of one run in the ledger of its batch.

    A run may turn out to be wrong, because an input differs from that of the ledger. The settings of the earlier run
    are kept until this is known, so that the batch can be resumed with them.

    Attributes:
        settings: Settings of this run.
        api_version: Version of the API.
        before: The earlier note of the ledger.
        new: Whether the ledger had no items before.
    """

    path: str
    settings: Settings
    api_version: str
    before: Note
    new: bool

    @classmethod
    def begin(cls, path: str, settings: Settings, api_version: str, address: str, *, moved: bool = False) -> Memory:
        """Store the settings of a run that begins in the ledger, which is made if it is missing.

        Args:
            settings: Settings of this run.
            api_version: Version of the API.
            address: Address of the server; an embedded sandbox has a new one each time.
            moved: Whether the server may have another address than before.

        Raises:
            LedgerError: The ledger cannot be used for this batch.
            click.UsageError: Its items are known by other keys, or ran on another server.
        """
        from simstudio.batch.ledger import Ledger, move

        mode: Any = settings.mode
        settings = attrs.evolve(settings.to_keep(), api_version=api_version)
        with Ledger.open(path, workflow_id=settings.workflow, mode=mode, api_version=api_version) as ledger:
            before, new, known = Note.of(ledger), not ledger.counts().total, ledger.base_url
            if new:
                before = Note(before.latest, None)
            else:
                _ensure_same(path, before.accepted, known, settings, moved=moved)
            Note(settings, before.accepted).keep(ledger)
        if known not in ("", address):
            move(path, address)
        return cls(path, settings, api_version, before, new)

    def end(self, *, accepted: bool) -> Settings | None:
        """Store which settings the batch goes on with: those of this run, or the earlier ones.

        Args:
            accepted: Whether the inputs of this run were those of the ledger.

        Returns:
            The settings; None if the ledger has none.
        """
        from simstudio.batch.ledger import Ledger

        last = self.settings if accepted or self.new else self.before.accepted
        if last == self.settings and self.before.accepted in (None, last):  # the ledger has them already
            return last
        mode: Any = self.settings.mode
        with (
            suppress(LedgerError),
            Ledger.open(
                self.path, workflow_id=self.settings.workflow, mode=mode, api_version=self.api_version
            ) as ledger,
        ):  # after a failure the ledger holds both
            Note(last, None).keep(ledger)
        return last


def _ensure_same(path: str, before: Settings | None, address: str, now: Settings, *, moved: bool) -> None:
    """Make sure that a ledger goes on with the settings that it stores.

    Raises:
        click.UsageError: Its items are known by other keys, or ran on another server.
    """
    problem = None
    server = (before.server if before is not None else None) or address
    if before is not None and before.service != now.service:
        titles = title_of(before.service), title_of(now.service)
        problem = f"The items of {path} ran on {titles[0]}, not on {titles[1]}. Give another ledger"
    elif before is not None and before.key != now.key:
        known = "the places of the inputs" if before.key is None else f"--key {before.key}"
        problem = (
            f"The items of {path} are known by {known}; under other keys all would run again. "
            "Give the same, or another ledger"
        )
    elif server and server != now.server and not moved:
        again = server if server.startswith("--") else f"--base-url {shlex.quote(server)}"
        problem = (
            f"The items of {path} ran on {_name_of(server)}, and {_name_of(now.server)} is asked now: "
            f"what the one finished would pass for the other's. Give {again}, or another ledger; "
            "if it is the same server under another address, --server-moved"
        )
    if problem is not None:
        raise click.UsageError(problem, click.get_current_context(silent=True))


def _name_of(server: str | None) -> str:
    return "another server" if server is None else f"the server of {server}" if server.startswith("--") else server


def settings_of(path: str, inputs: str | None, key: str | None, service: str | None = None) -> Settings:
    """The settings with which the batch of a ledger goes on.

    Args:
        inputs: The inputs, where they were given anew.
        key: The field that identifies an input, where it was given anew.
        service: The service, where it was given anew.

    Raises:
        LedgerError: The ledger cannot be read.
        CommandError: A value that the ledger does not store was not given.
    """
    from simstudio.batch.ledger import LedgerView

    with LedgerView(path) as ledger:
        known = Note.of(ledger).latest
        if known is not None:
            if inputs is None and known.inputs == "-":
                raise CommandError("The inputs came from standard input; give them again: a file, or -.")
            if service not in (None, known.service) or known.service not in (None, *SERVICES):
                raise CommandError(
                    f"The batch of {path} runs on {title_of(known.service)}; --service cannot change that."
                )
            server = known.server or ledger.base_url or None
            arguments = kept_arguments(known.service, known.arguments)
            return attrs.evolve(known, inputs=inputs or known.inputs, server=server, arguments=arguments)
        if inputs is None:
            raise CommandError(f"{path} does not store where its inputs are, as no command line made it: name them.")
        first = next(ledger.entries(), None)
        if key is None and first is not None and first.key != str(first.index):
            raise CommandError(f"The items of {path} have keys of their own (such as {first.key!r}): give --key FIELD.")
        session = ledger.last_session()
        mode, api_version = ("sync", None) if session is None else (session.mode, session.api_version)
        if session is not None and (service is None) != bool(api_version):  # only Sim has versions
            advice = (
                f"give --service {'|'.join(SERVICES)}" if service is None else "they ran on Sim, leave --service out"
            )
            raise CommandError(f"No command line made {path}, and it does not name the service of its items: {advice}.")
        told: dict[str, Any] = {"mode": mode, "server": ledger.base_url or None, "api_version": api_version}
        return Settings(ledger.workflow_id, inputs, service=service, **told)
