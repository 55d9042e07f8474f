"""One run of a batch, from its settings to its exit code."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, Literal, NoReturn, cast

import attrs
import click

from simstudio.cli.batch_display import Display
from simstudio.cli.batch_inputs import inputs_of, key_of
from simstudio.cli.batch_results import results_to
from simstudio.cli.batch_settings import Settings, remember
from simstudio.cli.batch_stopping import Stopping
from simstudio.cli.connection import Connection
from simstudio.cli.failures import ExitCode, Failure
from simstudio.cli.output import say, write_json
from simstudio.config import UNSET

if TYPE_CHECKING:
    from simstudio.batch.batch import Batch
    from simstudio.batch.progress import Progress
    from simstudio.client import SimStudioClient

_STOPPED = {2: (ExitCode.INTERRUPTED, "Interrupted"), 15: (ExitCode.TERMINATED, "Terminated")}


@attrs.frozen
class BatchRun:
    """One run of a batch.

    Attributes:
        connection: Where it runs.
        settings: What it was asked to do.
        ledger: The path of its ledger.
        on_unknown: What becomes of items that may have run.
        retry_failed: Whether those that failed run again.
    """

    connection: Connection
    settings: Settings
    ledger: str | None = None
    on_unknown: str = "report"
    retry_failed: bool = False

    def execute(self) -> NoReturn:
        """Run it to its end, and end the command with its exit code.

        Raises:
            click.exceptions.Exit: It has ended: 0 when every item succeeded, 1 when not, 130 or 143 when a signal ended
                it.
            SimStudioError: No item can be executed.
            CommandError: The results cannot be written.
        """
        with self.connection.client() as client:
            if self.ledger is not None:
                remember(self.ledger, self.settings, client.api_version)
            progress, stopped = self._run(client)
        if stopped is not None:
            self._interrupted(progress, stopped)
        self._ended(progress)

    def _run(self, client: SimStudioClient) -> tuple[Progress, int | None]:
        settings = self.settings
        results = results_to(settings.out, ordered=settings.ordered, goes_on=self.ledger is not None)
        complete, batch = False, None
        try:
            with Display(settings.workflow, beside_results=settings.out is None) as display:
                batch = self._batch(client, display)
                display.begin(batch.progress)

                def last_words() -> None:
                    display.stop()
                    self._say_interrupted(batch.progress, stopping.signal or 2)

                with Stopping(batch, last_words) as stopping:
                    try:
                        for item in batch:
                            results.add(item)
                    finally:
                        batch.close()
                progress = batch.progress
                over = progress.total is not None and progress.finished >= progress.total
                complete = stopping.signal is None or over
                return progress, None if complete else stopping.signal
        except Exception:
            if self.ledger is not None and batch is not None and batch.progress.finished:
                say(f"note: go on with: {self._how_to_go_on()}")
            raise
        finally:
            results.close(complete=complete)

    def _batch(self, client: SimStudioClient, display: Display) -> Batch:
        settings = self.settings
        return client.workflows.map(
            settings.workflow,
            inputs_of(settings.inputs),
            concurrency=settings.concurrency,
            ordered=settings.ordered,
            mode=cast("Literal['sync', 'async', 'stream']", settings.mode),
            ledger=self.ledger,
            progress=display.follow,
            stop_on_error=settings.stop_on_error,
            on_unknown=cast("Literal['report', 'rerun']", self.on_unknown),
            on_failed="rerun" if self.retry_failed else "keep",
            key=key_of(settings.key),
            timeout=UNSET if settings.timeout is None else settings.timeout,
            shared=settings.shared,
        )

    def _ended(self, progress: Progress) -> NoReturn:
        if self.connection.as_json:
            write_json({"batch": self._summary(progress)})
        else:
            say(str(progress))
            again = self._how_to_go_on() if self.ledger is not None else None
            if progress.unknown and again:
                say(f"note: {progress.unknown} may have run; to run what is unknown again: {again} --on-unknown rerun")
            if progress.failed and again:
                say(f"note: to run again what failed: {again} --retry-failed")
        raise click.exceptions.Exit(ExitCode.FAILED if progress.failed or progress.unknown else 0)

    def _interrupted(self, progress: Progress, number: int) -> NoReturn:
        self._say_interrupted(progress, number)
        raise click.exceptions.Exit(_STOPPED[number][0])

    def _say_interrupted(self, progress: Progress, number: int) -> None:
        code, name = _STOPPED[number]
        if self.ledger is None:
            then = "Nothing remembers what was done; the next time, give --ledger."
        else:
            then = f"Go on with: {self._how_to_go_on()}"
        text = f"{name}: {progress}. {then}"
        if self.connection.as_json:
            write_json({"batch": self._summary(progress), **Failure(name, text, code).to_dict()})
        else:
            say(text)

    def _how_to_go_on(self) -> str:
        words = ["simstudio", "batch", "resume", str(self.ledger)]
        if self.settings.inputs == "-":
            words.append("INPUTS")
        if self.connection.app is not None:
            words += ["--sandbox-app", str(self.connection.app)]
        elif self.connection.sandboxed:
            words.append("--sandbox")
        return shlex.join(words)

    def _summary(self, progress: Progress) -> dict[str, Any]:
        return {
            "workflow": self.settings.workflow,
            "total": progress.total,
            "done": progress.done,
            "failed": progress.failed,
            "unknown": progress.unknown,
            "replayed": progress.replayed,
            "elapsed": round(progress.elapsed, 3),
            "ledger": self.ledger,
            "out": self.settings.out,
        }
