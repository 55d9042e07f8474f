"""Log entries of runs with levels, costs and spans; shared by v1, v2 and notifications."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import attrs

from simstudio.sandbox import inputs, jsontext
from simstudio.sandbox.definitions import graph
from simstudio.sandbox.steps import cost_of
from simstudio.sandbox.times import iso, iso_or_none
from simstudio.sandbox.workflow import block_id_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from simstudio.sandbox.definitions.definition import Definition
    from simstudio.sandbox.definitions.store import Definitions
    from simstudio.sandbox.dialects.base import Account
    from simstudio.sandbox.outputs import BlockOutput
    from simstudio.sandbox.records import ExecutionRecord
    from simstudio.sandbox.runfiles import RunFile

Json = Any
Span = dict[str, Json]

FULL_COST: Json = {"input": 0, "total": 0, "models": {}, "output": 0, "tokens": {"input": 0, "total": 0, "output": 0}}

_ROOT = "workflow-execution"
_TYPES = {"human": "human_in_the_loop", "response": "response", "function": graph.FUNCTION}


@attrs.frozen
class Entry:
    """The log entry of one run.

    Attributes:
        definition: its workflow; None if that was deleted for good.
        files: files that the run saved.
    """

    execution: ExecutionRecord
    definition: Definition | None
    workspace_id: str
    files: tuple[RunFile, ...] = ()

    @property
    def id(self) -> str:
        """Id of the log entry, which differs from the id of the run."""
        return block_id_of("\0logs", self.execution.id)

    @property
    def level(self) -> str:
        """``error`` for failed runs, ``info`` for all others, cancelled ones included."""
        return "error" if self.execution.state == "failed" else "info"

    @property
    def workflow_name(self) -> str:
        """Name of the workflow, also of a deleted one."""
        return self.execution.workflow_id if self.definition is None else self.definition.name

    @property
    def deleted(self) -> bool:
        """Whether its workflow was deleted."""
        return self.definition is None or self.definition.archived is not None

    @property
    def started_at(self) -> str:
        """Time as the API writes it."""
        return iso(self.execution.started)

    @property
    def ended_at(self) -> str | None:
        """Time as the API writes it."""
        return iso_or_none(self.execution.ended)

    @property
    def duration(self) -> int | None:
        """Milliseconds without pauses; None before the end."""
        run = self.execution
        if run.ended is None:
            return None
        return round((run.ended - run.started if run.duration is None else run.duration) * 1000)

    @property
    def final_output(self) -> Json:
        """The output, or ``{"error": …}`` of a failed run."""
        run = self.execution
        return {"error": run.error} if run.state == "failed" else run.output

    @property
    def cost(self) -> Json:
        """Cost of the steps that the function declared; other parts of a run cost nothing."""
        return {"total": cost_of(self.execution.steps)}

    @property
    def full_cost(self) -> Json:
        """The cost with tokens and models, as v1 shows it."""
        return {**FULL_COST, **self.cost}

    def workflow_state(self) -> graph.State | None:
        """The graph that ran."""
        found = self.definition
        if found is None:
            return None
        version = next((each for each in found.versions if each.id == self.execution.deployment), found.active)
        return found.draft if version is None else version.state

    def spans(self, definitions: Definitions) -> list[Span]:
        """One root span with a span for every block."""
        run = self.execution
        ended = run.ended if run.ended is not None else run.started
        status = "error" if run.state == "failed" else "success"
        state = self.workflow_state()
        start = None if state is None else _start_span(run, state)
        children = [] if start is None else [start]
        code = _code(definitions, run.workflow_id)
        children += run.steps
        pauses = {pause.block_id for pause in run.pauses}
        own = definitions.workflow(run.workflow_id)
        for block in run.blocks:
            if run.steps and own is not None and block.id == own.block_id():
                continue  # its steps replace it
            kind = _TYPES["human"] if block.id in pauses else _TYPES["function"]
            children.append(_span(run, block.id, block.name, kind, {"code": code}, block.output, "success", block))
        has_failed = any(step["status"] == "error" for step in run.steps)
        if run.ending == "failed" and run.block_id is not None and run.block is not None and not has_failed:
            failed = {"error": run.reason or run.error}
            children.append(_span(run, run.block_id, run.block, _TYPES["function"], {"code": code}, failed, "error"))
        children.sort(key=lambda span: span["startTime"])
        return [
            {
                "id": _ROOT,
                "name": "Workflow Execution",
                "type": "workflow",
                "status": status,
                "startTime": iso(run.started),
                "endTime": iso(ended),
                "duration": self.duration or 0,
                "children": children,
            }
        ]


class Logs:
    """All entries.

    Args:
        executions: all runs, oldest first.
        files: the files of a run.
        definitions: the workflows.
        account: the account whose workspace has the entries of deleted workflows.
    """

    def __init__(
        self,
        executions: Callable[[], Iterable[ExecutionRecord]],
        files: Callable[[str], list[RunFile]],
        definitions: Definitions,
        account: Account,
    ) -> None:
        self._executions = executions
        self._files = files
        self._definitions = definitions
        self._account = account

    def entry(self, execution: ExecutionRecord) -> Entry:
        """The entry of one run."""
        found = self._definitions.find(execution.workflow_id, archived=True)
        workspace_id = self._account.workspace_id if found is None else found.workspace_id
        return Entry(execution, found, workspace_id, tuple(self._files(execution.id)))

    def of_workspace(self, workspace_id: str) -> list[Entry]:
        """The entries of one workspace, oldest first."""
        entries = (self.entry(each) for each in self._executions())
        return [each for each in entries if each.workspace_id == workspace_id]


def _start_span(run: ExecutionRecord, state: graph.State) -> Span | None:
    start = next((each for each in state["blocks"].values() if each["type"] == graph.START), None)
    if start is None:
        return None
    fields = [{**field, "value": _text(field.get("value"))} for field in graph.value(start, "inputFormat") or []]
    output = inputs.start_output(graph.defaults(state), run.received)
    given = {"inputFormat": fields}
    return _span(run, start["id"], start["name"], graph.START, given, output, "success", seconds=0.0)


def _text(default: Json) -> str:
    """A default as the editor stores it."""
    if default is None or isinstance(default, str):
        return default or ""
    return jsontext.dumps(jsontext.plain(default))


def _span(
    run: ExecutionRecord,
    block_id: str,
    name: str,
    kind: str,
    given: Json,
    output: Json,
    status: str,
    finished: BlockOutput | None = None,
    *,
    seconds: float | None = None,
) -> Span:
    """The span of a block; without times of its own it has those of the run."""
    ended = run.ended if run.ended is not None else run.started
    began = run.started
    if finished is not None and finished.started is not None and finished.ended is not None:
        began, ended = finished.started, finished.ended
    took = ended - began if seconds is None else seconds
    return {
        "id": f"{block_id}-{round(began * 1000)}",
        "name": name,
        "type": kind,
        "input": given,
        "output": output,
        "status": status,
        "blockId": block_id,
        "startTime": iso(began),
        "endTime": iso(began + took),
        "duration": took * 1000,
        "relativeStartMs": round((began - run.started) * 1000),
        "children": [],
    }


def _code(definitions: Definitions, workflow_id: str) -> str:
    """The source of the function a workflow runs."""
    found = definitions.workflow(workflow_id)
    if found is None:
        return ""
    try:
        return inspect.getsource(found.function)
    except (OSError, TypeError):
        return getattr(found.function, "__qualname__", repr(found.function))
