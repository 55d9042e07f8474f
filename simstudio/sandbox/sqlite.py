"""State in an SQLite file, so that everything a sandbox holds survives a restart.

One file belongs to one running sandbox of each service (`state_lock`): executions that are running at its start are
interrupted. Records are JSON documents; one that was written before a field existed is read with the field's default.
"""

from __future__ import annotations

import json
import sqlite3
from os import PathLike, fspath
from typing import Any

import attrs

from simstudio.core.disk import make_private
from simstudio.core.transactions import transaction
from simstudio.sandbox.outputs import BlockOutput
from simstudio.sandbox.pauses import PausePoint
from simstudio.sandbox.records import ExecutionRecord, JobRecord
from simstudio.sandbox.runfiles import RunFile
from simstudio.sandbox.snapshot import Captured

_VERSION = 4
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
_OWNED = """
ALTER TABLE records ADD COLUMN owner TEXT NOT NULL DEFAULT '';
UPDATE records SET owner = json_extract(document, '$.execution_id') WHERE kind = 'job';
UPDATE records SET owner = json_extract(document, '$.workflow_id') WHERE kind = 'execution';
CREATE INDEX owned ON records (kind, owner, began);
"""
"""The second version: a job belongs to its execution, an execution to its workflow, a file to its run."""

_DATA = """
CREATE TABLE data (document TEXT NOT NULL);
CREATE TABLE contents (digest TEXT PRIMARY KEY, content BLOB NOT NULL) WITHOUT ROWID;
"""
"""The third version: everything besides runs, as one document, and the large contents that it names."""

_SERVICES = """
ALTER TABLE data RENAME TO data_of_sim;
CREATE TABLE data (service TEXT PRIMARY KEY, document TEXT NOT NULL);
INSERT INTO data SELECT 'sim', document FROM data_of_sim;
DROP TABLE data_of_sim;
ALTER TABLE contents RENAME TO contents_of_sim;
CREATE TABLE contents (service TEXT, digest TEXT, content BLOB NOT NULL, PRIMARY KEY (service, digest)) WITHOUT ROWID;
INSERT INTO contents SELECT 'sim', digest, content FROM contents_of_sim;
DROP TABLE contents_of_sim;
"""
"""The fourth version: the same of several services."""

_CHANGES = ((1, _SCHEMA), (2, _OWNED), (3, _DATA), (4, _SERVICES))
_TABLES = ("records", "data", "contents")
_SAVE = "INSERT OR REPLACE INTO records (kind, id, owner, began, ended, document) VALUES (?, ?, ?, ?, ?, ?)"
_JOB, _EXECUTION, _FILE = "job", "execution", "file"


class SQLiteStore:
    """A `Store` in a file, written ahead (WAL) and committed record by record.

    Args:
        path: the file, created if it is missing; its folder must exist. Several services may share it.
        service: name of the service whose data besides runs it reads and writes. Only Sim's has runs.
    """

    def __init__(self, path: str | PathLike[str], service: str = "sim") -> None:
        self.path = fspath(path)
        self.service = service
        self._connection: sqlite3.Connection | None = None

    def open(self) -> None:
        """Open or make the file."""
        if self._connection is not None:
            return
        make_private(self.path)
        # Opened by the thread that starts the server, then used by the thread of the server only.
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        try:
            _bring_up_to_date(connection)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
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
        owner = job.execution_id if job.resumes is None else ""
        self._save(_JOB, job.id, owner, job.created, job.ended, job)

    def job(self, job_id: str) -> JobRecord | None:
        """One job."""
        document = self._document(_JOB, job_id)
        return None if document is None else JobRecord(**document)

    def job_of(self, execution_id: str) -> JobRecord | None:
        """The job that begins, or began, an execution."""
        jobs = [JobRecord(**document) for document in self._load_owned(_JOB, execution_id)]
        return jobs[0] if jobs else None

    def unfinished_jobs(self) -> list[JobRecord]:
        """Jobs that are not done, oldest first."""
        return [JobRecord(**document) for document in self._load_unfinished(_JOB)]

    def save_execution(self, execution: ExecutionRecord) -> None:
        """Keep an execution."""
        owner = execution.workflow_id
        self._save(_EXECUTION, execution.id, owner, execution.started, execution.ended, execution)

    def execution(self, execution_id: str) -> ExecutionRecord | None:
        """One execution."""
        document = self._document(_EXECUTION, execution_id)
        return None if document is None else _execution(document)

    def executions(self, workflow_id: str | None = None) -> list[ExecutionRecord]:
        """All executions, or those of one workflow, oldest first; without those that continue another."""
        if workflow_id is None:
            rows = self._db.execute("SELECT document FROM records WHERE kind = ? ORDER BY began, id", (_EXECUTION,))
            documents = [json.loads(row[0]) for row in rows]
        else:
            documents = self._load_owned(_EXECUTION, workflow_id)
        return [each for each in map(_execution, documents) if each.continues is None]

    def unfinished_executions(self) -> list[ExecutionRecord]:
        """Executions that are running or paused."""
        return [_execution(document) for document in self._load_unfinished(_EXECUTION)]

    def save_file(self, file: RunFile) -> None:
        """Keep a file of a run."""
        self._save(_FILE, file.id, file.run_id, file.saved, file.saved, file)

    def files(self, run_id: str) -> list[RunFile]:
        """The files of a run, in the order they were saved."""
        return [RunFile(**document) for document in self._load_owned(_FILE, run_id)]

    def clear(self) -> None:
        """Drop everything of the service."""
        self._db.execute("DELETE FROM records WHERE ? = 'sim'", (self.service,))
        for table in ("data", "contents"):
            self._db.execute(f"DELETE FROM {table} WHERE service = ?", (self.service,))  # noqa: S608 - the names above

    def data(self) -> Captured | None:
        """The data besides runs, as it was saved last."""
        own = (self.service,)
        row = self._db.execute("SELECT document FROM data WHERE service = ?", own).fetchone()
        if row is None:
            return None
        contents = self._db.execute("SELECT digest, content FROM contents WHERE service = ?", own)
        return Captured(row[0], dict(contents))

    def save_data(self, captured: Captured) -> None:
        """Replace the data besides runs; a content that is there already is not written again."""
        db, own = self._db, self.service
        with transaction(db):  # waits for the sandbox of another service that writes
            known = {row[0] for row in db.execute("SELECT digest FROM contents WHERE service = ?", (own,))}
            new = ((own, digest, content) for digest, content in captured.contents.items() if digest not in known)
            db.executemany("INSERT INTO contents VALUES (?, ?, ?)", new)
            gone = ((own, digest) for digest in known - set(captured.contents))
            db.executemany("DELETE FROM contents WHERE service = ? AND digest = ?", gone)
            db.execute("INSERT OR REPLACE INTO data VALUES (?, ?)", (own, captured.document))

    def forget_before(self, moment: float) -> None:
        """Drop runs that ended before a moment, in epoch seconds."""
        self._db.execute("DELETE FROM records WHERE ended < ?", (moment,))

    @property
    def _db(self) -> sqlite3.Connection:
        self.open()
        assert self._connection is not None  # noqa: S101 - open() has just made it
        return self._connection

    def _save(
        self,
        kind: str,
        key: str,
        owner: str,
        began: float,
        ended: float | None,
        record: JobRecord | ExecutionRecord | RunFile,
    ) -> None:
        self._db.execute(_SAVE, (kind, key, owner, began, ended, json.dumps(attrs.asdict(record))))

    def _document(self, kind: str, key: str) -> dict[str, Any] | None:
        rows = self._db.execute("SELECT document FROM records WHERE kind = ? AND id = ?", (kind, key))
        row = rows.fetchone()
        return None if row is None else json.loads(row[0])

    def _load_owned(self, kind: str, owner: str) -> list[dict[str, Any]]:
        query = "SELECT document FROM records WHERE kind = ? AND owner = ? ORDER BY began, id"
        return [json.loads(row[0]) for row in self._db.execute(query, (kind, owner))]

    def _load_unfinished(self, kind: str) -> list[dict[str, Any]]:
        query = "SELECT document FROM records WHERE kind = ? AND ended IS NULL ORDER BY began, id"
        return [json.loads(row[0]) for row in self._db.execute(query, (kind,))]


def _bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Create the tables, or migrate those of an earlier version.

    Raises:
        sqlite3.Error: the file belongs to a later version, or is no SQLite file of a sandbox.
    """
    if _check_version(connection) == _VERSION:
        return
    with transaction(connection):  # waits for the sandbox of another service that begins the same file
        version = _check_version(connection)
        for number, change in _CHANGES:
            if version < number:
                for statement in change.split(";"):
                    connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {_VERSION}")


def _check_version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > _VERSION:
        raise sqlite3.DatabaseError(f"it was made by a later version of simstudio (its version is {version})")
    found = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    )
    if others := [name for (name,) in found if name not in _TABLES]:
        raise sqlite3.DatabaseError(f"it is the database of another program, with the table {others[0]}")
    return version


def _execution(document: dict[str, Any]) -> ExecutionRecord:
    blocks = tuple(BlockOutput(**block) for block in document.pop("blocks"))
    pauses = tuple(PausePoint(**pause) for pause in document.pop("pauses", ()))
    selected = tuple(document.pop("selected", ()))
    steps = tuple(document.pop("steps", ()))
    return ExecutionRecord(**document, blocks=blocks, pauses=pauses, selected=selected, steps=steps)
