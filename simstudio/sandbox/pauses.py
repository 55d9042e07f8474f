"""Human in the loop: a workflow pauses with a question, and continues with the answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Literal
from uuid import uuid5

import attrs

from simstudio.sandbox import jsontext
from simstudio.sandbox.ids import NAMESPACE

PauseStatus = Literal["paused", "resuming", "resumed"]

FieldType = type[object] | object

_KINDS: dict[type, str] = {
    bool: "boolean",
    int: "number",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}


def _freeze(mapping: Mapping[str, object]) -> Mapping[str, object]:
    return MappingProxyType(dict(mapping))


def _names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(names)


@attrs.frozen
class Pause:
    """Pauses the run until a caller answers, as a *Human in the Loop* block does; only v0.6 and v2 pause.

    In a generator, plain or async, ``answer = yield Pause(...)``; in an ``async def`` that is no generator,
    ``answer = await context.pause(Pause(...))``. The response of the run then says that it is paused. The run
    continues when it is resumed, and the answer is the body of the resume request: declared fields that were left out
    have their default, or None.

    Args:
        question: text for the person; shown as ``question`` among the values.
        fields: fields of the answer: names with a type (``bool``, ``int``, ``float``, ``str``, ``list``, ``dict``), or
            with a default of that type.
        shown: further values for the person, by name; any JSON values.
        required: the names of the fields that must not be left out. They are marked as required, which is not enforced.
        block: the name of the block that asks.

    Example:
        >>> def publish(input):
        ...     answer = yield Pause("Publish?", {"approved": bool, "comment": str})
        ...     return {"published": answer["approved"]}
    """

    question: str | None = None
    fields: Mapping[str, FieldType] = attrs.field(factory=dict, converter=_freeze)
    shown: Mapping[str, object] = attrs.field(factory=dict, converter=_freeze)
    required: Iterable[str] = attrs.field(default=(), converter=_names)
    block: str = "Approval"

    def __attrs_post_init__(self) -> None:
        for name, declared in self.fields.items():
            if isinstance(declared, type) and declared not in _KINDS:
                raise TypeError(f"the field {name!r} cannot be a {declared.__name__}: choose bool, int, float, str, …")

    def complete_answer(self, given: object) -> object:
        """The answer with the defaults of missing fields."""
        if not isinstance(given, Mapping):
            return given
        missing = {name: None if isinstance(field, type) else field for name, field in self.fields.items()}
        return {**missing, **given}


@attrs.frozen
class PausePoint:
    """One pause of one run. Times are epoch seconds.

    Attributes:
        context_id: id of the pause in the resume route, unique within a run.
        output: the block's output while it waits: ``{"data": …, "status": 200, "headers": …}``.
    """

    context_id: str
    block_id: str
    block: str
    output: Mapping[str, object]
    registered: float
    status: PauseStatus = "paused"
    resumed: float | None = None


@attrs.frozen
class Place:
    """The address of a run for its resumption."""

    base_url: str
    workflow_id: str
    execution_id: str

    def links(self, context_id: str) -> dict[str, object]:
        """The ``_resume`` part of a paused output."""
        path = f"{self.workflow_id}/{self.execution_id}"
        return {
            "apiUrl": f"{self.base_url}/api/resume/{path}/{context_id}",
            "uiUrl": f"{self.base_url}/resume/{path}",
            "contextId": context_id,
            "executionId": self.execution_id,
            "workflowId": self.workflow_id,
        }


def point(pause: Pause, block_id: str, place: Place, earlier: int, now: float) -> PausePoint:
    """Make the record of a pause that begins.

    Args:
        pause: the pause of the workflow.
        block_id: the id of the block that pauses.
        place: address of the run.
        earlier: number of earlier pauses of the block in this run; each iteration of a loop has its own context in Sim.
        now: epoch seconds.

    Raises:
        TypeError: a shown value has no JSON form.
    """
    context_id = f"{block_id}_loop{earlier}" if earlier else block_id
    shown = {**({} if pause.question is None else {"question": pause.question}), **pause.shown}
    data = {
        "operation": "human",
        "responseStructure": [
            {"name": name, "type": jsontext.type_name(value), "value": jsontext.plain(value)}
            for name, value in shown.items()
        ],
        "inputFormat": [_field(pause, name, declared, block_id) for name, declared in pause.fields.items()],
        "submission": None,
        "_resume": place.links(context_id),
    }
    output = {"data": data, "status": 200, "headers": {"Content-Type": "application/json"}}
    return PausePoint(context_id, block_id, pause.block, output, now)


def _field(pause: Pause, name: str, declared: FieldType, block_id: str) -> dict[str, object]:
    is_type = isinstance(declared, type)
    kind = _KINDS[declared] if isinstance(declared, type) else jsontext.type_name(declared)
    return {
        "id": str(uuid5(NAMESPACE, f"{block_id}/{name}")),
        "name": name,
        "label": name,
        "type": kind,
        "value": "" if is_type else jsontext.plain(declared),
        "required": name in pause.required,
    }
