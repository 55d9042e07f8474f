"""Runs that wait for a human, and what they ask.

A pause reaches the client in four shapes: as ``_resume`` beside the question in a paused result's or job's output
(recordings 094, 112), as a pause point of the paused-run routes (096, 102), and in v2 as the ``paused`` block of a run.
All of them become a :class:`Pause`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from simstudio.core.conversion import structure
from simstudio.core.model import Model, model
from simstudio.models.outputs import find_resume

_OVER = frozenset({"resumed", "failed"})


@model
class InputField(Model):
    """A field that the human is asked for.

    Attributes:
        name: The key under which the answer is sent.
        type: ``string``, ``number``, ``boolean``, ``object``, ``array`` or ``file[]``.
        label: What a form shows.
        id: Of the field.
        value: Its default, as sent; ``""`` where there is none.
        required: Whether it must be answered.
        description: What it means.
    """

    name: str
    type: str = "string"
    label: str | None = None
    id: str | None = None
    value: Any = None
    required: bool | None = None
    description: str | None = None


@model
class ShownValue(Model):
    """Something that the human is shown.

    Attributes:
        name: What it is called.
        type: ``string``, ``number`` …
        value: As sent.
    """

    name: str
    type: str | None = None
    value: Any = None


@model
class ResumeLinks(Model):
    """Where a pause can be answered.

    Attributes:
        ui_url: A page for people, on the server's own idea of its public host.
        api_url: The API's address; the client makes its own (``client.workflows.resume``).
    """

    ui_url: str | None = None
    api_url: str | None = None


@model
class Pause(Model):
    """One question that a run waits with; give it to ``client.workflows.resume``.

    Attributes:
        context_id: Which of the run's pauses it is; None where the answer does not say (it is looked up then).
        workflow_id: The workflow.
        execution_id: The paused run.
        question: The text of what is shown: of the value called ``question``, else of all, a line each.
        shown: What the human is shown.
        input_fields: What the human is asked for.
        links: Where it can be answered.
        block_id: The block that waits.
        kind: ``human`` or ``time``; None where the server does not say.
        status: ``paused``, ``queued``, ``resuming``, ``resumed``, ``failed``; None where it does not say.
        paused_at: ISO 8601.
        resume_at: When it goes on by itself, ISO 8601; of ``time`` pauses.
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
        """Whether it can still be answered."""
        return self.status not in _OVER

    def __bool__(self) -> bool:
        return True


@model
class PausedRun(Model):
    """A run that waits, or waited, for a human.

    Attributes:
        workflow_id: The workflow.
        execution_id: The run.
        status: ``paused``, ``partially_resumed``, ``fully_resumed``, ``cancelled`` (v1); a run's status (v2).
        pauses: Its pauses, resumed ones too.
        paused_at: ISO 8601.
        updated_at: ISO 8601, v1 only.
        expires_at: ISO 8601 or None, v1 only.
        total_pause_count: How many pauses it has had.
        resumed_count: How many of them were answered.
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
        """The pause that waits (the first of several); None when none does any more."""
        return next((pause for pause in self.pauses if isinstance(pause, Pause) and pause.waiting), None)


def pause_in(output: Any, **known: Any) -> Pause | None:
    """The pause in the output of a paused result or job.

    Args:
        output: As the server sent it.
        known: Attributes that the output does not give, such as ``workflow_id``.

    Returns:
        The pause; None where the output carries none.
    """
    resume = find_resume(output)
    return None if resume is None else _pause(_data_around(output, resume), resume, known)


def pause_point(point: Mapping[str, Any], **known: Any) -> Pause:
    """The pause of a pause point of the paused-run routes (recording 102)."""
    response = point.get("response")
    data = response.get("data") if isinstance(response, Mapping) else None
    links = point.get("resumeLinks")
    said = {
        "context_id": _text(point.get("contextId")),
        "block_id": _text(point.get("blockId")),
        "status": _text(point.get("resumeStatus")),
        "paused_at": _text(point.get("registeredAt")),
    }
    return _pause(_mapping(data), _mapping(links), {**known, **said}, point)


def pause_block(block: Mapping[str, Any], output: Any, **known: Any) -> Pause:
    """The pause of a run's ``paused`` block in v2 (API.md 4.3); what is asked is in the run's output, if anywhere."""
    said = {
        "context_id": _text(block.get("contextId")),
        "block_id": _text(block.get("blockedOnBlockId")),
        "kind": _text(block.get("pauseKind")),
        "paused_at": _text(block.get("pausedAt")),
        "resume_at": _text(block.get("resumeAt")),
        "status": "paused",
    }
    resume = find_resume(output) or {}
    return _pause(_data_around(output, resume) if resume else {}, resume, {**known, **said}, block)


def paused_run(data: Mapping[str, Any]) -> PausedRun:
    """A paused run as the unversioned routes tell it (recordings 096, 101).

    Raises:
        InvalidResponseError: It names no run.
    """
    known = {"workflow_id": _text(data.get("workflowId")), "execution_id": _text(data.get("executionId"))}
    points = [point for point in _list(data.get("pausePoints")) if isinstance(point, Mapping)]
    pauses = [pause_point(point, **known) for point in points]
    return structure(dict(data), PausedRun, fallbacks={"pauses": pauses})


def _pause(
    data: Mapping[str, Any], resume: Mapping[str, Any], known: Mapping[str, Any], wire: Mapping[str, Any] | None = None
) -> Pause:
    shown = [structure(item, ShownValue) for item in _objects(data.get("responseStructure"))]
    said = {
        "context_id": _text(resume.get("contextId")),
        "workflow_id": _text(resume.get("workflowId")),
        "execution_id": _text(resume.get("executionId")),
    }
    given: dict[str, Any] = {
        "question": _question(shown),
        "shown": shown,
        "input_fields": [structure(item, InputField) for item in _objects(data.get("inputFormat"))],
        "links": structure(dict(resume), ResumeLinks),
        "block_id": None,
        "kind": None,
        "status": None,
        "paused_at": None,
        "resume_at": None,
        **said,
        **{name: value for name, value in known.items() if value is not None},
    }
    return structure(dict(wire if wire is not None else data), Pause, overrides=given)


def _question(shown: list[ShownValue]) -> str | None:
    asked = [value for value in shown if value.name == "question"] or shown
    return "\n".join(str(value.value) for value in asked if value.value not in (None, "")) or None


def _data_around(output: Any, resume: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object that holds ``_resume``."""
    for _ in range(3):
        for place in (output, output.get("data")):
            if isinstance(place, Mapping) and place.get("_resume") is resume:
                return place
        output = output.get("output")
    return {}


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in _list(value) if isinstance(item, dict) and isinstance(item.get("name"), str)]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
