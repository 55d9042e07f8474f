"""The draft of a workflow in a request: typed dicts with the wire names, which editors complete.

A result of ``state.get`` can be sent instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from simstudio.models.v2.workflow_params import VariableType

if TYPE_CHECKING:
    from typing import TypeAlias

LoopType: TypeAlias = Literal["for", "forEach", "while", "doWhile"]
"""The kinds of loops."""

ParallelType: TypeAlias = Literal["collection", "count"]
"""The kinds of parallels: a branch for each item, or a number of branches."""


class Position(TypedDict):
    """Position of a block in the editor, in pixels from the top left."""

    x: float
    y: float


class Setting(TypedDict):
    """A setting of a block."""

    id: str
    type: str
    value: Any


class Retry(TypedDict):
    """The retries of a block that fails."""

    enabled: bool
    maxTries: int
    waitBetweenTriesMs: int


class ContainerData(TypedDict, total=False):
    """Data of a container (loop or parallel), or of a block in one."""

    parentId: str
    extent: Literal["parent"]
    width: float
    height: float
    collection: Any
    count: int
    loopType: LoopType
    whileCondition: str
    doWhileCondition: str
    parallelType: ParallelType
    batchSize: int
    type: str
    canonicalModes: Mapping[str, Literal["basic", "advanced"]]


class _Block(TypedDict):
    id: str
    type: str
    name: str
    position: Position
    subBlocks: Mapping[str, Setting]
    outputs: Mapping[str, Any]
    enabled: bool


class Block(_Block, total=False):
    """A block with its settings."""

    horizontalHandles: bool
    height: float
    advancedMode: bool
    errorEnabled: bool
    retry: Retry
    triggerMode: bool
    data: ContainerData
    locked: bool


class _Edge(TypedDict):
    id: str
    source: str
    target: str


class Edge(_Edge, total=False):
    """A connection between two blocks."""

    sourceHandle: str | None
    targetHandle: str | None
    type: str


class _Loop(TypedDict):
    id: str
    nodes: Sequence[str]
    iterations: int
    loopType: LoopType


class Loop(_Loop, total=False):
    """A loop: a container whose blocks run repeatedly."""

    forEachItems: str | Mapping[str, Any] | Sequence[Any]
    whileCondition: str
    doWhileCondition: str
    enabled: bool
    locked: bool


class _Parallel(TypedDict):
    id: str
    nodes: Sequence[str]


class Parallel(_Parallel, total=False):
    """A parallel: a container whose blocks run in several branches at a time."""

    distribution: str | Mapping[str, Any] | Sequence[Any]
    count: int
    parallelType: ParallelType
    batchSize: int
    enabled: bool
    locked: bool


class Variable(TypedDict):
    """A variable of a workflow."""

    id: str
    name: str
    type: VariableType
    value: Any
