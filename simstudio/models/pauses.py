"""Runs that wait for a human, and their questions.

A pause has three forms on the wire: ``_resume`` beside the question, in the output of a paused result or of a paused
job; a pause point of the routes for paused runs; and, in v2, the ``paused`` object of a run. All become a
:class:`Pause`.

The id of a pause's run is the one that the pause itself names: servers since August 2026 give a resumed run a new id,
keep its outcome under the first one, and name a pause that follows by the new one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from simstudio.core.conversion import structure
from simstudio.core.model import Model, model
from simstudio.models.large_values import with_references
from simstudio.models.runs import find_paused

_OVER = ("resumed", "failed")
_IN_PROGRESS = ("queued", "resuming")


@model
class InputField(Model):
    """A field that the human is asked to fill in.

    Attributes:
        name: Key of the value in the answer.
        type: ``string``, ``number``, ``boolean``, ``object``, ``array`` or ``file[]``.
        label: Label of the field in a form.
        value: Default as sent; ``""`` if there is none.
    """

    name: str
    type: str = "string"
    label: str | None = None
    id: str | None = None
    value: Any = attrs.field(default=None, converter=with_references)
    required: bool | None = None
    description: str | None = None


@model
class ShownValue(Model):
    """A value that the human is shown.

    Attributes:
        type: ``string``, ``number`` …
        value: As sent.
    """

    name: str
    type: str | None = None
    value: Any = attrs.field(default=None, converter=with_references)


@model
class ResumeLinks(Model):
    """The URLs at which a pause can be answered, on the server's own idea of its public host.

    Attributes:
        ui_url: Page for people.
        api_url: Route of the API; ``client.workflows.resume`` makes its own.
    """

    ui_url: str | None = None
    api_url: str | None = None


@model
class Pause(Model):
    """A question that a run waits with, for ``client.workflows.resume``.

    Attributes:
        context_id: Id of the pause among those of its run; None if the response lacks it, and is then looked up.
        question: Text of the shown value called ``question``; without one, of all shown values, a line each.
        shown: Values that the human is shown.
        input_fields: Fields that the human is asked to fill in.
        block_id: Id of the block that waits.
        kind: ``human`` or ``time``; None if the response lacks it.
        status: ``paused``, ``queued``, ``resuming``, ``resumed``, ``failed``; None if the response lacks it.
        paused_at: ISO 8601.
        resume_at: Time at which a pause of kind ``time`` ends by itself, ISO 8601.
    """

    context_id: str | None = None
    workflow_id: str | None = None
    execution_id: str | None = None
    question: str | None = None
    shown: list[ShownValue] = attrs.field(factory=list)
    input_fields: list[InputField] = attrs.field(factory=list)
    links: ResumeLinks = attrs.field(factory=ResumeLinks)
    block_id: str | None = None
    kind: str | None = None
    status: str | None = None
    paused_at: str | None = None
    resume_at: str | None = None

    @property
    def waiting(self) -> bool:
        """Whether the pause is not over; the answer to it may be in progress (``queued``, ``resuming``)."""
        return self.status not in _OVER

    @property
    def in_progress(self) -> bool:
        """Whether the pause has been answered, and the run has not yet continued."""
        return self.status in _IN_PROGRESS

    def __bool__(self) -> bool:
        return True


@model
class PausedRun(Model):
    """A run that waits for a human, or waited for one.

    Attributes:
        status: ``paused``, ``partially_resumed``, ``fully_resumed``, ``cancelled`` on the unversioned routes; on v2 the
            status of the run.
        pauses: All pauses of the run, answered ones included.
        paused_at: ISO 8601.
        updated_at: ISO 8601; None on v2.
        expires_at: ISO 8601; None on v2.
        resumed_count: Number of answered pauses.
    """

    workflow_id: str
    execution_id: str = attrs.field(metadata={"wire": ("executionId", "runId")})
    status: str
    pauses: list[Pause] = attrs.field(factory=list)
    paused_at: str | None = None
    updated_at: str | None = None
    expires_at: str | None = None
    total_pause_count: int | None = None
    resumed_count: int | None = None

    @property
    def paused(self) -> Pause | None:
        """The first pause that waits for an answer; None if none does."""
        return next((pause for pause in _list(self.pauses) if isinstance(pause, Pause) and pause.waiting), None)


def find_pauses(output: Any, **known: Any) -> list[Pause]:
    """The pauses in the output of a paused result or job.

    Args:
        output: The output as the server sent it.
        known: Attributes that the output lacks, such as ``workflow_id``.
    """
    return [_pause(data, data["_resume"], known) for data in find_paused(output)]


def parse_pause_point(point: Mapping[str, Any], **known: Any) -> Pause:
    """Make a pause of a pause point of the routes for paused runs."""
    response = point.get("response")
    data = response.get("data") if isinstance(response, Mapping) else None
    links = point.get("resumeLinks")
    sent = {
        "context_id": _text(point.get("contextId")),
        "block_id": _text(point.get("blockId")),
        "status": _text(point.get("resumeStatus")),
        "paused_at": _text(point.get("registeredAt")),
    }
    return _pause(_mapping(data), _mapping(links), {**known, **sent}, point)


def parse_pause_object(block: Mapping[str, Any], output: Any = None, **known: Any) -> list[Pause]:
    """Make pauses of a run's ``paused`` object in v2; none if it names no pause, as while the run is resumed.

    Args:
        block: The object. It names one of the pauses that are waiting; ``pausePoints``, which the unversioned route
            has, are all pauses of the run.
        output: Output of the run, which may hold the question.
        known: Attributes that the object lacks, such as ``workflow_id``.
    """
    points = [point for point in _list(block.get("pausePoints")) if isinstance(point, Mapping)]
    if points:
        pauses = [parse_pause_point(point, **known) for point in points]
        return [pause for pause in pauses if pause.waiting and not pause.in_progress]
    if block.get("contextId", "") is None:
        return []
    sent = {
        "context_id": _text(block.get("contextId")),
        "block_id": _text(block.get("blockedOnBlockId")),
        "kind": _text(block.get("pauseKind")),
        "paused_at": _text(block.get("pausedAt")),
        "resume_at": _text(block.get("resumeAt")),
        "status": "paused",
    }
    data: Mapping[str, Any] = next(iter(find_paused(output)), {})
    return [_pause(data, _mapping(data.get("_resume")), {**known, **sent}, block)]


def count_waiting(block: Mapping[str, Any]) -> int:
    """The number of pauses that are waiting, by a run's ``paused`` object in v2; 1 if it does not say."""
    total, answered = block.get("pausePointCount"), block.get("resumedCount")
    return total - answered if type(total) is int and type(answered) is int else 1


def parse_paused_run(data: Mapping[str, Any]) -> PausedRun:
    """Make a paused run of a response of the unversioned routes."""
    known = {"workflow_id": _text(data.get("workflowId")), "execution_id": _text(data.get("executionId"))}
    points = [point for point in _list(data.get("pausePoints")) if isinstance(point, Mapping)]
    pauses = [parse_pause_point(point, **known) for point in points]
    return structure(dict(data), PausedRun, fallbacks={"pauses": pauses})


def _pause(
    data: Mapping[str, Any], resume: Mapping[str, Any], known: Mapping[str, Any], wire: Mapping[str, Any] | None = None
) -> Pause:
    shown = [structure(item, ShownValue) for item in _objects(data.get("responseStructure"))]
    named = {
        "workflow_id": _text(resume.get("workflowId")),
        "execution_id": _text(resume.get("executionId")),
    }
    values: dict[str, Any] = {
        "context_id": _text(resume.get("contextId")),
        "question": _question(shown),
        "shown": shown,
        "input_fields": [structure(item, InputField) for item in _objects(data.get("inputFormat"))],
        "links": structure(dict(resume), ResumeLinks),
        "workflow_id": None,
        "execution_id": None,
        "block_id": None,
        "kind": None,
        "status": None,
        "paused_at": None,
        "resume_at": None,
        **{name: value for name, value in known.items() if value is not None},
        **{name: value for name, value in named.items() if value is not None},
    }
    return structure(dict(wire if wire is not None else data), Pause, overrides=values)


def _question(shown: list[ShownValue]) -> str | None:
    asked = [value for value in shown if value.name == "question"] or shown
    return "\n".join(str(value.value) for value in asked if value.value not in (None, "")) or None


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in _list(value) if isinstance(item, dict) and isinstance(item.get("name"), str)]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
