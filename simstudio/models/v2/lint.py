"""The findings in a draft: advice, which prevents nothing."""

from __future__ import annotations

import attrs

from simstudio.core.model import Model, model


@model
class LintBlock(Model):
    """The block that a finding refers to.

    Attributes:
        block_name: None if the block has no name.
        block_type: None if the type is unknown.
    """

    block_id: str
    block_name: str | None = None
    block_type: str | None = None


@model
class EmptyPort(LintBlock):
    """An output port that is not connected.

    Attributes:
        handle: Id of the port.
        label: Name of the port.
    """

    handle: str = attrs.field(kw_only=True)
    label: str = attrs.field(kw_only=True)


@model
class InvalidBranchPort(LintBlock):
    """A connection from a port that the block does not have.

    Attributes:
        source_handle: Id of the port.
        reason: Text of the server.
    """

    source_handle: str = attrs.field(kw_only=True)
    reason: str = attrs.field(kw_only=True)


@model
class InvalidConnectionTarget(Model):
    """A connection to a block that cannot have one.

    Attributes:
        reason: Text of the server.
        source_handle: Port of the source block.
    """

    source_block_id: str
    target_block_id: str
    reason: str
    source_block_name: str | None = None
    source_handle: str | None = None


@model
class InactiveModeValue(Model):
    """A value in the form of a setting (basic or advanced) that is not in use.

    Attributes:
        canonical_id: Key that both forms share.
        inactive_member_id: Field that has the value, which executions ignore.
        kind: ``credential``, ``resource`` or ``other``.
        active_member_id: Field that executions read.
    """

    canonical_id: str
    inactive_member_id: str
    kind: str
    active_member_id: str | None = None


@model
class FieldIssue(LintBlock):
    """Settings of a block that are missing or without effect.

    Attributes:
        missing_required_fields: Keys of settings.
        inactive_mode_values: Values without effect.
    """

    missing_required_fields: list[str] = attrs.field(kw_only=True)
    inactive_mode_values: list[InactiveModeValue] = attrs.field(kw_only=True)


@model
class UnresolvedReference(LintBlock):
    """A setting that references something that does not exist.

    Attributes:
        field: Key of the setting.
        value: Reference, or several.
        kind: ``custom-tool``, ``credential``, ``resource``, ``mcp-tool``, ``skill`` or ``block-output``.
        reason: Text of the server.
    """

    field: str = attrs.field(kw_only=True)
    value: str | list[str] = attrs.field(kw_only=True)
    kind: str = attrs.field(kw_only=True)
    reason: str = attrs.field(kw_only=True)


@model
class TableFieldIssue(LintBlock):
    """A setting that does not suit its table.

    Attributes:
        field: Key of the setting.
    """

    field: str = attrs.field(kw_only=True)
    table_name: str = attrs.field(kw_only=True)


@model
class Lint(Model):
    """The findings in a draft.

    Attributes:
        sources: Blocks without incoming connection.
        sinks: Blocks without outgoing connection.
        orphan_blocks: Blocks without any connection.
        empty_outgoing_ports: Output ports that are not connected.
        invalid_branch_ports: Connections from ports that do not exist.
        invalid_connection_targets: Connections to blocks that cannot have one.
        field_issues: Settings that are missing or without effect.
        unresolved_references: Settings that reference something that does not exist.
        notes: Texts of the server.
        table_field_issues: Settings that do not suit their table; None on servers that do not check them.
    """

    sources: list[LintBlock]
    sinks: list[LintBlock]
    orphan_blocks: list[LintBlock]
    empty_outgoing_ports: list[EmptyPort]
    invalid_branch_ports: list[InvalidBranchPort]
    invalid_connection_targets: list[InvalidConnectionTarget]
    field_issues: list[FieldIssue]
    unresolved_references: list[UnresolvedReference]
    notes: list[str]
    table_field_issues: list[TableFieldIssue] | None = None
