"""The errors of a batch and its ledger."""

from __future__ import annotations

import copyreg
from typing import TYPE_CHECKING, Any

from simstudio.core.functions import with_hints
from simstudio.transport.errors import SimStudioError

if TYPE_CHECKING:
    from simstudio.batch.items import BatchItem
    from simstudio.batch.progress import Progress


class LedgerError(SimStudioError):
    """The ledger of a batch cannot be used: damaged, locked, full disk, or of another workflow, server or release."""


class InputChangedError(LedgerError):
    """The ledger has another input under the key of an input."""


class ResultsError(SimStudioError):
    """The results of a batch cannot be written to their file (no room, no permission, used by another batch)."""


class TooManyFailuresError(SimStudioError):
    """More items of a batch have no result than ``max_failures`` lets pass. Its cause is the last one's error."""


class BudgetError(SimStudioError):
    """The budget of a batch is used up, and not all items were sent; or the service does not say what they cost."""


class BatchInterrupted(KeyboardInterrupt):
    """Ctrl-C during a batch. Running items have ended, or are ``sending`` in the ledger.

    Attributes:
        progress: Progress of the batch.
        items: Items that have ended and were not yielded yet.
    """

    @with_hints
    def __init__(self, progress: Progress, items: list[BatchItem], advice: str = "") -> None:
        super().__init__(f"Interrupted: {progress}.{advice}")
        self.progress = progress
        self.items = items

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy the message as well, because the numbers may have changed since."""
        return copyreg.__newobj__, (type(self), *self.args), vars(self)  # type: ignore[attr-defined]
