"""The list of paused runs on the unversioned routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simstudio.core.paging import Page, Pages
from simstudio.models.pauses import PausedRun, parse_paused_run
from simstudio.transport.errors import InvalidResponseError

if TYPE_CHECKING:
    from simstudio.core.resource import APIResource
    from simstudio.transport.flow import Flow


class PausedRuns(Pages[PausedRun]):
    """The paused runs of a workflow, in one page. The server requires ``status`` (400 without it)."""

    def __init__(self, dialect: APIResource[Any], path: str, status: str) -> None:
        super().__init__(PausedRun)
        self._dialect = dialect
        self._path = path
        self._status = status

    def fetch(self, cursor: str | None) -> Flow[Page[PausedRun]]:
        """The flow of the only page."""
        del cursor
        response = yield from self._dialect._get(self._path, params={"status": self._status})
        data = response.json()
        runs = data.get("pausedExecutions") if isinstance(data, dict) else None
        if not isinstance(runs, list):
            raise InvalidResponseError(
                f"{response.method} {response.path} answered without 'pausedExecutions'.",
                status=response.status,
                response=response,
            )
        return Page([parse_paused_run(run) if isinstance(run, dict) else run for run in runs])
