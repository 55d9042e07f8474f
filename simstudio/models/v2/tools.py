"""The tools that blocks use."""

from __future__ import annotations

from typing import Any

import attrs

from simstudio.core.model import Model, model


@model
class ToolOAuth(Model):
    """The account that a tool works with.

    Attributes:
        required: Whether the tool needs an account.
        provider: Service of the account.
        required_scopes: OAuth scopes that the account must have.
    """

    required: bool
    provider: str
    required_scopes: list[str] | None = None


@model
class ToolSummary(Model):
    """A tool in a list.

    Attributes:
        id: Id for ``client.v2.tools.execute``.
        hosted_api_key: Whether Sim provides an API key for the tool: ``none``, ``always`` or ``conditional``.
        oauth: None if the tool uses no account.
    """

    id: str
    name: str
    description: str
    hosted_api_key: str
    version: str | None = None
    oauth: ToolOAuth | None = None


@model
class ToolParameter(Model):
    """A parameter of a tool.

    Attributes:
        type: ``string``, ``number``, ``json`` …
        visibility: Source of the value: ``user-or-llm``, ``user-only``, ``llm-only`` or ``hidden``.
        default: JSON data.
        items_: JSON schema of the items of a list; as an item ``["items"]``.
        schema: JSON schema of the value; None if it has none.
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
    """The items of a list in an output.

    Attributes:
        type: ``string``, ``object`` …
        properties: JSON schemas of an object's keys.
    """

    type: str
    description: str | None = None
    properties: dict[str, Any] | None = None


@model
class OutputFile(Model):
    """The kind of file that an output is.

    Attributes:
        extension: Without the dot.
    """

    mime_type: str | None = None
    extension: str | None = None


@model
class ToolOutput(Model):
    """An output of a tool.

    Attributes:
        type: ``string``, ``object``, ``file`` …
        optional: Whether the output can be missing.
        nullable: Whether the output can be null.
        properties: JSON schemas of an object's keys.
        items_: Items of a list; as an item ``["items"]``.
        file_config: None unless the output is a file.
    """

    type: str
    description: str | None = None
    optional: bool | None = None
    nullable: bool | None = None
    properties: dict[str, Any] | None = None
    items_: OutputItems | None = attrs.field(default=None, metadata={"wire": "items"})
    file_config: OutputFile | None = None


@model
class Tool(ToolSummary):
    """A tool with its parameters and outputs, by name."""

    params: dict[str, ToolParameter] = attrs.field(kw_only=True)
    outputs: dict[str, ToolOutput] = attrs.field(kw_only=True)


@model
class ToolFailure(Model):
    """The reason why a tool failed."""

    message: str


@model
class ToolResult(Model):
    """The result of a tool.

    Attributes:
        status: ``succeeded`` or ``failed``.
        output: JSON data.
        error: None if the tool succeeded.
    """

    tool_id: str
    status: str
    output: Any = None
    error: ToolFailure | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the tool succeeded."""
        return self.status == "succeeded"
