"""``SyncHandle``: a connector that syncs."""

from __future__ import annotations

from typing import Any

from simstudio.core.modes import M
from simstudio.models.v2.connectors import ConnectorDetails, SyncLog
from simstudio.resources.v2.handles import StateHandle


class SyncHandle(StateHandle[M, ConnectorDetails]):
    """A connector that syncs; it is done when each sync since the handle was made has ended.

    ``wait()`` and ``result()`` raise a :class:`~simstudio.JobFailedError` if the last one failed.

    Attributes:
        before: Ids of syncs that had begun before.
    """

    _into = ConnectorDetails
    _noun = "sync of the connector"

    before: frozenset[str] = frozenset()

    def _syncs_of(self, state: ConnectorDetails) -> list[SyncLog]:
        return [each for each in state.sync_logs if each.id not in self.before]

    def _is_done(self, state: ConnectorDetails) -> bool:
        syncs = self._syncs_of(state)
        return bool(syncs) and state.status != "syncing" and all(each.status != "started" for each in syncs)

    def _reason_of(self, state: ConnectorDetails) -> str | None:
        last = next(iter(self._syncs_of(state)), None)
        if last is None or (last.error_message is None and last.status not in ("failed", "error")):
            return None
        return last.error_message or state.last_sync_error or "no reason given"

    def __reduce__(self) -> tuple[Any, ...]:
        return *super().__reduce__(), {"before": self.before}
