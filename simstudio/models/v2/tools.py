"""The tools that blocks use."""

from __future__ import annotations

from typing import Any

import attrs

from simstudio.core.model import Model, model


@model
class ToolOAuth(Model):
    """The account a tool works with.

    Attributes:
        required: Whether it cannot do without one.
        provider: Whose account.
        required_scopes: What it must allow.
    """

    required: bool
    provider: str
    required_scopes: list[str] | None = None


@model
class ToolSummary(Model):
    """A tool, as a list shows it.

    Attributes:
        id: Give it to :meth:`~simstudio.resources.v2.tools.Tools.execute`.
        name: What people call it.
        description: What it does.
        hosted_api_key: Whether Sim has a key of its own for it: ``none``, ``always`` or ``conditional``.
        version: Of the tool.
        oauth: None of tools without an account.
    """

    id: str
    name: str
    description: str
    hosted_api_key: str
    version: str | None = None
    oauth: ToolOAuth | None = None


@model
class ToolParameter(Model):
    """What a tool takes under one name.

    Attributes:
        type: ``string``, ``number``, ``json`` …
        required: Whether it must be given.
        visibility: Who gives it: ``user-only``, ``user-or-llm``, ``hidden`` …
        description: What it is.
        default: Plain JSON data.
        items_: A schema of a list's members; as an item ``["items"]``.
        schema: A schema of the value, where it has one.
    """

    type: str
    required: bool | None = None
    visibility: str | None = None
    description: str | None = None
    default: Any = None
    items_: Any = attrs.field(default=None, metadata={"wire": "items"})
    schema: Any = None


@model
class OutputItems(Model):
    """What the members of a list are.

    Attributes:
        type: ``string``, ``object`` …
        description: What they are.
        properties: Of objects: a schema by name.
    """

    type: str
    description: str | None = None
    properties: dict[str, Any] | None = None


@model
class OutputFile(Model):
    """What kind of file an output is.

    Attributes:
        mime_type: Its MIME type.
        extension: Without the dot.
    """

    mime_type: str | None = None
    extension: str | None = None


@model
class ToolOutput(Model):
    """What a tool gives under one name.

    Attributes:
        type: ``string``, ``object``, ``file`` …
        description: What it is.
        optional: Whether it may be missing.
        nullable: Whether it may be null.
        properties: Of objects: a schema by name.
        items_: Of lists; as an item ``["items"]``.
        file_config: Of files.
    """

    type: str
    description: str | None = None
    optional: bool | None = None
    nullable: bool | None = None
    properties: dict[str, Any] | None = None
    items_: OutputItems | None = attrs.field(default=None, metadata={"wire": "items"})
    file_config: OutputFile | None = None


@model
class Tool(Model):
    """A tool in full.

    Attributes:
        id: Give it to :meth:`~simstudio.resources.v2.tools.Tools.execute`.
        name: What people call it.
        description: What it does.
        hosted_api_key: Whether Sim has a key of its own for it: ``none``, ``always`` or ``conditional``.
        params: What it takes, by name.
        outputs: What it gives, by name.
        version: Of the tool.
        oauth: None of tools without an account.
    """

    id: str
    name: str
    description: str
    hosted_api_key: str
    params: dict[str, ToolParameter]
    outputs: dict[str, ToolOutput]
    version: str | None = None
    oauth: ToolOAuth | None = None


@model
class ToolFailure(Model):
    """Why a tool failed.

    Attributes:
        message: In words.
    """

    message: str


@model
class ToolResult(Model):
    """What running a tool gave.

    Attributes:
        tool_id: Which.
        status: ``succeeded`` or ``failed``.
        output: Plain JSON data.
        error: None where it succeeded.
    """

    tool_id: str
    status: str
    output: Any = None
    error: ToolFailure | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the tool did what it was asked."""
        return self.status == "succeeded"
