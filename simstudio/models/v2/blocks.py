"""Block types: what the blocks of workflows can be."""

from __future__ import annotations

from typing import Any, TypeAlias

import attrs

from simstudio.core.model import Model, model
from simstudio.models.v2.tools import Tool, ToolOutput, ToolParameter

# What a condition compares with: one value, or several of which one must be met.
Compared: TypeAlias = bool | str | int | float | list[bool | str | int | float]


@model
class Sunset(Model):
    """The planned removal of a block type.

    Attributes:
        status: ``legacy`` or ``deprecated``.
        replaced_by: Id of the block type that replaces it.
    """

    status: str
    replaced_by: str | None = None


@model
class BlockSummary(Model):
    """A block type in a list.

    Attributes:
        id: The ``type`` of blocks in a workflow.
        description: One line.
        category: ``blocks``, ``tools`` or ``triggers``.
        source: ``builtin`` or ``custom``.
        trigger_allowed: Whether the block type declares that it can be a trigger.
        trigger_capable: Whether a block of this type can start a workflow: by its category, its declaration or its
            fields.
        preview: Whether the block type is not released, and shown to this caller only.
        tags: Search keywords.
        integration_type: Category of the service that it connects to, such as ``communication`` or ``databases``.
        auth_mode: ``oauth``, ``api_key`` or ``bot_token``.
        sunset: Planned removal; None if none is planned.
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
    """The second part of a condition. Both parts must hold.

    Attributes:
        field: Id of the field that is compared.
        value: Value of the field, or a list of possible values.
        not_: Whether the comparison is negated; as an item ``["not"]``.
    """

    field: str
    value: Compared | None = None
    not_: bool | None = None


@model
class When(Model):
    """A condition on the value of another field.

    Attributes:
        field: Id of the field that is compared.
        value: Value of the field, or a list of possible values.
        not_: Whether the comparison is negated; as an item ``["not"]``.
        and_: Second part of the condition; as an item ``["and"]``.
    """

    field: str
    value: Compared
    not_: bool | None = None
    and_: AlsoWhen | None = None


@model
class FieldOption(Model):
    """A choice of a field.

    Attributes:
        id: Value of the field.
        has_icon: Whether the editor shows it with an icon.
        hosted: Whether Sim provides an API key for it.
    """

    id: str
    label: str | None = None
    has_icon: bool | None = None
    hosted: bool | None = None


@model
class Dependencies(Model):
    """The fields that must be filled in first.

    Attributes:
        all: Ids of fields that must all be filled in.
        any: Ids of fields of which one must be filled in.
    """

    all: list[str] | None = None
    any: list[str] | None = None


@model
class InputField(Model):
    """A field of a block type.

    Attributes:
        id: Key of the field in ``subBlocks``.
        type: ``short-input``, ``dropdown`` …
        required_when: Condition under which the field is required.
        placeholder: Text in the empty field.
        mode: ``basic``, ``advanced``, ``both``, ``trigger`` or ``trigger-advanced``.
        hidden: Whether the editor hides the field.
        condition: Condition under which the field exists.
        min: Smallest number.
        max: Largest number.
        step: Step between numbers.
        integer: Whether numbers are whole.
        rows: Height in lines.
        password: Whether the editor masks the value.
        multi_select: Whether several choices are possible.
        language: Language of code.
        generation_type: Kind of content that AI assistance generates for the field.
        service_id: Service of the account that is selected.
        required_scopes: OAuth scopes that the account must have.
        mime_type: Media type of files.
        accepted_types: Accepted types of files.
        multiple: Whether several files are possible.
        max_size: Size of a file at most, in megabytes.
        connection_droppable: Whether the output of another block can be dropped on the field.
        columns: Columns of a table.
        depends_on: Fields that must be filled in first.
        canonical_param_id: Key that two fields share which set the same value: give one of them.
        default_value: JSON data.
        has_computed_default: Whether the value follows from other fields.
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
    """An input of a block type.

    Attributes:
        type: ``string``, ``json`` …
        schema: JSON schema of the value; None if it has none.
    """

    type: str
    description: str | None = None
    schema: Any = None


@model
class OutputDefinition(Model):
    """An output of a block type or a trigger.

    Attributes:
        type: ``string``, ``json`` …
    """

    type: str
    description: str | None = None


@model
class BlockOperation(Model):
    """An operation of a block type.

    Attributes:
        inputs: By name.
        outputs: By name.
        input_schema: Fields of the operation.
    """

    inputs: dict[str, ToolParameter]
    outputs: dict[str, ToolOutput]
    input_schema: list[InputField]
    tool_id: str | None = None
    tool_name: str | None = None
    description: str | None = None


@model
class TriggerOption(Model):
    """A choice of a trigger's setting.

    Attributes:
        id: Value of the setting.
    """

    id: str
    label: str


@model
class TriggerSetting(Model):
    """A setting of a trigger.

    Attributes:
        type: ``string``, ``select`` …
        placeholder: Text in the empty field.
        default: JSON data.
        condition: Condition under which the setting exists.
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
    """A trigger of a block type.

    Attributes:
        outputs: Input of the workflow that the trigger starts, by name.
        config_fields: Settings by name.
    """

    id: str
    outputs: dict[str, OutputDefinition]
    config_fields: dict[str, TriggerSetting]


@model
class Block(BlockSummary):
    """A block type with its fields, inputs, outputs, tools and triggers.

    Attributes:
        operation_input_schema: Fields by the operation that needs them.
        input_definitions: Inputs by name.
        operations: By id.
        outputs: By name.
        best_practices: Advice for workflows.
    """

    input_schema: list[InputField] = attrs.field(kw_only=True)
    operation_input_schema: dict[str, list[InputField]] = attrs.field(kw_only=True)
    input_definitions: dict[str, InputDefinition] = attrs.field(kw_only=True)
    operations: dict[str, BlockOperation] = attrs.field(kw_only=True)
    tools: list[Tool] = attrs.field(kw_only=True)
    triggers: list[BlockTrigger] = attrs.field(kw_only=True)
    outputs: dict[str, OutputDefinition] = attrs.field(kw_only=True)
    best_practices: str | None = None
