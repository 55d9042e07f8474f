"""The draft of a workflow: its blocks, connections and variables. A result can be sent back."""

from __future__ import annotations

from typing import Any

from simstudio.core.model import Model, model
from simstudio.models.v2.lint import Lint


@model
class BlockPosition(Model):
    """Position of a block in the editor, in pixels from the top left."""

    x: float
    y: float


@model
class SubBlock(Model):
    """A setting of a block.

    Attributes:
        id: Key of the setting.
        type: Kind of field in the editor, such as ``short-input``.
        value: JSON data.
    """

    id: str
    type: str
    value: Any = None


@model
class BlockRetry(Model):
    """The retries of a block that fails.

    Attributes:
        max_tries: Attempts in all.
    """

    enabled: bool
    max_tries: int
    wait_between_tries_ms: int


@model
class BlockData(Model):
    """Data of a container (loop or parallel), or of a block in one.

    Attributes:
        parent_id: Id of the container that holds the block.
        extent: ``parent`` if the block cannot be moved out of its container.
        width: Pixels.
        height: Pixels.
        collection: Items of a container, as JSON data.
        count: Number of iterations or branches.
        loop_type: ``for``, ``forEach``, ``while`` or ``doWhile``.
        parallel_type: ``collection`` or ``count``.
        batch_size: Branches of a parallel that run at a time.
        type: Node type in the editor.
        canonical_modes: ``basic`` or ``advanced`` by setting.
    """

    parent_id: str | None = None
    extent: str | None = None
    width: float | None = None
    height: float | None = None
    collection: Any = None
    count: int | None = None
    loop_type: str | None = None
    while_condition: str | None = None
    do_while_condition: str | None = None
    parallel_type: str | None = None
    batch_size: int | None = None
    type: str | None = None
    canonical_modes: dict[str, str] | None = None


@model
class WorkflowBlock(Model):
    """A block with its settings.

    Attributes:
        type: Block type, such as ``agent``.
        sub_blocks: Settings by key.
        outputs: Schemas of the outputs by name, as JSON data.
        enabled: Whether executions run the block.
        horizontal_handles: Whether the editor shows the ports at the sides.
        height: Pixels.
        advanced_mode: Whether the editor shows the advanced fields.
        error_enabled: Whether the block has an output port for failures.
        trigger_mode: Whether the block starts the workflow.
        data: Settings of containers, and of blocks in them.
        locked: Whether the block cannot be changed.
    """

    id: str
    type: str
    name: str
    position: BlockPosition
    sub_blocks: dict[str, SubBlock]
    outputs: dict[str, Any]
    enabled: bool
    horizontal_handles: bool | None = None
    height: float | None = None
    advanced_mode: bool | None = None
    error_enabled: bool | None = None
    retry: BlockRetry | None = None
    trigger_mode: bool | None = None
    data: BlockData | None = None
    locked: bool | None = None


@model
class WorkflowEdge(Model):
    """A connection between two blocks.

    Attributes:
        source: Id of the block at its start.
        target: Id of the block at its end.
        source_handle: Port of the source block; None of the default port.
        target_handle: Port of the target block.
        type: Edge type in the editor.
    """

    id: str
    source: str
    target: str
    source_handle: str | None = None
    target_handle: str | None = None
    type: str | None = None


@model
class WorkflowLoop(Model):
    """A loop: a container whose blocks run repeatedly.

    Attributes:
        id: Id of its block.
        nodes: Ids of the blocks in it.
        iterations: Number of iterations of a ``for``.
        loop_type: ``for``, ``forEach``, ``while`` or ``doWhile``.
        for_each_items: Items of a ``forEach``: text (a reference, or JSON), an object or a list.
        enabled: Whether executions run the loop.
        locked: Whether the loop cannot be changed.
    """

    id: str
    nodes: list[str]
    iterations: int
    loop_type: str
    for_each_items: str | dict[str, Any] | list[Any] | None = None
    while_condition: str | None = None
    do_while_condition: str | None = None
    enabled: bool | None = None
    locked: bool | None = None


@model
class WorkflowParallel(Model):
    """A parallel: a container whose blocks run in several branches at a time.

    Attributes:
        id: Id of its block.
        nodes: Ids of the blocks in it.
        distribution: Items of the branches: text (a reference, or JSON), an object or a list.
        count: Number of branches.
        parallel_type: ``collection`` or ``count``.
        batch_size: Branches that run at a time.
        enabled: Whether executions run the parallel.
        locked: Whether the parallel cannot be changed.
    """

    id: str
    nodes: list[str]
    distribution: str | dict[str, Any] | list[Any] | None = None
    count: int | None = None
    parallel_type: str | None = None
    batch_size: int | None = None
    enabled: bool | None = None
    locked: bool | None = None


@model
class WorkflowVariable(Model):
    """A variable of a workflow.

    Attributes:
        type: ``string``, ``number``, ``boolean``, ``object``, ``array`` or ``plain``.
        value: JSON data.
    """

    id: str
    name: str
    type: str
    value: Any = None


@model
class WorkflowState(Model):
    """The complete draft of a workflow, ids of credentials and tables included.

    Attributes:
        blocks: By id.
        loops: By the id of their block.
        parallels: By the id of their block.
        variables: By id.
    """

    blocks: dict[str, WorkflowBlock]
    edges: list[WorkflowEdge]
    loops: dict[str, WorkflowLoop]
    parallels: dict[str, WorkflowParallel]
    variables: dict[str, WorkflowVariable]


@model
class ReplacedState(Model):
    """The result of replacing a draft.

    Attributes:
        id: Id of the workflow.
        warnings: Texts of the server.
        needs_redeployment: Whether the draft now differs from the live version.
        lint: Findings in the draft.
        dry_run: Whether nothing was saved.
    """

    id: str
    warnings: list[str]
    needs_redeployment: bool
    lint: Lint
    dry_run: bool


@model
class AppliedVariables(Model):
    """The result of changes to variables.

    Attributes:
        id: Id of the workflow.
        variable_count: Number of variables after the changes.
        changed: Whether any variable changed.
    """

    id: str
    variable_count: int
    changed: bool
