"""One run of a batch, from its settings to its exit code."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import attrs
import click

from simstudio.batch.option import Target
from simstudio.batch.results import count_missing
from simstudio.batch.summary import Summary
from simstudio.cli.batch_display import Display
from simstudio.cli.batch_files import keep_apart
from simstudio.cli.batch_inputs import inputs_of
from simstudio.cli.batch_results import write_line
from simstudio.cli.batch_settings import Memory, Settings
from simstudio.cli.batch_shared import secrets_of
from simstudio.cli.batch_stopping import Stopping
from simstudio.cli.connection import Connection
from simstudio.cli.failures import CommandError, ExitCode, Failure, in_words, without_commands
from simstudio.cli.output import say, write_json
from simstudio.cli.services import words_of
from simstudio.errors import InputChangedError, InvalidInputError, SimStudioError

if TYPE_CHECKING:
    from simstudio.batch.batch import Batch
    from simstudio.batch.items import BatchItem
    from simstudio.batch.progress import Progress

_STOPPED = {
    1: (ExitCode.HUNG_UP, "Hung up"),
    2: (ExitCode.INTERRUPTED, "Interrupted"),
    15: (ExitCode.TERMINATED, "Terminated"),
}


@attrs.define
class _Course:
    """The course of a run: the facts to report when it ends anywhere."""

    memory: Memory | None = None
    progress: Progress | None = None
    refused: int = 0
    """Inputs that cannot be sent, whatever the ledger may know of them."""
    missing: int = 0
    """Items of the ledger that were not among the inputs."""

    @property
    def sent(self) -> bool:
        """Whether something was."""
        return self.progress is not None and self.progress.finished > self.progress.replayed


@attrs.frozen
class BatchRun:
    """One run of a batch.

    Attributes:
        connection: Server of the batch.
        settings: Settings of the batch.
        ledger: The path of its ledger.
        moved: Whether the server may have another address than that in the ledger.
    """

    connection: Connection
    settings: Settings
    ledger: str | None = None
    moved: bool = False

    def execute(self) -> NoReturn:
        """Run it to its end, and end the command with its exit code.

        Raises:
            click.exceptions.Exit: It has ended: 0 when every item succeeded, 1 when not, 129, 130 or 143 when a signal
                ended it; 1 as well when an item of the ledger is not among the inputs.
            click.UsageError: One file was named for two things, or the ledger is not of this batch.
            SimStudioError: No item can be executed.
            CommandError: The results cannot be written, or the inputs are not those of the ledger, or are not
                where it says; there is no standard input, or output, where it is needed.
        """
        settings = self.settings
        _ensure_open(settings)
        self._ensure_there()
        self.connection.invocation.secrets = secrets_of(settings.shared)
        letters = settings.options.get("dead_letters")
        keep_apart(settings.inputs, ledger=self.ledger, out=settings.out, shared=settings.shared, dead_letters=letters)
        course = _Course()
        try:
            progress, stopped = self._execute(course)
        except KeyboardInterrupt:  # before signals were handled, or after
            terminated = self.connection.invocation.terminated
            self._end_interrupted(course.progress, signal.SIGTERM if terminated else signal.SIGINT)
        if stopped is not None:
            self._end_interrupted(progress, stopped)
        self._end(progress, course.missing)

    def _ensure_there(self) -> None:
        """Make sure that the inputs are where the ledger says; those of the command line are known to be there."""
        inputs = self.settings.inputs
        if inputs == "-" or "://" in inputs or self.ledger is None:
            return
        try:
            Path(inputs).stat()
        except OSError as error:
            raise CommandError(
                f"The inputs {inputs} cannot be read ({error.strerror or error}). "
                f"If they have moved: {self._write_resume_command('NEW_PATH')}"
            ) from error

    def _execute(self, course: _Course) -> tuple[Progress, int | None]:
        with self.connection.any_client() as client:
            if self.ledger is None:
                return self._run(client, course)
            told = attrs.evolve(self.settings, server=self._server(client))
            version = client.api_version if self.connection.service is None else ""
            course.memory = memory = Memory.begin(self.ledger, told, version, client.base_url, moved=self.moved)
            try:
                ended = self._run(client, course)
            except InputChangedError as error:
                raise self._describe_change(error, memory) from error
            except Exception:
                progress = course.progress
                memory.end(accepted=course.sent)
                if progress is not None and progress.finished:
                    say(f"note: go on with: {self._write_resume_command()}")
                raise
            memory.end(accepted=course.sent or not course.missing)
            return ended

    def _describe_change(self, error: InputChangedError, memory: Memory) -> CommandError:
        """The inputs are not those of the ledger, which goes on with those that it had before."""
        last = memory.end(accepted=False)
        if last is not None and last.inputs not in ("-", memory.settings.inputs):
            command = self._write_resume_command()
            say(f"note: the inputs of {self.ledger} are {last.inputs} as before; go on with: {command}")
        text = in_words(str(error))
        if self.settings.key is not None:
            known, found, _ = text.partition(": it was changed")
            if found:
                text = f"{known} ({self.settings.key}): it was changed. Give it back, or use another ledger."
        return CommandError(text, ExitCode.FAILED, type(error).__name__)

    def _run(self, client: Any, course: _Course) -> tuple[Progress, int | None]:
        try:
            return self._iterate(client, course)
        except SimStudioError:
            if course.progress is not None and course.progress.finished and not self.connection.as_json:
                self._say_how_it_went(course.progress)
            raise

    def _iterate(self, client: Any, course: _Course) -> tuple[Progress, int | None]:
        settings = self.settings
        with Display(settings.workflow, beside_results=settings.out is None) as display:
            words = self._words()
            batch = self._batch(client, display, words)
            progress = course.progress = batch.progress
            display.begin(progress)

            def last_words() -> None:
                display.stop()
                progress.end()
                self._say_interrupted(progress, stopping.signal or signal.SIGINT)

            with Stopping(batch, last_words) as stopping:
                try:
                    for item in batch:
                        if settings.out is None:
                            write_line(item, words)
                        course.refused += _refused(item)
                finally:
                    batch.close()
            progress.end()
            over = progress.total is not None and progress.finished >= progress.total
            complete = stopping.signal is None or over
            course.missing = self._missing(progress, course.refused) if complete else 0
            return progress, None if complete else stopping.signal

    def _words(self) -> Callable[[str], str]:
        """The function for messages of items: a sandbox of this command ends with it, and knows no run afterwards."""
        words = words_of(self.settings.service)
        return (lambda text: without_commands(words(text))) if self.connection.invocation.embedded else words

    def _missing(self, progress: Progress, refused: int) -> int:
        """Number of items of the ledger that were not among the inputs."""
        if self.ledger is None:
            return 0
        from simstudio.batch.ledger import LedgerView

        with LedgerView(self.ledger) as view:
            return count_missing(view, progress.finished, refused)

    def _batch(self, client: Any, display: Display, words: Callable[[str], str]) -> Batch:
        settings, service = self.settings, self.connection.service
        begin = client.workflows.map if service is None else service.map(client)
        of_service: dict[str, Any] = {"mode": settings.mode} if service is None else {**service.batch_defaults}
        of_service |= settings.arguments
        if settings.check:
            of_service["check"] = client.workflows.describe(settings.workflow)
        if settings.timeout is not None:
            of_service["timeout"] = settings.timeout
        options = {**settings.options}
        if "dead_letters" in options:
            options["dead_letters"] = Target(options["dead_letters"], words)
        batch: Batch = begin(
            settings.workflow,
            inputs_of(settings.inputs),
            ledger=self.ledger,
            progress=display.follow,
            out=None if settings.out is None else Target(settings.out, words),
            **options,
            **of_service,
        )
        return batch

    def _server(self, client: Any) -> str:
        """The server of the batch, as the ledger stores it."""
        if self.connection.app is not None:
            return f"--sandbox-app {Path(self.connection.app).absolute()}"
        return "--sandbox" if self.connection.sandboxed else client.base_url

    def _end(self, progress: Progress, missing: int) -> NoReturn:
        fewer = self._fewer(progress, missing) if missing else None
        if self.connection.as_json:
            write_json({"batch": self._summary(progress), **(fewer.to_dict() if fewer is not None else {})})
        else:
            self._say_how_it_went(progress)
            if fewer is not None:
                say(fewer.message)
            again = self._write_resume_command() if self.ledger is not None else None
            if progress.unknown and again:
                say(f"note: {progress.unknown} may have run; to run what is unknown again: {again} --on-unknown rerun")
            if progress.failed and again:
                say(f"note: to run again what failed: {again} --retry-failed")
        raise click.exceptions.Exit(ExitCode.FAILED if progress.failed or progress.unknown or missing else 0)

    @staticmethod
    def _say_how_it_went(progress: Progress) -> None:
        say(str(progress))
        for detail in Summary.of(progress).details():
            say(detail)

    def _fewer(self, progress: Progress, missing: int) -> Failure:
        """The inputs lacked items of the ledger: the program that writes them may have ended early."""
        known = progress.finished + missing
        text = (
            f"the ledger has {known:,} item{'' if known == 1 else 's'}, the inputs were {progress.finished:,}: "
            f"give all of them with {self._write_resume_command('INPUTS')}; "
            f"results of the others {'are in the ledger' if self.settings.out is None else 'were kept'}"
        )
        return Failure("FewerInputs", text, ExitCode.FAILED)

    def _end_interrupted(self, progress: Progress | None, number: int) -> NoReturn:
        self._say_interrupted(progress, number)
        raise click.exceptions.Exit(_STOPPED[number][0])

    def _say_interrupted(self, progress: Progress | None, number: int) -> None:
        code, name = _STOPPED[number]
        text = f"{name}: {'nothing was sent yet' if progress is None else progress}. {self._advise_on_end(progress)}"
        if self.connection.as_json:
            summary = {} if progress is None else {"batch": self._summary(progress)}
            write_json({**summary, **Failure(name, text, code).to_dict()})
        else:
            say(text)

    def _advise_on_end(self, progress: Progress | None) -> str:
        if self.ledger is not None and (progress is not None or Path(self.ledger).exists()):
            return f"Go on with: {self._write_resume_command()}"
        if progress is None:
            return "Give the same command again."
        return "The results were not recorded; the next time, give --ledger."

    def _write_resume_command(self, inputs: str | None = None) -> str:
        words = [*self.connection.invocation.program, "batch", "resume", str(self.ledger)]
        if inputs is None and self.settings.inputs == "-":
            inputs = "INPUTS"
        if inputs is not None:
            words.append(inputs)
        if self.connection.app is not None:
            words += ["--sandbox-app", str(self.connection.app)]
        elif self.connection.sandboxed:
            words.append("--sandbox")
        elif self.connection.base_url is not None:
            words += ["--base-url", self.connection.base_url]
        text = shlex.join(words)
        ambient = os.environ.get("SIM_BATCH_SHARED") == self.settings.shared
        return f"{text} --shared …" if secrets_of(self.settings.shared) and not ambient else text

    def _summary(self, progress: Progress) -> dict[str, Any]:
        return {
            "workflow": self.settings.workflow,
            **Summary.of(progress).to_dict(),
            "ledger": self.ledger,
            "out": self.settings.out,
        }


def _refused(item: BatchItem) -> bool:
    """Whether an item is none that could be sent."""
    return item.state == "failed" and not item.attempts and isinstance(item.error, InvalidInputError)


def _ensure_open(settings: Settings) -> None:
    """Make sure that there is something to read from, and to write to, before anything is sent.

    Raises:
        CommandError: Standard input or standard output is closed.
    """
    if settings.inputs == "-" and sys.stdin is None:
        raise CommandError("Standard input is closed: name a file of inputs, or pipe them in.")
    if settings.out is None and sys.stdout is None:
        raise CommandError("Standard output is closed, and results would be lost: name a file for them with --out.")
