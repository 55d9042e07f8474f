"""The draft of a workflow as it is sent: typed dicts with the names of the wire, which editors complete.

A result of ``state.get`` can be sent instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from simstudio.models.v2.workflow_params import VariableType

if TYPE_CHECKING:
    from typing import TypeAlias

LoopType: TypeAlias = Literal["for", "forEach", "while", "doWhile"]
"""What ends a loop."""

ParallelType: TypeAlias = Literal["collection", "count"]
"""What makes the branches of a parallel."""


class Position(TypedDict):
    """Where a block is drawn, in pixels."""

    x: float
    y: float


class Setting(TypedDict):
    """One setting of a block."""

    id: str
    type: str
    value: Any


class Retry(TypedDict):
    """How often a block that fails is run again."""

    enabled: bool
    maxTries: int
    waitBetweenTriesMs: int


class ContainerData(TypedDict, total=False):
    """What a loop or a parallel, or a block in one, carries."""

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
    """A container whose blocks run again and again."""

    forEachItems: str | Mapping[str, Any] | Sequence[Any]
    whileCondition: str
    doWhileCondition: str
    enabled: bool
    locked: bool


class _Parallel(TypedDict):
    id: str
    nodes: Sequence[str]


class Parallel(_Parallel, total=False):
    """A container whose blocks run in several branches at a time."""

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
