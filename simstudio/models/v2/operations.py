"""Results of operations on a draft (``applyWorkflowOperations``)."""

from __future__ import annotations

from typing import Any

from simstudio.core.model import Model, model
from simstudio.models.v2.lint import Lint


@model
class SkippedOperation(Model):
    """An operation that was not carried out, or not yet.

    Attributes:
        type: Reason as a code: ``block_not_found``, ``invalid_edge_target``, ``block_locked`` …
        operation_type: ``add``, ``edit``, ``delete``, ``insert_into_subflow`` or ``extract_from_subflow``.
        block_id: As the operation has it.
        reason: Why, for people.
        details: Besides, as plain JSON data.
    """

    type: str
    operation_type: str
    block_id: str
    reason: str
    details: dict[str, Any] | None = None


@model
class InputValidationError(Model):
    """A setting that an operation gave and the block does not take.

    Attributes:
        block_id: Of the block.
        block_type: What it is.
        field: The setting.
        error: The server's sentence.
    """

    block_id: str
    block_type: str
    field: str
    error: str


@model
class AppliedOperations(Model):
    """What became of operations on a draft.

    Attributes:
        id: Of the workflow.
        warnings: The server's sentences about it.
        needs_redeployment: Whether the draft now differs from the live version.
        applied: How many were carried out.
        skipped: Those that were not.
        deferred: Those put off; no failure.
        input_validation_errors: Settings that were left out.
        minted_block_ids: The ids of new blocks by the ``block_id`` of their operation.
        lint: What may be wrong with the draft; advice only.
        dry_run: Whether nothing was written.
        preview_block_ids: As ``minted_block_ids``, of a dry run.
    """

    id: str
    warnings: list[str]
    needs_redeployment: bool
    applied: int
    skipped: list[SkippedOperation]
    deferred: list[SkippedOperation]
    input_validation_errors: list[InputValidationError]
    minted_block_ids: dict[str, str]
    lint: Lint
    dry_run: bool
    preview_block_ids: dict[str, str] | None = None
