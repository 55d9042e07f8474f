"""The block types a graph may hold. Only ``function`` blocks do something when a workflow of the sandbox runs."""

from __future__ import annotations

from typing import Literal

import attrs

Category = Literal["blocks", "tools", "triggers"]


@attrs.frozen
class SubBlock:
    """One field of a block type."""

    id: str
    type: str = "short-input"
    title: str = ""
    required: bool = False
    password: bool = False


@attrs.frozen
class BlockType:
    """One block type; ``outputs`` maps names to types."""

    id: str
    name: str
    description: str
    category: Category = "blocks"
    sub_blocks: tuple[SubBlock, ...] = ()
    outputs: tuple[tuple[str, str], ...] = ()
    tools: tuple[str, ...] = ()
    container: bool = False

    @property
    def is_trigger(self) -> bool:
        """Whether a workflow can begin with it."""
        return self.category == "triggers"


_KEPT = " Kept in graphs, not run by the sandbox."

BLOCK_TYPES: dict[str, BlockType] = {
    each.id: each
    for each in (
        BlockType(
            "start_trigger",
            "Start",
            "Where a workflow begins; declares its input fields.",
            "triggers",
            (SubBlock("inputFormat", "input-format", "Input fields"),),
        ),
        BlockType(
            "function",
            "Function",
            "Runs a Python function registered with the sandbox.",
            sub_blocks=(SubBlock("function", title="Registered name", required=True), SubBlock("code", "code", "Code")),
            outputs=(("result", "json"), ("stdout", "string")),
            tools=("function_execute",),
        ),
        BlockType(
            "agent",
            "Agent",
            f"Asks a language model.{_KEPT}",
            sub_blocks=(
                SubBlock("messages", "messages-input", "Messages"),
                SubBlock("systemPrompt", "long-input", "System prompt"),
                SubBlock("userPrompt", "long-input", "User prompt"),
                SubBlock("model", "combobox", "Model", required=True),
                SubBlock("apiKey", title="API key", password=True),
                SubBlock("tools", "tool-input", "Tools"),
            ),
            outputs=(("content", "string"), ("model", "string"), ("tokens", "json")),
        ),
        BlockType(
            "api",
            "API",
            f"Calls an HTTP endpoint.{_KEPT}",
            sub_blocks=(SubBlock("url", title="URL", required=True), SubBlock("method", "dropdown", "Method")),
            outputs=(("data", "json"), ("status", "number"), ("headers", "json")),
        ),
        BlockType(
            "condition",
            "Condition",
            f"Chooses between branches.{_KEPT}",
            sub_blocks=(SubBlock("conditions", "condition-input", "Conditions", required=True),),
            outputs=(("conditionResult", "boolean"),),
        ),
        BlockType(
            "human_in_the_loop",
            "Human in the Loop",
            f"Waits for somebody's answer.{_KEPT}",
            sub_blocks=(SubBlock("inputFormat", "input-format", "Questions"),),
            outputs=(("submission", "json"),),
        ),
        BlockType(
            "response",
            "Response",
            f"Answers the caller with a status and headers of its own.{_KEPT}",
            sub_blocks=(SubBlock("data", "code", "Data"), SubBlock("status", title="Status")),
            outputs=(("data", "json"), ("status", "number"), ("headers", "json")),
        ),
        BlockType("loop", "Loop", f"Repeats the blocks in it.{_KEPT}", container=True),
        BlockType("parallel", "Parallel", f"Runs the blocks in it side by side.{_KEPT}", container=True),
    )
}
"""By id."""


def is_secret(kind: str, field: str) -> bool:
    """Whether a field of a block type holds a secret, which exported files leave out."""
    known = BLOCK_TYPES.get(kind)
    declared = known is not None and any(each.id == field and each.password for each in known.sub_blocks)
    name = field.lower()
    return declared or any(word in name for word in ("apikey", "password", "secret", "accesstoken", "privatekey"))
