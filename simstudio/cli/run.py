"""``simstudio run``."""

from __future__ import annotations

import inspect
import shlex
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from simstudio.cli.connection import Connection, connected
from simstudio.cli.inputs import assemble, input_options
from simstudio.cli.jobs import cut_texts_of
from simstudio.cli.options import timeout_option, workflow_argument
from simstudio.cli.output import say, write, write_json, write_value
from simstudio.cli.progress import Waiting
from simstudio.cli.references import find_workflow
from simstudio.errors import ExecutionError
from simstudio.transport.terminal import is_terminal

if TYPE_CHECKING:
    from simstudio.client import SimStudioClient
    from simstudio.models.events import StreamEvent
    from simstudio.models.execution import WorkflowExecutionResult
    from simstudio.models.jobs import Job
    from simstudio.sandbox import Sandbox

_PATIENCE, _BACKGROUND_PATIENCE, _SILENCE = 300.0, 3600.0, 300.0

_EPILOG = """\b
Examples:
  simstudio run hello --input name=Ada --sandbox
  simstudio run WORKFLOW --input n=3 --input 'tags=["a", "b"]'
  echo '{"name": "Ada"}' | simstudio run WORKFLOW --input-json -
  simstudio run WORKFLOW --input naem=Ada --check
  simstudio run WORKFLOW --file documents=report.pdf
  simstudio run WORKFLOW --stream --select agent1.content
  id=$(simstudio run WORKFLOW --async --no-wait) && simstudio runs wait "$id"
"""


@click.command(epilog=_EPILOG, short_help="Run a workflow and print its output.")
@workflow_argument
@input_options
@click.option(
    "--check",
    is_flag=True,
    help="Refuse an input with a misspelt, missing or mistyped field before it is sent; takes one more request.",
)
@click.option("--stream", is_flag=True, help="Print text as it arrives.")
@click.option(
    "--select",
    "selected",
    metavar="BLOCK.PATH",
    multiple=True,
    help="With --stream: an output to stream, such as agent1.content. Sim streams only what is named; again for more.",
)
@click.option("--async", "background", is_flag=True, help="Run in the background, for long runs, and wait for the end.")
@click.option("--no-wait", is_flag=True, help="With --async: do not wait; print the task id.")
@timeout_option(
    "Seconds for the run (300); with --async, to wait for it (3600); with --stream, between two events (300)."
)
@connected
def run(
    connection: Connection,
    workflow: str,
    pairs: Sequence[tuple[str, Any]],
    input_json: str | None,
    files: Sequence[tuple[str, Path]],
    *,
    check: bool,
    stream: bool,
    selected: Sequence[str],
    background: bool,
    no_wait: bool,
    timeout: float | None,
) -> None:
    """Run WORKFLOW and print its output: text as it is, anything else as JSON.

    WORKFLOW is the id of a workflow, or its first characters. After Ctrl-C, or after --timeout, the run may continue on
    the server.
    """
    _check_options(stream=stream, selected=selected, background=background, no_wait=no_wait)
    if stream and not selected and not connection.sandboxed and not connection.as_json:
        say(
            "warning: --stream shows text of the outputs that --select names, such as --select agent1.content; without "
            "it the output comes at the end"
        )
    data = assemble(pairs, input_json, files)
    from simstudio.resources.payload import FileInputWarning
    from simstudio.resources.whole_output import TruncatedOutputWarning

    with connection.client() as client, warnings.catch_warnings():
        for category in (FileInputWarning, TruncatedOutputWarning):
            warnings.simplefilter("always", category)
        workflow = find_workflow(connection, client, workflow, acts=True)
        running = _Run(connection, workflow, data, timeout, check=check)
        connection.invocation.begun = True
        connection.invocation.executed = workflow
        connection.invocation.workflow = workflow if client.api_version == "v2" else None
        if stream:
            running.stream(client, selected)
        elif no_wait:
            running.submit(client)
        elif background:
            running.wait(client)
        else:
            running.execute(client)


def _check_options(*, stream: bool, selected: Sequence[str], background: bool, no_wait: bool) -> None:
    context = click.get_current_context()
    if stream and background:
        raise click.UsageError("--stream and --async exclude each other", context)
    if selected and not stream:
        raise click.UsageError("--select goes with --stream", context)
    if no_wait and not background:
        raise click.UsageError("--no-wait goes with --async", context)


@attrs.frozen
class _Run:
    """One run, in whichever way."""

    connection: Connection
    workflow: str
    data: Any
    timeout: float | None
    check: bool = attrs.field(kw_only=True)

    def execute(self, client: SimStudioClient) -> None:
        with Waiting(self.workflow):
            result = client.workflows.execute(
                self.workflow, self.data, timeout=self.timeout or _PATIENCE, check=self.check
            )
        self._finish(result)

    def submit(self, client: SimStudioClient) -> None:
        receipt = client.workflows.submit(self.workflow, self.data, check=self.check)
        if self.connection.as_json:
            known = {"taskId": receipt.task_id, "status": receipt.status, "links": receipt.links}
            write_json({**known, **receipt.to_dict()})
        else:
            write_value(receipt.task_id)
        if self.connection.sandboxed:
            say("warning: the sandbox ends with this command, and the run with it; simstudio sandbox keeps one")

    def wait(self, client: SimStudioClient) -> None:
        with Waiting(f"{self.workflow}: submitting") as waiting:
            receipt = client.workflows.submit(self.workflow, self.data, check=self.check)
            self.connection.invocation.task_id = receipt.task_id

            def show(job: Job) -> None:
                waiting.update(f"{self.workflow}: {job.status}")

            job = client.jobs.wait(receipt, timeout=self.timeout or _BACKGROUND_PATIENCE, on_progress=show)
        self._finish(job.result, taskId=receipt.task_id)

    def stream(self, client: SimStudioClient, selected: Sequence[str]) -> None:
        outputs = list(selected) or _find_streamed(self.connection.sandbox, self.workflow)
        text = _Text()
        try:
            with (
                Waiting(self.workflow) as waiting,
                client.workflows.stream(
                    self.workflow,
                    self.data,
                    selected_outputs=outputs,
                    idle_timeout=self.timeout or _SILENCE,
                    check=self.check,
                ) as events,
            ):
                for event in events:
                    waiting.stop()
                    write_json(event.to_dict()) if self.connection.as_json else text.show(event)
                result = events.result()
        finally:
            text.end()
        if text.begun and result.success:
            return
        self._finish(result)
        if outputs and not self.connection.as_json and is_terminal(sys.stderr):
            say(f"note: nothing was streamed; is there a {outputs[0]}?")

    def _finish(self, result: WorkflowExecutionResult, **known: str) -> None:
        """Print a result.

        Raises:
            ExecutionError: The run failed, which older servers report without an error status.
        """
        if not result.success:
            raise ExecutionError("The workflow failed", result=result)
        if self.connection.as_json:
            write_json({"success": True, "output": result.output, **result.to_dict(), **cut_texts_of(result), **known})
            return
        write_value(result.output)
        if result.paused:
            say(f"note: the run is paused; it waits for a human{self._advise_on_answer(result)}")

    def _advise_on_answer(self, result: WorkflowExecutionResult) -> str:
        pause = result.pause
        run = result.execution_id or (pause.execution_id if pause is not None else None)
        if run is None or self.connection.sandboxed:
            return ""
        words = [*self.connection.invocation.program, "runs", "resume", run, "--workflow", self.workflow]
        if self.connection.invocation.workflow is not None:
            words += ["--api-version", "v2"]
        return f". Answer it with: {shlex.join(words)}"


class _Text:
    """The text of a stream, on standard output as it comes."""

    def __init__(self) -> None:
        self.begun = False
        self._at_line_start = True

    def show(self, event: StreamEvent) -> None:
        from simstudio.models.events import ChunkEvent, OtherEvent

        if isinstance(event, ChunkEvent) and event.chunk:
            self.begun = True
            self._at_line_start = event.chunk.endswith("\n")
            write(event.chunk)
        elif isinstance(event, OtherEvent) and event.event == "stream_error":
            self.end()
            say(f"warning: a block failed: {event.to_dict().get('error', 'the server says no more')}")

    def end(self) -> None:
        """Begin a new line, unless one has begun."""
        if not self._at_line_start:
            self._at_line_start = True
            write("\n")


def _find_streamed(sandbox: Sandbox | None, workflow: str) -> list[str] | None:
    """The outputs that a workflow of the embedded sandbox streams; its function is here: ``--select`` is optional."""
    found = sandbox.workflows.get(workflow) if sandbox is not None else None
    if found is None:
        return None
    yields = inspect.isgeneratorfunction(found.function) or inspect.isasyncgenfunction(found.function)
    return [f"{found.block}.content"] if yields else None
