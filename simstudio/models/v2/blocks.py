"""The kinds of block that workflows are made of."""

from __future__ import annotations

from typing import Any, TypeAlias

from simstudio.core.model import Model, model
from simstudio.models.v2.tools import Tool, ToolOutput, ToolParameter

# What a condition compares with: one value, or several of which one must be met.
Compared: TypeAlias = bool | str | int | float | list[bool | str | int | float]


@model
class Sunset(Model):
    """That a kind of block will go.

    Attributes:
        status: ``legacy`` or ``deprecated``.
        replaced_by: The id of its successor.
    """

    status: str
    replaced_by: str | None = None


@model
class BlockSummary(Model):
    """A kind of block, as a list shows it.

    Attributes:
        id: What a block's ``type`` says.
        name: What people call it.
        description: What it does, in a line.
        category: ``blocks``, ``tools`` or ``triggers``.
        source: ``builtin`` or ``custom``.
        trigger_allowed: Whether it may start a workflow.
        trigger_capable: Whether it can.
        trigger_ids: Its triggers.
        tool_ids: Its tools.
        operation_ids: What it can do.
        preview: Whether it may still change.
        tags: Words for it.
        long_description: What it does, at length.
        integration_type: What kind of service it speaks to.
        auth_mode: How it signs in there.
        sunset: None of those that stay.
        docs_link: Where more is said.
    """

    id: str
    name: str
    description: str
    category: str
    source: str
    trigger_allowed: bool
    trigger_capable: bool
    trigger_ids: list[str]
    tool_ids: list[str]
    operation_ids: list[str]
    preview: bool
    tags: list[str]
    long_description: str | None = None
    integration_type: str | None = None
    auth_mode: str | None = None
    sunset: Sunset | None = None
    docs_link: str | None = None


@model
class AlsoWhen(Model):
    """The second half of a condition.

    Attributes:
        field: Whose value is looked at.
        value: What it must be.
        not_: Whether it must not be that; as an item ``["not"]``.
    """

    field: str
    value: Compared | None = None
    not_: bool | None = None


@model
class When(Model):
    """When something applies.

    Attributes:
        field: Whose value is looked at.
        value: What it must be, or which of these.
        not_: Whether it must not be that; as an item ``["not"]``.
        and_: What must hold besides; as an item ``["and"]``.
    """

    field: str
    value: Compared
    not_: bool | None = None
    and_: AlsoWhen | None = None


@model
class FieldOption(Model):
    """One choice of a field.

    Attributes:
        id: The value.
        label: What people see.
        has_icon: Whether it is shown with one.
        hosted: Whether Sim has a key of its own for it.
    """

    id: str
    label: str | None = None
    has_icon: bool | None = None
    hosted: bool | None = None


@model
class Dependencies(Model):
    """Fields that must be filled in first.

    Attributes:
        all: Every one.
        any: One.
    """

    all: list[str] | None = None
    any: list[str] | None = None


@model
class InputField(Model):
    """One field of a block.

    Attributes:
        id: Its name in ``subBlocks``.
        type: ``short-input``, ``dropdown`` …
        title: What people see.
        required: Whether it must be filled in.
        required_when: When it must.
        description: What it is.
        placeholder: What is shown while it is empty.
        mode: ``basic``, ``advanced`` …
        hidden: Whether people see it.
        condition: When there is such a field.
        options: What may be chosen.
        min: The least number.
        max: The greatest.
        step: Between numbers.
        integer: Whether numbers are whole.
        rows: How high it is, in lines.
        password: Whether it is kept from view.
        multi_select: Whether several may be chosen.
        language: Of code.
        generation_type: What may be written for it.
        service_id: Whose account it is.
        required_scopes: What the account must allow.
        mime_type: Of files.
        accepted_types: Of files.
        multiple: Whether several files may be given.
        max_size: Of files, in megabytes.
        connection_droppable: Whether a connection may be dropped on it.
        columns: Of tables.
        depends_on: What must be filled in first.
        canonical_param_id: The parameter it stands for.
        default_value: Plain JSON data.
        has_computed_default: Whether the server works one out.
    """

    id: str
    type: str
    title: str | None = None
    required: bool | None = None
    required_when: When | None = None
    description: str | None = None
    placeholder: str | None = None
    mode: str | None = None
    hidden: bool | None = None
    condition: When | None = None
    options: list[FieldOption] | None = None
    min: float | None = None
    max: float | None = None
    step: float | None = None
    integer: bool | None = None
    rows: int | None = None
    password: bool | None = None
    multi_select: bool | None = None
    language: str | None = None
    generation_type: str | None = None
    service_id: str | None = None
    required_scopes: list[str] | None = None
    mime_type: str | None = None
    accepted_types: str | None = None
    multiple: bool | None = None
    max_size: float | None = None
    connection_droppable: bool | None = None
    columns: list[str] | None = None
    depends_on: list[str] | Dependencies | None = None
    canonical_param_id: str | None = None
    default_value: bool | str | int | float | dict[str, Any] | list[Any] | None = None
    has_computed_default: bool | None = None


@model
class InputDefinition(Model):
    """What a block takes under one name.

    Attributes:
        type: ``string``, ``json`` …
        description: What it is.
        schema: Of the value, where it has one.
    """

    type: str
    description: str | None = None
    schema: Any = None


@model
class OutputDefinition(Model):
    """What a block or a trigger gives under one name.

    Attributes:
        type: ``string``, ``json`` …
        description: What it is.
    """

    type: str
    description: str | None = None


@model
class BlockOperation(Model):
    """One thing that a block can do.

    Attributes:
        inputs: What it takes, by name.
        outputs: What it gives, by name.
        input_schema: The fields to fill in.
        tool_id: The tool behind it.
        tool_name: What people call that.
        description: What it does.
    """

    inputs: dict[str, ToolParameter]
    outputs: dict[str, ToolOutput]
    input_schema: list[InputField]
    tool_id: str | None = None
    tool_name: str | None = None
    description: str | None = None


@model
class TriggerOption(Model):
    """One choice of a trigger's setting.

    Attributes:
        id: The value.
        label: What people see.
    """

    id: str
    label: str


@model
class TriggerSetting(Model):
    """One setting of a trigger.

    Attributes:
        type: ``string``, ``select`` …
        required: Whether it must be filled in.
        title: What people see.
        description: What it is.
        placeholder: What is shown while it is empty.
        default: Plain JSON data.
        options: What may be chosen.
        condition: When there is such a setting.
    """

    type: str
    required: bool
    title: str | None = None
    description: str | None = None
    placeholder: str | None = None
    default: Any = None
    options: list[TriggerOption] | None = None
    condition: When | None = None


@model
class BlockTrigger(Model):
    """One way a block starts a workflow.

    Attributes:
        id: Which.
        outputs: What the workflow gets, by name.
        config_fields: Its settings, by name.
    """

    id: str
    outputs: dict[str, OutputDefinition]
    config_fields: dict[str, TriggerSetting]


@model
class Block(Model):
    """A kind of block in full.

    Attributes:
        id: What a block's ``type`` says.
        name: What people call it.
        description: What it does, in a line.
        category: ``blocks``, ``tools`` or ``triggers``.
        source: ``builtin`` or ``custom``.
        trigger_allowed: Whether it may start a workflow.
        trigger_capable: Whether it can.
        trigger_ids: Its triggers.
        tool_ids: Its tools.
        operation_ids: What it can do.
        preview: Whether it may still change.
        tags: Words for it.
        input_schema: Its fields.
        operation_input_schema: Its fields, by operation.
        input_definitions: What it takes, by name.
        operations: What it can do, by id.
        tools: Those behind it, in full.
        triggers: The ways it starts a workflow.
        outputs: What it gives, by name.
        long_description: What it does, at length.
        integration_type: What kind of service it speaks to.
        auth_mode: How it signs in there.
        sunset: None of those that stay.
        docs_link: Where more is said.
        best_practices: Advice.
    """

    id: str
    name: str
    description: str
    category: str
    source: str
    trigger_allowed: bool
    trigger_capable: bool
    trigger_ids: list[str]
    tool_ids: list[str]
    operation_ids: list[str]
    preview: bool
    tags: list[str]
    input_schema: list[InputField]
    operation_input_schema: dict[str, list[InputField]]
    input_definitions: dict[str, InputDefinition]
    operations: dict[str, BlockOperation]
    tools: list[Tool]
    triggers: list[BlockTrigger]
    outputs: dict[str, OutputDefinition]
    long_description: str | None = None
    integration_type: str | None = None
    auth_mode: str | None = None
    sunset: Sunset | None = None
    docs_link: str | None = None
    best_practices: str | None = None
