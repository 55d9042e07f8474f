"""The results of operations on a draft."""

from __future__ import annotations

from typing import Any

from simstudio.core.model import Model, model
from simstudio.models.v2.lint import Lint


@model
class SkippedOperation(Model):
    """An operation that was not applied, or not yet.

    Attributes:
        type: ``block_not_found``, ``invalid_edge_target``, ``block_locked`` …
        operation_type: ``add``, ``edit``, ``delete``, ``insert_into_subflow`` or ``extract_from_subflow``.
        block_id: The id in the operation.
        reason: Text of the server.
        details: JSON data.
    """

    type: str
    operation_type: str
    block_id: str
    reason: str
    details: dict[str, Any] | None = None


@model
class InputValidationError(Model):
    """A setting in an operation that the block type does not accept.

    Attributes:
        field: Key of the setting.
        error: Text of the server.
    """

    block_id: str
    block_type: str
    field: str
    error: str


@model
class AppliedOperations(Model):
    """The result of operations on a draft.

    Attributes:
        id: Id of the workflow.
        warnings: Texts of the server.
        needs_redeployment: Whether the draft now differs from the live version.
        applied: Number of operations that were applied.
        skipped: Operations that were refused.
        deferred: Connections to blocks that do not exist yet. They are no failures: each is made when its block exists.
        input_validation_errors: Settings that were left out.
        minted_block_ids: Ids of new blocks by the ``block_id`` in their operation.
        lint: Findings in the draft.
        dry_run: Whether nothing was saved.
        preview_block_ids: The same as ``minted_block_ids``, of a dry run.
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
