"""Findings of Sim's linter about a draft. They prevent nothing."""

from __future__ import annotations

import attrs

from simstudio.core.model import Model, model


@model
class LintBlock(Model):
    """A block that is spoken of.

    Attributes:
        block_id: Of the block.
        block_name: Its name; None where there is none.
        block_type: What it is; None where that is not known.
    """

    block_id: str
    block_name: str | None = None
    block_type: str | None = None


@model
class EmptyPort(LintBlock):
    """A way out of a block that leads nowhere.

    Attributes:
        handle: The way out.
        label: What it is called.
    """

    handle: str = attrs.field(kw_only=True)
    label: str = attrs.field(kw_only=True)


@model
class InvalidBranchPort(LintBlock):
    """A connection from a way out that the block does not have.

    Attributes:
        source_handle: The way out.
        reason: The server's sentence.
    """

    source_handle: str = attrs.field(kw_only=True)
    reason: str = attrs.field(kw_only=True)


@model
class InvalidConnectionTarget(Model):
    """A connection to where none may go.

    Attributes:
        source_block_id: Where it comes from.
        target_block_id: Where it goes to.
        reason: The server's sentence.
        source_block_name: The name of where it comes from.
        source_handle: The way out.
    """

    source_block_id: str
    target_block_id: str
    reason: str
    source_block_name: str | None = None
    source_handle: str | None = None


@model
class InactiveModeValue(Model):
    """A setting that is set in the form (basic, advanced) that is not in use.

    Attributes:
        canonical_id: The setting's name in both forms.
        inactive_member_id: Where it is set.
        kind: ``credential``, ``resource`` or ``other``.
        active_member_id: Where it would have to be.
    """

    canonical_id: str
    inactive_member_id: str
    kind: str
    active_member_id: str | None = None


@model
class FieldIssue(LintBlock):
    """Settings of a block that are missing or without effect.

    Attributes:
        missing_required_fields: Names of settings.
        inactive_mode_values: Settings without effect.
    """

    missing_required_fields: list[str] = attrs.field(kw_only=True)
    inactive_mode_values: list[InactiveModeValue] = attrs.field(kw_only=True)


@model
class UnresolvedReference(LintBlock):
    """A setting that names something that is not there.

    Attributes:
        field: The setting.
        value: What it names, one or several.
        kind: ``custom-tool``, ``credential``, ``resource``, ``mcp-tool``, ``skill`` or ``block-output``.
        reason: The server's sentence.
    """

    field: str = attrs.field(kw_only=True)
    value: str | list[str] = attrs.field(kw_only=True)
    kind: str = attrs.field(kw_only=True)
    reason: str = attrs.field(kw_only=True)


@model
class TableFieldIssue(LintBlock):
    """A setting that does not suit the table it is for.

    Attributes:
        field: The setting.
        table_name: The table.
    """

    field: str = attrs.field(kw_only=True)
    table_name: str = attrs.field(kw_only=True)


@model
class Lint(Model):
    """What was found in a draft.

    Attributes:
        sources: Blocks that nothing leads to.
        sinks: Blocks that lead nowhere.
        orphan_blocks: Blocks that nothing is connected to.
        empty_outgoing_ports: Ways out that lead nowhere.
        invalid_branch_ports: Connections from ways out that are not there.
        invalid_connection_targets: Connections to where none may go.
        field_issues: Settings that are missing or without effect.
        unresolved_references: Settings that name what is not there.
        table_field_issues: Settings that do not suit their table.
        notes: The server's sentences.
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
