"""No recording is forgotten: each has a place in exactly one table, or is left out for a reason."""

from __future__ import annotations

from collections import Counter

from tests.integration import accounts, escapes, executions, jobs, pauses, streams, v1_data, v1_reading
from tests.integration.executions import Key
from tests.integration.replaying import V04, V06
from tests.recorded import SETS, recordings

LEFT_OUT: dict[Key, str] = {}
"""What no test replays, and why. (``SKIPPED.md`` beside the cassettes lists the recordings that have none.)"""

TABLES: dict[str, set[Key]] = {
    "executed": set(executions.EXECUTED),
    "executed, input wrapped": set(executions.WRAPPED),
    "requested": set(executions.REQUESTED),
    "altered": set(executions.ALTERED),
    "redirected": set(executions.REDIRECTED),
    "streamed": set(streams.STREAMED),
    "streamed, asked for by headers": set(streams.ALTERED),
    "submitted": set(jobs.SUBMITTED),
    "submitted, altered": set(jobs.ALTERED),
    "jobs": set(jobs.ASKED) | {jobs.DELETED_BY_REQUEST},
    "status": set(accounts.STATUSES),
    "usage": set(accounts.USAGES),
    "cancelled": set(accounts.CANCELLED),
    "tables, files and knowledge of v1": set(v1_data.TYPED),
    "workflows, logs and audit logs of v1": set(v1_reading.TYPED),
    "human in the loop": pauses.TYPED,
    "escape hatch": set(escapes.found()),
    "left out": set(LEFT_OUT),
}


def test_every_recording_is_in_exactly_one_table():
    assert SETS == (V06, V04)
    places = Counter(key for table in TABLES.values() for key in table)
    every = {(name, each.number): 1 for name in SETS for each in recordings(name)}

    assert dict(places) == every


def test_the_tables_of_second_looks_name_recordings_of_the_others():
    again = {*executions.REFUSED_BY_CLIENT, *executions.REDIRECTED.values(), *streams.NOT_STREAMED}

    assert again <= {key for table in TABLES.values() for key in table}
