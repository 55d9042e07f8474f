"""What a batch was asked to do, and how its ledger remembers that."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from simstudio.cli.failures import CommandError

if TYPE_CHECKING:
    from simstudio.batch.ledger import LedgerView

_NOTE = "command line"


@attrs.frozen
class Settings:
    """What a batch was asked to do.

    Attributes:
        workflow: What it runs.
        inputs: The path of a file of JSON lines, ``-`` for standard input.
        out: Where results go; None for standard output.
        mode: ``sync``, ``async`` or ``stream``.
        ordered: Whether results come in the order of the inputs.
        key: The field that identifies an input.
        concurrency: How many run at a time; None finds out.
        timeout: Seconds an item may take.
        stop_on_error: Whether the first failure ends it.
        shared: Where several processes share one rate.
        base_url: Where Sim is, when that was said on the command line.
        api_version: What is spoken.
    """

    workflow: str
    inputs: str
    out: str | None = None
    mode: str = "sync"
    ordered: bool = True
    key: str | None = None
    concurrency: int | None = None
    timeout: float | None = None
    stop_on_error: bool = False
    shared: str | None = None
    base_url: str | None = None
    api_version: str | None = None

    def absolute(self) -> Settings:
        """The same, whatever the working directory is."""
        return attrs.evolve(
            self,
            inputs=self.inputs if self.inputs == "-" else str(Path(self.inputs).absolute()),
            out=None if self.out is None else str(Path(self.out).absolute()),
        )


def remember(path: str, settings: Settings, api_version: str) -> None:
    """Let a ledger know how its batch was called, so that it can be resumed; it is made where it is missing.

    Raises:
        LedgerError: It cannot be used for this batch.
        click.UsageError: Its items are known by other keys.
    """
    from simstudio.batch.ledger import Ledger

    mode: Any = settings.mode
    with Ledger.open(path, workflow_id=settings.workflow, mode=mode, api_version=api_version) as ledger:
        before = ledger.recall(_NOTE)
        if before is not None and before.get("key") != settings.key and ledger.counts().total:
            known = "the places of the inputs" if before.get("key") is None else f"--key {before['key']}"
            raise click.UsageError(
                f"The items of {path} are known by {known}; under other keys all would run again. "
                "Give the same, or another ledger",
                click.get_current_context(silent=True),
            )
        ledger.remember(_NOTE, attrs.asdict(attrs.evolve(settings.absolute(), api_version=api_version)))


def recalled(ledger: LedgerView) -> Settings | None:
    """How the batch of a ledger was called; None of a batch that no command line made.

    Raises:
        LedgerError: It cannot be read.
    """
    told = ledger.recall(_NOTE)
    names = {field.name for field in attrs.fields(Settings)}
    return None if told is None else Settings(**{name: value for name, value in told.items() if name in names})


def settings_of(path: str, inputs: str | None, key: str | None) -> Settings:
    """What a ledger's batch is to go on with.

    Args:
        path: The ledger.
        inputs: The inputs, where they were given anew.
        key: The field that identifies an input, where it was given anew.

    Raises:
        LedgerError: It cannot be read.
        CommandError: What it does not know was not given.
    """
    from simstudio.batch.ledger import LedgerView

    with LedgerView(path) as ledger:
        known = recalled(ledger)
        if known is not None:
            if inputs is None and known.inputs == "-":
                raise CommandError("The inputs came from standard input; give them again: a file, or -.")
            return attrs.evolve(known, inputs=inputs or known.inputs, key=key or known.key)
        if inputs is None:
            raise CommandError(f"{path} does not know where its inputs are, as no command line made it: name them.")
        first = next(ledger.entries(), None)
        if key is None and first is not None and first.key != str(first.index):
            raise CommandError(f"The items of {path} have keys of their own (such as {first.key!r}): give --key FIELD.")
        session = ledger.last_session()
        mode, api_version = ("sync", None) if session is None else (session.mode, session.api_version)
        return Settings(ledger.workflow_id, inputs, mode=mode, key=key, api_version=api_version)
