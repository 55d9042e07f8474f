"""Workflows, their runs, inputs and outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import attrs

from simstudio.core.conversion import structure
from simstudio.core.model import model
from simstudio.services.vectorvein.envelope import DONE, RUNNING
from simstudio.services.vectorvein.models.base import Record

if TYPE_CHECKING:
    from simstudio.services.vectorvein.envelope import Envelope

APIKeyType = Literal["WORKFLOW", "VAPP"]
"""Kind of the client's key: of a user, or of a VApp."""

OutputScope = Literal["output_fields_only", "all"]
"""Outputs in the result of a run: those of the output nodes, or those of all nodes."""


@model
class WorkflowInputField(Record):
    """One input of a run.

    Attributes:
        node_id: Id of the node that has the field.
        value: JSON data. Files in it are uploaded when the run is started.

    Example:
        >>> WorkflowInputField(node_id="n-1", field_name="Name", value="Ada").value
        'Ada'
    """

    node_id: str
    field_name: str
    value: Any


@model
class WorkflowOutput(Record):
    """One output of a run.

    Attributes:
        type: ``Text``, ``Audio`` …
        value: JSON data: text, a list of URLs, an object …
    """

    type: str | None = None
    title: str | None = None
    value: Any = None


@model
class WorkflowRunResult(Record):
    """The state of a run.

    It is also the mapping that the server sent: ``result["status"] == 202``.

    Attributes:
        rid: Id of the run; empty if the server sent outputs without an id.
        status: 202 while it runs, 200 when it is done, another number if it failed.
        msg: Message of the server.
        data: Outputs once it is done; before that, what the server sent.
    """

    rid: str
    status: int
    msg: str = ""
    data: list[WorkflowOutput] = attrs.field(factory=list)

    @property
    def done(self) -> bool:
        """Whether the run ended, well or not."""
        return self.status != RUNNING

    @property
    def succeeded(self) -> bool:
        """Whether the run ended without a failure."""
        return self.status in DONE

    @property
    def output(self) -> Any:
        """The outputs as plain JSON data; ``item.output`` of a batch."""
        return self.to_dict().get("data")

    @property
    def run_id(self) -> str | None:
        """The same as ``rid``; None if the server sent none."""
        return self.rid or None


def run_result(envelope: Envelope, rid: str) -> WorkflowRunResult:
    """The state of a run in an envelope, whatever its data is."""
    content = envelope.content
    data = content.get("data")
    if isinstance(data, dict) and envelope.status in DONE and "value" in data:  # a single output
        content = {**content, "data": [data]}
    return structure(content, WorkflowRunResult, response=envelope.response, fallbacks={"rid": rid})


@model
class WorkflowTag(Record):
    """A tag of a workflow."""

    tid: str | None = None
    name: str | None = None


@model
class Workflow(Record):
    """A workflow.

    Attributes:
        brief: Short description.
        data: Nodes and edges, as plain JSON data.
        language: Language of its texts.
        images: URLs of its pictures.
        source_workflow: Id of the workflow that it was made from.
        tool_call_data: Description of it as a tool, as plain JSON data.
    """

    wid: str
    title: str | None = None
    brief: str | None = None
    data: dict[str, Any] | None = None
    language: str | None = None
    images: list[str] | None = None
    tags: list[WorkflowTag] | None = None
    source_workflow: Any = None
    tool_call_data: dict[str, Any] | None = None
    create_time: str | None = None
    update_time: str | None = None


@model
class WorkflowListResponse(Record):
    """One page of workflows."""

    workflows: list[Workflow]
    total: int | None = None
    page: int | None = None
    page_size: int | None = None
    page_count: int | None = None
