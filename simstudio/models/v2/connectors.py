"""Connectors, which copy documents from other services into knowledge bases, and the types that there are."""

from __future__ import annotations

from typing import Any

import attrs

from simstudio.core.model import Model, model


@model
class ConnectorAuth(Model):
    """The authentication of a type of connector.

    Attributes:
        mode: ``oauth`` (a credential: ``provider``, ``required_scopes``) or ``apiKey`` (``label``, ``placeholder``,
            ``optional``).
        optional: Whether it works without an API key.
    """

    mode: str
    provider: str | None = None
    required_scopes: list[str] | None = None
    label: str | None = None
    placeholder: str | None = None
    optional: bool | None = None


@model
class ConnectorOption(Model):
    """A value of a field with fixed choices."""

    id: str
    label: str


@model
class ConnectorDependencies(Model):
    """The fields that a field depends on: all of some, and any one of others."""

    all: list[str] | None = None
    any: list[str] | None = None


@model
class ConnectorField(Model):
    """A field of ``source_config``.

    Attributes:
        id: Key in ``source_config``.
        title: Label in Sim's editor.
        type: ``short-input``, ``dropdown`` or ``selector``.
        options: Choices of a ``dropdown``.
        selector_key: Selector that lists the choices.
        mime_type: Media type of the files that can be chosen.
        depends_on: Ids of fields that must be filled in before.
        mode: ``basic`` or ``advanced``: which of two fields with one ``canonical_param_id`` this is.
        multi: Whether several values are allowed.
    """

    id: str
    title: str
    type: str
    placeholder: str | None = None
    required: bool | None = None
    description: str | None = None
    options: list[ConnectorOption] | None = None
    selector_key: str | None = None
    mime_type: str | None = None
    depends_on: list[str] | ConnectorDependencies | None = None
    mode: str | None = None
    canonical_param_id: str | None = None
    multi: bool | None = None


@model
class ConnectorTag(Model):
    """A tag that a type of connector can fill.

    Attributes:
        id: Key in ``source_config["tagSlotMapping"]``.
        field_type: ``text``, ``number``, ``date`` or ``boolean``.
    """

    id: str
    display_name: str
    field_type: str


@model
class ConnectorType(Model):
    """A type of connector.

    Attributes:
        connector_type: Value of ``connector_type`` for ``connectors.create``.
        supports_incremental_sync: Whether a sync fetches only what changed.
    """

    connector_type: str
    name: str
    description: str
    version: str
    auth: ConnectorAuth
    config_fields: list[ConnectorField]
    supports_incremental_sync: bool
    tag_definitions: list[ConnectorTag]


@model
class Connector(Model):
    """A connector of a knowledge base.

    Attributes:
        source_config: Selection and filters at the source, as JSON data; Sim adds ``tagSlotMapping``.
        sync_interval_minutes: 0 without a schedule.
        status: ``pending``, ``active``, ``syncing``, ``paused``, ``disabled`` or ``error``.
        consecutive_failures: Failed syncs since the last good one.
        created_at: ISO 8601.
        updated_at: ISO 8601.
        credential_id: None if the connector has an API key, or needs none.
        last_sync_at: ISO 8601.
        last_sync_error: Reason why the last sync failed.
        last_sync_doc_count: Documents that the last sync found.
        next_sync_at: ISO 8601; None if no sync is scheduled.
    """

    id: str
    knowledge_base_id: str
    connector_type: str
    source_config: dict[str, Any]
    sync_mode: str
    sync_interval_minutes: int
    status: str
    consecutive_failures: int
    created_at: str
    updated_at: str
    credential_id: str | None = None
    last_sync_at: str | None = None
    last_sync_error: str | None = None
    last_sync_doc_count: int | None = None
    next_sync_at: str | None = None


@model
class SyncLog(Model):
    """One sync of a connector, with the numbers of documents.

    Attributes:
        status: ``started``, ``completed``, ``failed`` …
        started_at: ISO 8601.
        completed_at: ISO 8601; None while the sync runs.
        error_message: Reason why the sync failed.
        docs_skipped: None from servers that do not send it.
    """

    id: str
    connector_id: str
    status: str
    started_at: str
    docs_added: int
    docs_updated: int
    docs_deleted: int
    docs_unchanged: int
    docs_failed: int
    completed_at: str | None = None
    error_message: str | None = None
    docs_skipped: int | None = None


@model
class ConnectorDetails(Connector):
    """A connector of a knowledge base, with its last syncs.

    Attributes:
        sync_logs: The last ten, newest first.
    """

    sync_logs: list[SyncLog] = attrs.field(kw_only=True)


@model
class DeletedConnector(Model):
    """The response to the deletion of a connector.

    Attributes:
        deleted: True.
    """

    id: str
    deleted: bool
    documents_deleted: int
    documents_kept: int


@model
class TriggeredSync(Model):
    """The response to the request for a sync.

    Attributes:
        sync_triggered: True, even if the connector is paused or syncs already.
    """

    id: str
    sync_triggered: bool


@model
class ConnectorDocument(Model):
    """A document that a connector found.

    Attributes:
        enabled: Whether searches include the document.
        user_excluded: Whether a user excluded it from syncs.
        created_at: ISO 8601.
        processing_status: ``pending``, ``processing``, ``completed`` or ``failed``.
        external_id: Id at the source.
        source_url: URL at the source.
    """

    id: str
    filename: str
    enabled: bool
    user_excluded: bool
    created_at: str
    processing_status: str
    external_id: str | None = None
    source_url: str | None = None
