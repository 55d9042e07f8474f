"""Parameters of operations on workflows: typed dicts with the wire names, which editors complete.

Each may be given as a model that an operation returned, or as a plain mapping: Sim accepts more than is written here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypedDict

if TYPE_CHECKING:
    from typing import TypeAlias

ReferenceKind: TypeAlias = Literal[
    "custom-tool",
    "credential",
    "skill",
    "table",
    "sandbox",
    "env-var",
    "knowledge-base",
    "knowledge-document",
    "file",
    "file-folder",
    "mcp-server",
    "custom-block",
    "workflow",
]
"""The kinds of workspace resources that a workflow can reference."""

VariableType: TypeAlias = Literal["string", "number", "boolean", "object", "array", "plain"]
"""The types of a workflow's variables."""

UsageControl: TypeAlias = Literal["auto", "force", "none"]
"""Whether a language model may (``auto``), must (``force``) or cannot use a tool."""


# -- operations on a draft ------------------------------------------------------------------------------------------


class _ToolUsage(TypedDict, total=False):
    usageControl: UsageControl
    usageControlExpression: str


class _BlockTool(_ToolUsage):
    type: str


class BlockTool(_BlockTool, total=False):
    """An operation of a block type as a tool of an agent; ``type`` is the block type."""

    operation: str
    params: Mapping[str, Any]


class CustomTool(_ToolUsage):
    """A custom tool of the workspace."""

    type: Literal["custom-tool"]
    customToolId: str


class _ToolFunction(TypedDict):
    name: str
    parameters: Mapping[str, Any]


class ToolFunction(_ToolFunction, total=False):
    """The name and the parameters of a tool; ``parameters`` is a JSON schema."""

    description: str


class _ToolSchema(TypedDict):
    function: ToolFunction


class ToolSchema(_ToolSchema, total=False):
    """A tool in the form that language models are given."""

    type: Literal["function"]


class InlineTool(_ToolUsage):
    """A custom tool that is defined in place."""

    type: Literal["custom-tool"]
    schema: ToolSchema
    code: str


class McpToolParams(TypedDict):
    """The MCP server and the name of its tool; parameters of the tool may stand beside these keys."""

    serverId: str
    toolName: str


class McpTool(_ToolUsage):
    """A tool of an MCP server."""

    type: Literal["mcp"]
    params: McpToolParams | Mapping[str, Any]


class EveryMcpTool(TypedDict):
    """All tools of an MCP server."""

    mode: Literal["all"]


class SomeMcpTools(TypedDict):
    """The listed tools of an MCP server (``allow``), or all others (``deny``)."""

    mode: Literal["allow", "deny"]
    operations: Sequence[str]


class McpServerParams(TypedDict):
    """The MCP server."""

    serverId: str


class _McpServerTools(_ToolUsage):
    type: Literal["mcp-server-advanced"]
    params: McpServerParams


class McpServerTools(_McpServerTools, total=False):
    """The tools of an MCP server."""

    operationPolicy: EveryMcpTool | SomeMcpTools


class BlockInputs(TypedDict, total=False):
    """Settings of a block by key; any may stand beside ``tools``."""

    tools: Sequence[BlockTool | CustomTool | InlineTool | McpTool | McpServerTools]


class _NewBlock(TypedDict):
    type: str
    name: str


class NewBlock(_NewBlock, total=False):
    """A new block."""

    inputs: BlockInputs | Mapping[str, Any]


class NewBlockInSubflow(NewBlock):
    """A new block in a loop or a parallel."""

    subflowId: str


class BlockEdit(TypedDict, total=False):
    """Changes of a block; ``connections`` and others may stand beside ``inputs``."""

    inputs: BlockInputs | Mapping[str, Any]


class FromSubflow(TypedDict):
    """The loop or the parallel that a block leaves."""

    subflowId: str


class AddBlock(TypedDict):
    """Add a block. A ``block_id`` that is no UUID is a label; ``minted_block_ids`` has the new id by it."""

    operation_type: Literal["add"]
    block_id: str
    params: NewBlock | Mapping[str, Any]


class EditBlock(TypedDict):
    """Change a block."""

    operation_type: Literal["edit"]
    block_id: str
    params: BlockEdit | Mapping[str, Any]


class DeleteBlock(TypedDict):
    """Delete a block."""

    operation_type: Literal["delete"]
    block_id: str


class InsertIntoSubflow(TypedDict):
    """Add a block to a loop or a parallel."""

    operation_type: Literal["insert_into_subflow"]
    block_id: str
    params: NewBlockInSubflow | Mapping[str, Any]


class ExtractFromSubflow(TypedDict):
    """Move a block out of a loop or a parallel."""

    operation_type: Literal["extract_from_subflow"]
    block_id: str
    params: FromSubflow


WorkflowOperation: TypeAlias = (
    AddBlock | EditBlock | DeleteBlock | InsertIntoSubflow | ExtractFromSubflow | Mapping[str, Any]
)
"""An operation on a draft."""


class BlockEnabled(TypedDict):
    """Whether executions run a block."""

    block_id: str
    enabled: bool


# -- variables ------------------------------------------------------------------------------------------------------


class AddVariable(TypedDict):
    """Add a variable."""

    operation: Literal["add"]
    name: str
    type: VariableType
    value: Any


class _EditVariable(TypedDict):
    operation: Literal["edit"]
    name: str
    value: Any


class EditVariable(_EditVariable, total=False):
    """Change a variable."""

    type: VariableType


class DeleteVariable(TypedDict):
    """Delete a variable."""

    operation: Literal["delete"]
    name: str


VariableOperation: TypeAlias = AddVariable | EditVariable | DeleteVariable | Mapping[str, Any]
"""A change to the variables."""


# -- imports --------------------------------------------------------------------------------------------------------


class ReferenceMapping(TypedDict):
    """The resource in place of another one, wherever the workflow references that; None clears the reference."""

    kind: ReferenceKind
    sourceId: str
    targetId: str | None


class _ReferenceBinding(TypedDict):
    blockId: str
    subBlockKey: str
    kind: ReferenceKind
    targetId: str | None


class ReferenceBinding(_ReferenceBinding, total=False):
    """The resource in place of another one at one place of the workflow; None clears the reference."""

    valuePath: Sequence[str | int]
    positions: Sequence[int]
    encoding: Literal["array", "csv", "scalar", "files", "environment"]


class DependentValue(TypedDict):
    """The value of a setting that depends on a binding, such as the channel of a credential."""

    blockId: str
    subBlockKey: str
    value: str


# -- chats ----------------------------------------------------------------------------------------------------------


class Customizations(TypedDict, total=False):
    """The appearance of a chat."""

    primaryColor: str
    welcomeMessage: str
    imageUrl: str


class _OutputConfig(TypedDict):
    blockId: str
    path: str


class OutputConfig(_OutputConfig, total=False):
    """An output that a chat shows; ``workflowId`` is the chat's own workflow by default."""

    workflowId: str
