"""The draft of a workflow: its graph and its variables. A draft that was fetched can be sent back."""

from __future__ import annotations

from typing import Any

from simstudio.core.model import Model, model
from simstudio.models.v2.lint import Lint


@model
class BlockPosition(Model):
    """Where a block is drawn, in pixels.

    Attributes:
        x: To the right.
        y: Down.
    """

    x: float
    y: float


@model
class SubBlock(Model):
    """One setting of a block.

    Attributes:
        id: Its name.
        type: The kind of field it is edited in, such as ``short-input``.
        value: What it is set to, as plain JSON data.
    """

    id: str
    type: str
    value: Any = None


@model
class BlockRetry(Model):
    """How often a block that fails is run again.

    Attributes:
        enabled: Whether at all.
        max_tries: Runs in all.
        wait_between_tries_ms: Milliseconds between them.
    """

    enabled: bool
    max_tries: int
    wait_between_tries_ms: int


@model
class BlockData(Model):
    """What a block in a loop or a parallel, or such a container itself, carries.

    Attributes:
        parent_id: The container that a block lies in.
        extent: ``parent`` where the block cannot be drawn out of it.
        width: Pixels.
        height: Pixels.
        collection: What a container goes over, as plain JSON data.
        count: How often a container runs.
        loop_type: ``for``, ``forEach``, ``while`` or ``doWhile``.
        while_condition: Of a ``while``.
        do_while_condition: Of a ``doWhile``.
        parallel_type: ``collection`` or ``count``.
        batch_size: How many branches of a parallel run at a time.
        type: What the editor takes it for.
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
        id: Of the block.
        type: What it is, such as ``agent``.
        name: What it is called there.
        position: Where it is drawn.
        sub_blocks: Its settings by name.
        outputs: What it gives, by name, as plain JSON data.
        enabled: Whether it runs.
        horizontal_handles: How it is drawn.
        height: Pixels.
        advanced_mode: Whether it is edited in its advanced form.
        error_enabled: Whether it has a way out for failures.
        retry: How often it is run again.
        trigger_mode: Whether it begins runs.
        data: Of containers and of what lies in them.
        locked: Whether it cannot be changed.
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
        id: Of the connection.
        source: The block it comes from.
        target: The block it goes to.
        source_handle: By which way out.
        target_handle: By which way in.
        type: How it is drawn.
    """

    id: str
    source: str
    target: str
    source_handle: str | None = None
    target_handle: str | None = None
    type: str | None = None


@model
class WorkflowLoop(Model):
    """A container whose blocks run again and again.

    Attributes:
        id: Of its block.
        nodes: The blocks in it.
        iterations: How often a ``for`` runs.
        loop_type: ``for``, ``forEach``, ``while`` or ``doWhile``.
        for_each_items: What a ``forEach`` goes over: text (a reference, or JSON), an object or a list.
        while_condition: Of a ``while``.
        do_while_condition: Of a ``doWhile``.
        enabled: Whether it runs.
        locked: Whether it cannot be changed.
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
    """A container whose blocks run in several branches at a time.

    Attributes:
        id: Of its block.
        nodes: The blocks in it.
        distribution: What the branches are given: text (a reference, or JSON), an object or a list.
        count: How many branches there are.
        parallel_type: ``collection`` or ``count``.
        batch_size: How many branches run at a time.
        enabled: Whether it runs.
        locked: Whether it cannot be changed.
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
        id: Of the variable.
        name: What it is called there.
        type: ``string``, ``number``, ``boolean``, ``object``, ``array`` or ``plain``.
        value: As plain JSON data.
    """

    id: str
    name: str
    type: str
    value: Any = None


@model
class WorkflowState(Model):
    """The draft of a workflow, nothing taken out: ids of credentials and tables are in it.

    Attributes:
        blocks: By id.
        edges: The connections.
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
    """A draft that was replaced, or would be.

    Attributes:
        id: Of the workflow.
        warnings: The server's sentences about it.
        needs_redeployment: Whether the draft now differs from the live version.
        lint: What may be wrong with the draft; advice only.
        dry_run: Whether nothing was written.
    """

    id: str
    warnings: list[str]
    needs_redeployment: bool
    lint: Lint
    dry_run: bool


@model
class AppliedVariables(Model):
    """What became of changes to variables.

    Attributes:
        id: Of the workflow.
        variable_count: How many there are now.
        changed: Whether anything differs from before.
    """

    id: str
    variable_count: int
    changed: bool
