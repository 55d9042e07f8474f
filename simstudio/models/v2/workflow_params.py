"""Parameters of operations on workflows: typed dicts with the names of the wire, which editors complete.

Each may also be given as a model that an operation gave, or as a plain mapping: Sim takes more than is written here.
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
"""What of its workspace a workflow can name."""

VariableType: TypeAlias = Literal["string", "number", "boolean", "object", "array", "plain"]
"""What a workflow's variable can hold."""

UsageControl: TypeAlias = Literal["auto", "force", "none"]
"""Whether a model may, must or cannot use a tool."""


# -- operations on a draft ------------------------------------------------------------------------------------------


class _ToolUsage(TypedDict, total=False):
    usageControl: UsageControl
    usageControlExpression: str


class _BlockTool(_ToolUsage):
    type: str


class BlockTool(_BlockTool, total=False):
    """A block's operation as a tool of an agent; ``type`` is the block's."""

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
    """What a tool is called and takes; ``parameters`` is a JSON schema."""

    description: str


class _ToolSchema(TypedDict):
    function: ToolFunction


class ToolSchema(_ToolSchema, total=False):
    """A tool as models are told of it."""

    type: Literal["function"]


class InlineTool(_ToolUsage):
    """A custom tool that is written in place."""

    type: Literal["custom-tool"]
    schema: ToolSchema
    code: str


class McpToolParams(TypedDict):
    """Which tool of which MCP server; the tool's own parameters beside these."""

    serverId: str
    toolName: str


class McpTool(_ToolUsage):
    """One tool of an MCP server."""

    type: Literal["mcp"]
    params: McpToolParams | Mapping[str, Any]


class EveryMcpTool(TypedDict):
    """All tools of an MCP server."""

    mode: Literal["all"]


class SomeMcpTools(TypedDict):
    """Only these tools of an MCP server, or all but these."""

    mode: Literal["allow", "deny"]
    operations: Sequence[str]


class McpServerParams(TypedDict):
    """Which MCP server."""

    serverId: str


class _McpServerTools(_ToolUsage):
    type: Literal["mcp-server-advanced"]
    params: McpServerParams


class McpServerTools(_McpServerTools, total=False):
    """The tools of an MCP server."""

    operationPolicy: EveryMcpTool | SomeMcpTools


class BlockInputs(TypedDict, total=False):
    """Settings of a block by name; any may stand beside ``tools``."""

    tools: Sequence[BlockTool | CustomTool | InlineTool | McpTool | McpServerTools]


class _NewBlock(TypedDict):
    type: str
    name: str


class NewBlock(_NewBlock, total=False):
    """A block that is added."""

    inputs: BlockInputs | Mapping[str, Any]


class NewBlockInSubflow(NewBlock):
    """A block that is added to a loop or a parallel."""

    subflowId: str


class BlockEdit(TypedDict, total=False):
    """What changes of a block; ``connections`` and others may stand beside ``inputs``."""

    inputs: BlockInputs | Mapping[str, Any]


class FromSubflow(TypedDict):
    """The loop or parallel that a block leaves."""

    subflowId: str


class AddBlock(TypedDict):
    """Add a block. A ``block_id`` that is no UUID is a label: the real id comes back in ``minted_block_ids``."""

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
    """Take a block out of a loop or a parallel."""

    operation_type: Literal["extract_from_subflow"]
    block_id: str
    params: FromSubflow


WorkflowOperation: TypeAlias = (
    AddBlock | EditBlock | DeleteBlock | InsertIntoSubflow | ExtractFromSubflow | Mapping[str, Any]
)
"""One operation on a draft."""


class BlockEnabled(TypedDict):
    """Whether a block shall run."""

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
    """Set a variable."""

    type: VariableType


class DeleteVariable(TypedDict):
    """Delete a variable."""

    operation: Literal["delete"]
    name: str


VariableOperation: TypeAlias = AddVariable | EditVariable | DeleteVariable | Mapping[str, Any]
"""One change to the variables."""


# -- imports --------------------------------------------------------------------------------------------------------


class ReferenceMapping(TypedDict):
    """What stands for something of the old workspace, everywhere; None clears it."""

    kind: ReferenceKind
    sourceId: str
    targetId: str | None


class _ReferenceBinding(TypedDict):
    blockId: str
    subBlockKey: str
    kind: ReferenceKind
    targetId: str | None


class ReferenceBinding(_ReferenceBinding, total=False):
    """What stands for something of the old workspace in one place; None clears it."""

    valuePath: Sequence[str | int]
    positions: Sequence[int]
    encoding: Literal["array", "csv", "scalar", "files", "environment"]


class DependentValue(TypedDict):
    """A setting that depends on what is bound, such as a channel of a credential."""

    blockId: str
    subBlockKey: str
    value: str


# -- chats ----------------------------------------------------------------------------------------------------------


class Customizations(TypedDict, total=False):
    """How a chat looks."""

    primaryColor: str
    welcomeMessage: str
    imageUrl: str


class _OutputConfig(TypedDict):
    blockId: str
    path: str


class OutputConfig(_OutputConfig, total=False):
    """An output that a chat shows; of the chat's own workflow where none is named."""

    workflowId: str
