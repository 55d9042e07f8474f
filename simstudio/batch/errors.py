"""The errors of a batch and its ledger."""

from __future__ import annotations

from simstudio.transport.errors import SimStudioError


class LedgerError(SimStudioError):
    """The ledger of a batch cannot be used (damaged, locked, of another workflow, no room), or not in that way."""


class InputChangedError(LedgerError):
    """An input is not the one that the ledger knows under that key."""
