"""Resumption: what is left to do with an item of an earlier run.

A finished item is not sent again. A queued one is waited for. An item that may have run is run again only if that runs
nothing twice, because it was sent under a claim, or if the caller asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from simstudio.batch.options import Options
from simstudio.batch.records import Entry

if TYPE_CHECKING:
    from typing import TypeAlias


Resumption: TypeAlias = Literal["replay", "settle", "repeat", "send", "report"]
"""``replay``: deliver the item as the ledger has it. ``settle``: wait for the queued execution. ``repeat``: send it
under the same claim. ``send``: send it anew. ``report``: deliver it as unknown."""


def resumption(entry: Entry, options: Options, *, claims: str | None) -> Resumption:
    """The resumption of an item.

    Args:
        entry: Entry of the item in the ledger.
        options: Options for items that failed or may have run.
        claims: API version whose executions carry claims now, so that sending one again runs nothing twice; None if
            there are no claims. The run id of an entry is a claim only in this version, and only if the task has no
            other id: else the service chose it.
    """
    if entry.state == "done":
        return "replay"
    if entry.state == "failed":
        return "replay" if options.given["on_failed"] == "keep" else "send"
    if entry.state == "submitted" or _still_queued(entry):
        return "settle"
    if entry.run_id is not None and entry.api_version == claims and entry.task_id in (None, entry.run_id):
        return "repeat"
    if options.given["on_unknown"] == "rerun":
        return "send"
    return "report" if entry.state == "sending" else "replay"


def _still_queued(entry: Entry) -> bool:
    """Whether the outcome of a queued job is not known, and the server may still have the job."""
    return entry.state == "unknown" and entry.task_id is not None and entry.status != 404
