"""What is left to do of an item that an earlier run of the batch knew.

What is finished is not sent again. What was queued is waited for. What may have run is run again only when that runs
nothing twice (it was sent under a claim), or when the caller wants it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from typing import TypeAlias

    from simstudio.batch.options import Options
    from simstudio.batch.records import Entry

Resumption: TypeAlias = Literal["replay", "settle", "repeat", "send", "report"]
"""``replay``: nothing, it is as the ledger says. ``settle``: wait for what is queued. ``repeat``: send it under the
claim that it was sent under. ``send``: send it anew. ``report``: tell that it may have run."""


def resumption(entry: Entry, options: Options, *, claims: str | None) -> Resumption:
    """What is left to do of an item.

    Args:
        entry: What the ledger knows of it.
        options: What the caller wants of items that failed, or may have run.
        claims: The API version whose executions carry a claim now, under which sending one again runs nothing twice;
            None where they carry none. (In another version a run id is the one that the service gave to the run; so it
            may be where the service gave the task an id of its own.)
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
    """Whether an earlier run lost sight of a job that the server has not forgotten."""
    return entry.state == "unknown" and entry.task_id is not None and entry.status != 404
