"""Connectors of knowledge bases: each copies the texts that a registered Python function returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import attrs

from simstudio.sandbox.data.knowledge import Copy
from simstudio.sandbox.http import Refusal
from simstudio.sandbox.request_log import log_failure
from simstudio.sandbox.seeding import new_uuid
from simstudio.sandbox.times import iso, iso_or_none

if TYPE_CHECKING:
    from simstudio.sandbox.data.knowledge import Document, KnowledgeBase

Source: TypeAlias = Callable[[dict[str, Any]], Mapping[str, str]]
"""A function that takes ``sourceConfig`` and returns texts by file name."""

_MINUTE = 60
_LOGS_SHOWN = 10
_COUNTS = ("docsAdded", "docsUpdated", "docsDeleted", "docsUnchanged", "docsSkipped", "docsFailed")


@attrs.define
class Sync:
    """One sync of a connector. Times are epoch seconds.

    Attributes:
        counts: Numbers of documents under the names of the API.
    """

    id: str
    began: float
    ended: float | None = None
    error: str | None = None
    counts: dict[str, int] = attrs.field(
        factory=lambda: dict.fromkeys(
            ("docsAdded", "docsUpdated", "docsDeleted", "docsUnchanged", "docsSkipped", "docsFailed"), 0
        )
    )

    def to_dict(self, connector_id: str) -> dict[str, object]:
        """The sync as the API shows it."""
        status = "started" if self.ended is None else "completed" if self.error is None else "failed"
        return {
            "id": self.id,
            "connectorId": connector_id,
            "status": status,
            "startedAt": iso(self.began),
            "completedAt": iso_or_none(self.ended),
            **self.counts,
            "errorMessage": self.error,
        }


@attrs.define
class Connector:
    """A connector. Times are epoch seconds.

    A sync runs while the connector is read: the first request after `requested` was set starts it, the next ends it.

    Attributes:
        credential_id: Id that the request gave; the sandbox has no credentials and does not look at it.
        interval: Minutes between syncs, which never come by themselves.
        syncs: Syncs that have begun, newest first.
        requested: Whether a sync was requested that has not begun.
    """

    id: str
    type: str
    source: Source
    config: dict[str, Any]
    credential_id: str | None
    interval: int
    created: float
    updated: float
    status: Literal["active", "syncing", "paused", "error"] = "active"
    syncs: list[Sync] = attrs.field(factory=list)
    requested: bool = True

    def step(self, base: KnowledgeBase, now: float) -> None:
        """Begin a sync that was requested, or end the one that runs."""
        if self.status == "syncing":
            self._end(base, now)
        elif self.requested:
            self.requested, self.status, self.updated = False, "syncing", now
            self.syncs.insert(0, Sync(str(new_uuid()), now))

    def _end(self, base: KnowledgeBase, now: float) -> None:
        sync = self.syncs[0]
        sync.ended = self.updated = now
        try:
            texts = self.source(dict(self.config))
        except Exception as error:  # noqa: BLE001 - any error of a user's function
            log_failure(f"connector {self.type}", error)
            self.status, sync.error = "error", str(error)
            return
        self.status = "active"
        old = {name: document for document, name in self.copies(base)}
        for name, text in texts.items():
            known, content = old.pop(name, None), text.encode()
            if known is not None and (known.excluded or known.content == content):
                sync.counts["docsSkipped" if known.excluded else "docsUnchanged"] += 1
                continue
            sync.counts["docsAdded" if known is None else "docsUpdated"] += 1
            document = base.add(name, "text/plain", content, now, None if known is None else known.id)
            document.copy = Copy(self.id, self.type, name)
            document.process(base.chunking, now)
        for gone in old.values():
            sync.counts["docsDeleted"] += 1
            del base.documents[gone.id]

    def copies(self, base: KnowledgeBase) -> list[tuple[Document, str]]:
        """The documents that it copied, excluded ones too, each with its name at the source."""
        documents = base.documents.values()
        return [(each, each.copy.name) for each in documents if each.copy and each.copy.connector_id == self.id]

    def to_dict(self, base: KnowledgeBase) -> dict[str, object]:
        """The connector as lists show it."""
        done = [sync for sync in self.syncs if sync.ended is not None]
        last = done[0] if done else None
        since = self.created if last is None or last.ended is None else last.ended
        failures = next((number for number, sync in enumerate(done) if sync.error is None), len(done))
        return {
            "id": self.id,
            "knowledgeBaseId": base.id,
            "connectorType": self.type,
            "credentialId": self.credential_id,
            "sourceConfig": self.config,
            "syncMode": "full",
            "syncIntervalMinutes": self.interval,
            "status": self.status,
            "lastSyncAt": None if last is None else iso_or_none(last.ended),
            "lastSyncError": None if last is None else last.error,
            "lastSyncDocCount": None if last is None else sum(not each.excluded for each, _ in self.copies(base)),
            "nextSyncAt": iso(since + self.interval * _MINUTE) if self.interval else None,
            "consecutiveFailures": failures,
            "createdAt": iso(self.created),
            "updatedAt": iso(self.updated),
        }

    def logs(self) -> list[dict[str, object]]:
        """The last syncs as the API shows them, newest first."""
        return [sync.to_dict(self.id) for sync in self.syncs[:_LOGS_SHOWN]]


class Connectors:
    """The connectors of all knowledge bases.

    Attributes:
        sources: Registered functions by type.
    """

    def __init__(self) -> None:
        self.sources: dict[str, Source] = {}
        self._connectors: dict[tuple[str, str], Connector] = {}

    def use_sources(self, sources: Mapping[str, Source]) -> None:
        """Replace the functions, those of existing connectors included."""
        self.sources.clear()
        self.sources.update(sources)
        for connector in self._connectors.values():
            connector.source = sources.get(connector.type, connector.source)

    def of(self, base: KnowledgeBase) -> list[Connector]:
        """The connectors of a knowledge base, oldest first."""
        return [connector for (base_id, _), connector in self._connectors.items() if base_id == base.id]

    def get(self, base: KnowledgeBase, connector_id: str) -> Connector:
        """Return one connector of a knowledge base.

        Raises:
            Refusal: 404.
        """
        connector = self._connectors.get((base.id, connector_id))
        if connector is None:
            raise Refusal(404, "Connector not found")
        return connector

    def create(self, base: KnowledgeBase, body: Mapping[str, Any], now: float) -> Connector:
        """Add a connector, after its source has accepted the configuration.

        Raises:
            Refusal: 400, there is no such type, or its function raised an error.
        """
        kind, config = body["connectorType"], dict(body["sourceConfig"])
        source = self.sources.get(kind)
        if source is None:
            raise Refusal(400, f"Unknown connector type: {kind}")
        try:
            source(dict(config))
        except Exception as error:
            log_failure(f"connector {kind}", error)
            raise Refusal(400, str(error)) from error
        interval = body["syncIntervalMinutes"]
        made = Connector(str(new_uuid()), kind, source, config, body.get("credentialId"), interval, now, now)
        self._connectors[base.id, made.id] = made
        return made

    def delete(self, base: KnowledgeBase, connector: Connector, *, delete_documents: bool) -> tuple[int, int]:
        """Delete a connector, and its documents if wanted; return the numbers of deleted and of kept documents.

        Documents that a user excluded go with the connector.
        """
        del self._connectors[base.id, connector.id]
        live = 0
        for document, _ in connector.copies(base):
            live += not document.excluded
            if delete_documents or document.excluded:
                del base.documents[document.id]
            document.copy = None
        return (live, 0) if delete_documents else (0, live)
