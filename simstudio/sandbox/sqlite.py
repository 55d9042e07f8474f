"""State in an SQLite file, so that jobs survive a restart.

One file belongs to one running sandbox: what it finds running at its start is orphaned.
"""

from __future__ import annotations

import json
import sqlite3
from os import PathLike, fspath
from typing import Any

import attrs

from simstudio.sandbox.outputs import BlockOutput
from simstudio.sandbox.records import ExecutionRecord, JobRecord

_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    began REAL NOT NULL,
    ended REAL,
    document TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS unfinished ON records (kind, began) WHERE ended IS NULL;
"""

_SAVE = "INSERT OR REPLACE INTO records (kind, id, began, ended, document) VALUES (?, ?, ?, ?, ?)"
_JOB, _EXECUTION = "job", "execution"


class SQLiteStore:
    """A `Store` in a file, written ahead (WAL) and committed record by record.

    Args:
        path: the file, made when it is missing; its folder must exist.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self._path = fspath(path)
        self._connection: sqlite3.Connection | None = None

    def open(self) -> None:
        """Open or make the file."""
        if self._connection is not None:
            return
        # Opened by the thread that starts the server and used by the server's: never by both at a time.
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.executescript(_SCHEMA)
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def save_job(self, job: JobRecord) -> None:
        """Keep a job."""
        self._save(_JOB, job.id, job.created, job.ended, job)

    def job(self, job_id: str) -> JobRecord | None:
        """One job."""
        document = self._document(_JOB, job_id)
        return None if document is None else JobRecord(**document)

    def unfinished_jobs(self) -> list[JobRecord]:
        """Jobs that are not done, oldest first."""
        return [JobRecord(**document) for document in self._unfinished(_JOB)]

    def save_execution(self, execution: ExecutionRecord) -> None:
        """Keep an execution."""
        self._save(_EXECUTION, execution.id, execution.started, execution.ended, execution)

    def execution(self, execution_id: str) -> ExecutionRecord | None:
        """One execution."""
        document = self._document(_EXECUTION, execution_id)
        return None if document is None else _execution(document)

    def unfinished_executions(self) -> list[ExecutionRecord]:
        """Executions that are running."""
        return [_execution(document) for document in self._unfinished(_EXECUTION)]

    def forget_before(self, moment: float) -> None:
        """Drop what ended before a moment (epoch seconds)."""
        self._db.execute("DELETE FROM records WHERE ended < ?", (moment,))

    @property
    def _db(self) -> sqlite3.Connection:
        self.open()
        assert self._connection is not None  # noqa: S101 - open() has just made it
        return self._connection

    def _save(
        self, kind: str, key: str, began: float, ended: float | None, record: JobRecord | ExecutionRecord
    ) -> None:
        self._db.execute(_SAVE, (kind, key, began, ended, json.dumps(attrs.asdict(record))))

    def _document(self, kind: str, key: str) -> dict[str, Any] | None:
        rows = self._db.execute("SELECT document FROM records WHERE kind = ? AND id = ?", (kind, key))
        row = rows.fetchone()
        return None if row is None else json.loads(row[0])

    def _unfinished(self, kind: str) -> list[dict[str, Any]]:
        query = "SELECT document FROM records WHERE kind = ? AND ended IS NULL ORDER BY began, id"
        return [json.loads(row[0]) for row in self._db.execute(query, (kind,))]


def _execution(document: dict[str, Any]) -> ExecutionRecord:
    blocks = tuple(BlockOutput(**block) for block in document.pop("blocks"))
    return ExecutionRecord(**document, blocks=blocks)
