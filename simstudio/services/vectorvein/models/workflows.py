"""Workflows, what goes into them, and what comes out."""

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
"""Whose key the client holds: a workflow's owner's, or a VApp's."""

OutputScope = Literal["output_fields_only", "all"]
"""Which outputs a run gives: those of the output nodes, or those of all nodes."""


@model
class WorkflowInputField(Record):
    """One input of a run.

    Attributes:
        node_id: The node that has the field.
        field_name: The field's name.
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
        value: As sent: text, a list of addresses, an object …
    """

    type: str | None = None
    title: str | None = None
    value: Any = None


@model
class WorkflowRunResult(Record):
    """The state of a run.

    It is also the mapping that came: ``result["status"] == 202``.

    Attributes:
        rid: The run's id; empty where a server gave outputs and no id.
        status: 202 while it runs, 200 when it is done, anything else when it failed.
        msg: The server's words.
        data: The outputs once it is done. Anything else that a server puts there stays as it came.
    """

    rid: str
    status: int
    msg: str = ""
    data: list[WorkflowOutput] = attrs.field(factory=list)

    @property
    def done(self) -> bool:
        """Whether it has ended, well or not."""
        return self.status != RUNNING

    @property
    def succeeded(self) -> bool:
        """Whether it ended well."""
        return self.status in DONE

    @property
    def output(self) -> Any:
        """The outputs as plain JSON data, as ``item.output`` of a batch has them."""
        return self.to_dict().get("data")

    @property
    def run_id(self) -> str | None:
        """The same as ``rid``; None where the server gave none."""
        return self.rid or None


def run_result(envelope: Envelope, rid: str) -> WorkflowRunResult:
    """The state of a run that an envelope tells of. Whatever its data is, the state is one."""
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
        brief: A short description.
        data: Its nodes and edges, as sent.
        language: Of its texts.
        images: Addresses of its pictures.
        source_workflow: The one it was made from.
        tool_call_data: How it is called as a tool, as sent.
        create_time: As sent.
        update_time: As sent.
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
