"""``simstudio logs tail``: new logs, as runs end."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import attrs
import click

from simstudio.cli.connection import Connection, connected
from simstudio.cli.failures import describe
from simstudio.cli.lists import MOST_ON_A_PAGE
from simstudio.cli.options import seconds_option, workflows_option, workspace_option
from simstudio.cli.output import on_terminal, say, write_json
from simstudio.cli.readable import duration
from simstudio.cli.references import find_workflow
from simstudio.cli.tables import show_words
from simstudio.core.model import Model
from simstudio.errors import APIConnectionError, RateLimitError, ServerError

if TYPE_CHECKING:
    from simstudio.client import SimStudioClient

_OVERLAP = timedelta(seconds=60)
"""Logs of one moment may be stored in another order than they began."""
_PATIENCE = timedelta(hours=6)
"""Age at which a run is no longer followed: a run orphaned by a restart of the server never ends."""
_BORNE = 5
_GOING_ON = frozenset({"pending", "running", "redacting"})


@click.command("tail")
@workspace_option
@workflows_option
@click.option("--level", type=click.Choice(["info", "error"]), help="Only logs of this level; error: failed runs.")
@click.option(
    "--lines",
    "-n",
    metavar="NUMBER",
    type=click.IntRange(0, MOST_ON_A_PAGE),
    default=10,
    show_default=True,
    help="Number of earlier logs to begin with.",
)
@seconds_option("--interval", "Seconds between two requests.", default=2.0)
@click.option("--once", is_flag=True, help="Send one request, and end.")
@connected
def tail(
    connection: Connection,
    workspace: str | None,
    workflows: Sequence[str],
    level: str | None,
    *,
    lines: int,
    interval: float,
    once: bool,
) -> None:
    """Show the logs of a workspace as runs end (or pause, in v2), until Ctrl-C. Each is shown once."""
    with connection.client() as client:
        named = [find_workflow(connection, client, each, workspace=workspace) for each in workflows]
        filters: dict[str, Any] = {"workflow_ids": named} if named else {}
        tailing = Tail(client, connection.workspace(workspace), filters, level, lines)
        failures = 0
        while True:
            try:
                for log in tailing.look():
                    _show(connection, log)
                failures = 0
            except (APIConnectionError, RateLimitError, ServerError) as error:
                failures += 1
                if once or failures >= _BORNE or not tailing.begun:
                    raise
                failure = describe(error, connection.invocation)
                reason = failure.line.partition(" (")[0] if failure is not None else ""
                say(f"warning: {reason}; trying again in {interval:g} s")
            if once:
                return
            time.sleep(interval)


@attrs.define
class Tail:
    """Logs that are new since the last request.

    Attributes:
        client: Client of the workspace.
        workspace: Id of the workspace.
        filters: Filters of ``logs.list``, by argument.
        level: Only of this level. Not a filter of the server's: what runs is no error yet, and would not be waited for.
        lines: Number of earlier logs that the first look returns.
        begun: Whether there was a look that succeeded.
    """

    client: SimStudioClient
    workspace: str
    filters: Mapping[str, Any]
    level: str | None = None
    lines: int = 10
    begun: bool = False
    _shown: dict[str, datetime] = attrs.field(factory=dict)
    _since: datetime | None = None

    def look(self) -> Iterator[Mapping[str, Any]]:
        """The logs of the runs that ended since the last look, the oldest first.

        Raises:
            SimStudioError: The request failed.
        """
        found = self._fetch()
        over = [
            (_key(log), begun, log) for begun, log in found if is_over(log) and self.level in (None, log.get("level"))
        ]
        new = [each for each in over if each[0] not in self._shown]
        if not self.begun:
            self._shown.update((name, begun) for name, begun, _ in new)
            new = new[len(new) - self.lines :] if self.lines < len(new) else new
        self._shown.update((name, begun) for name, begun, _ in new)
        self._move(found)
        self.begun = True
        for _, _, log in new:
            yield log

    def _fetch(self) -> list[tuple[datetime, Mapping[str, Any]]]:
        surface = Connection.surface(self.client)
        since = None if self._since is None else self._since.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        window = {} if since is None else {"start_date": since}
        listed = surface.logs.list(self.workspace, limit=MOST_ON_A_PAGE, **self.filters, **window)
        logs = listed if self._since is not None else listed.page().items
        dated = [(_time(log.to_dict()), log.to_dict()) for log in logs if isinstance(log, Model)]
        return sorted(dated, key=lambda each: each[0])

    def _move(self, found: Sequence[tuple[datetime, Mapping[str, Any]]]) -> None:
        """Look from the newest on, and from the oldest that has not ended."""
        if not found:
            return
        newest = found[-1][0]
        open_ = [begun for begun, log in found if may_go_on(log) and newest - begun < _PATIENCE]
        self._since = min([newest, *open_]) - _OVERLAP
        self._shown = {name: begun for name, begun in self._shown.items() if begun >= self._since - _OVERLAP}


def id_of(log: Mapping[str, Any]) -> str:
    """The id of a log; in v2 that of its run."""
    return str(log.get("runId") or log.get("executionId") or log.get("id"))


def is_over(log: Mapping[str, Any]) -> bool:
    """Whether it is to be shown: v1 has no status, but an end."""
    status = log.get("status")
    return str(status) not in _GOING_ON if status is not None else log.get("endedAt") is not None


def may_go_on(log: Mapping[str, Any]) -> bool:
    """Whether a log may still change: a paused run is shown, and again when it ends."""
    return not is_over(log) or log.get("status") == "paused"


def _key(log: Mapping[str, Any]) -> str:
    return f"{id_of(log)} paused" if log.get("status") == "paused" else id_of(log)


def _time(log: Mapping[str, Any]) -> datetime:
    text = str(log.get("startedAt") or "")
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return datetime.min.replace(tzinfo=timezone.utc) + 2 * _OVERLAP
    return found if found.tzinfo is not None else found.replace(tzinfo=timezone.utc)


def _show(connection: Connection, log: Mapping[str, Any]) -> None:
    if connection.as_json or not on_terminal():
        write_json(log)
        return
    status = log.get("status") or log.get("level")
    took = duration(log.get("totalDurationMs"))
    show_words((log.get("startedAt"), status, log.get("workflowId"), log.get("trigger"), took, id_of(log)), status)
