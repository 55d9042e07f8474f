"""The errors of a batch and its ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simstudio.transport.errors import SimStudioError

if TYPE_CHECKING:
    from simstudio.batch.items import BatchItem
    from simstudio.batch.progress import Progress


class LedgerError(SimStudioError):
    """The ledger of a batch cannot be used (damaged, locked, of another workflow, no room), or not in that way."""


class InputChangedError(LedgerError):
    """An input is not the one that the ledger knows under that key."""


class ResultsError(SimStudioError):
    """The results of a batch cannot be written to their file (no room, no permission, used by another batch)."""


class TooManyFailuresError(SimStudioError):
    """More items of a batch have no result than ``max_failures`` lets pass. Its cause is the last one's error."""


class BudgetError(SimStudioError):
    """The budget of a batch is used up, and not all items were sent; or the service does not say what they cost."""


class BatchInterrupted(KeyboardInterrupt):
    """Ctrl-C during a batch. What was under way has ended, or is in the ledger as sent.

    Attributes:
        progress: How far the batch was.
        items: Items that ended meanwhile and were not given yet.
    """

    def __init__(self, progress: Progress, items: list[BatchItem], advice: str = "") -> None:
        super().__init__(f"Interrupted: {progress}.{advice}")
        self.progress = progress
        self.items = items
