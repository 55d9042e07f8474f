"""Custom tools: functions of a workspace that agents call."""

from __future__ import annotations

from typing import Any

from simstudio.core.model import Model, model


@model
class ToolParameters(Model):
    """The parameters of a custom tool, as a JSON schema.

    Attributes:
        type: ``object``.
        properties: JSON schemas by name.
        required: Names of required parameters.
    """

    type: str
    properties: dict[str, Any]
    required: list[str] | None = None


@model
class ToolFunction(Model):
    """The function that a model sees: name, purpose and parameters.

    Attributes:
        description: Text for models: purpose of the function, and when to call it.
    """

    name: str
    parameters: ToolParameters
    description: str | None = None


@model
class ToolSchema(Model):
    """A tool in the form that language models are given; other keys are kept.

    Attributes:
        type: ``function``.
    """

    type: str
    function: ToolFunction


@model
class CustomTool(Model):
    """A custom tool.

    Attributes:
        code: JavaScript that the tool runs; may be empty.
        created_at: ISO 8601.
        updated_at: ISO 8601.
    """

    id: str
    title: str
    schema: ToolSchema
    code: str
    created_at: str
    updated_at: str
