"""What a checker infers for ``client.v1`` and ``client.v2``. Checked by mypy --strict and pyright, never run."""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from simstudio import APIResponse, AsyncPager, AsyncSimStudioClient, Download, Page, Pager, SimStudioClient
from simstudio.catalog import Operation, Parameter, operations
from simstudio.models.v1.files import WorkspaceFile
from simstudio.models.v1.tables import InsertedRows, TableRow
from simstudio.models.v2.audit_logs import AuditLog
from simstudio.models.v2.chat import ChatReply
from simstudio.models.v2.connectors import ConnectorDetails
from simstudio.models.v2.deployments import WorkflowDeployment
from simstudio.models.v2.files import FileShare
from simstudio.models.v2.files import WorkspaceFile as FileOfV2
from simstudio.models.v2.knowledge_documents import DocumentDetails
from simstudio.models.v2.runs import Run, RunReceipt, RunResult
from simstudio.models.v2.secrets import Secret
from simstudio.models.v2.selectors import SelectorOption
from simstudio.models.v2.table_errors import BulkWriteReport
from simstudio.models.v2.table_filters import all_of, any_of, column
from simstudio.models.v2.table_params import AllOf
from simstudio.models.v2.table_rows import TableRow as RowOfV2
from simstudio.models.v2.table_transfers import TableExport, TableImport
from simstudio.models.v2.tables import Table as TableOfV2
from simstudio.resources.v2.transfers import UploadProgress

if sys.version_info >= (3, 11):
    from typing import assert_type
else:
    from typing_extensions import assert_type


def show_progress(progress: UploadProgress) -> None:
    assert_type(progress.sent, int)


def sync(client: SimStudioClient) -> None:
    logs = client.v2.audit_logs.list(action="workflow.deployed", limit=5, cursor=None)
    assert_type(logs, Pager[AuditLog])
    for entry in logs:
        assert_type(entry, AuditLog)
        assert_type(entry.actor_email, str | None)
        assert_type(entry.created_at, str)
    assert_type(iter(logs), Iterator[AuditLog])
    assert_type(logs.pages(), Iterator[Page[AuditLog]])
    page = logs.page()
    assert_type(page, Page[AuditLog])
    assert_type(page.items, list[AuditLog])
    assert_type(page.next_cursor, str | None)
    assert_type(page.extra, Mapping[str, Any])
    assert_type(client.v2.audit_logs.list(start_date=datetime.now(timezone.utc)), Pager[AuditLog])
    assert_type(client.v2.audit_logs.list(start_date="2026-01-01T00:00:00Z"), Pager[AuditLog])
    assert_type(client.v2.audit_logs.get("id", organization_id="o"), AuditLog)
    assert_type(client.v2.runs.get("wf", "run"), Run)
    assert_type(client.v2.runs.execute("wf", input={"a": 1}), RunResult)
    assert_type(client.v2.runs.submit("wf", input={"a": 1}), RunReceipt)
    assert_type(client.v1.tables.rows.insert("t", workspace_id="ws", data={"a": 1}), TableRow)
    assert_type(client.v1.tables.rows.insert_many("t", workspace_id="ws", rows=[{"a": 1}]), InsertedRows)
    assert_type(client.v1.files.upload("ws", Path("a.txt")), WorkspaceFile)
    assert_type(client.v1.files.upload("ws", ("a.txt", b"bytes", "text/plain")), WorkspaceFile)
    assert_type(client.v1.files.list("ws"), Pager[WorkspaceFile])
    assert_type(client.v2.files.upload(Path("a.txt"), workspace_id="ws", folder_path=["a", "b c"]), FileOfV2)
    assert_type(client.v2.files.upload(b"bytes", workspace_id="ws", on_progress=show_progress), FileOfV2)
    assert_type(client.v2.files.list("ws", folder_path="/a"), Pager[FileOfV2])
    assert_type(client.v2.files.download("f", workspace_id="ws", to=Path("a")).path, Path | None)
    assert_type(client.v2.files.get_share("f", workspace_id="ws"), FileShare | None)
    client.v2.files.upload("a.txt", workspace_id="ws")  # type: ignore[arg-type]  # may be a path or a text
    download = client.v1.files.download("f", workspace_id="ws")
    assert_type(download, Download)
    assert_type(download.content, bytes)
    assert_type(download.name, str | None)
    assert_type(download.save("."), Path)
    handle = client.v2.knowledge.documents.add("kb", ("notes.md", "# Notes"), workspace_id="ws")
    assert_type(handle.wait(timeout=60), DocumentDetails)
    assert_type(handle.result().tags["Author"], str | float | bool | None)
    sync = client.v2.knowledge.connectors.start_sync("kb", "c", workspace_id="ws")
    assert_type(sync.wait(on_progress=lambda state: state.status), ConnectorDetails)
    assert_type(client.v2.secrets.set("A", workspace_id="ws", scope="personal", value="s"), Secret)
    assert_type(client.v2.selectors.get("ws", selector_key="slack.channels", id="C"), SelectorOption | None)
    with client.v2.chat.stream("ws", message="hi") as answer:
        assert_type(list(answer), list[str])
    assert_type(answer.result(), ChatReply)


async def asynchronous(client: AsyncSimStudioClient) -> None:
    logs = client.v2.audit_logs.list(limit=5)
    assert_type(logs, AsyncPager[AuditLog])
    async for entry in logs:
        assert_type(entry, AuditLog)
    assert_type(logs.pages(), AsyncIterator[Page[AuditLog]])
    async for page in logs.pages():
        assert_type(page, Page[AuditLog])
    assert_type(await logs.page(), Page[AuditLog])
    unawaited = assert_type(client.v2.audit_logs.get("id"), Coroutine[Any, Any, AuditLog])
    assert_type(await unawaited, AuditLog)
    assert_type(await client.v1.files.download("f", workspace_id="ws"), Download)
    handle = await client.v2.knowledge.documents.add("kb", Path("report.pdf"), workspace_id="ws")
    assert_type(await handle.wait(timeout=60), DocumentDetails)
    assert_type(await client.v2.knowledge.connectors.handle("kb", "c", workspace_id="ws").wait(), ConnectorDetails)
    assert_type(await client.v2.runs.handle("wf", "r1").result(), Run)
    assert_type(await client.v2.workflows.deployment.handle("wf").wait(), WorkflowDeployment)
    async with client.v2.chat.stream("ws", message="hi") as answer:
        assert_type([text async for text in answer], list[str])
    assert_type(await answer.result(), ChatReply)


def raw(client: SimStudioClient) -> None:
    v2 = client.with_raw_response.v2
    assert_type(v2.audit_logs.list(limit=5), APIResponse[Page[AuditLog]])
    assert_type(v2.audit_logs.list().parse().items, list[AuditLog])
    assert_type(v2.audit_logs.get("id"), APIResponse[AuditLog])


async def raw_asynchronous(client: AsyncSimStudioClient) -> None:
    v2 = client.with_raw_response.v2
    unawaited = assert_type(v2.audit_logs.list(), Coroutine[Any, Any, APIResponse[Page[AuditLog]]])
    assert_type((await unawaited).parse(), Page[AuditLog])
    assert_type((await v2.audit_logs.get("id")).parse(), AuditLog)


def catalogue(client: SimStudioClient) -> None:
    for operation in operations():
        assert_type(operation, Operation)
        assert_type(operation.parameters, Mapping[str, Parameter])
        assert_type(operation.parameters["limit"].wire, str)


def mistakes(client: SimStudioClient) -> None:
    client.v2.audit_logs.list("workspace")  # type: ignore[call-arg]
    client.v2.audit_logs.list(actions="workflow.deployed")  # type: ignore[call-arg]
    client.v2.audit_logs.list(limit="5")  # type: ignore[arg-type]
    client.v2.audit_logs.list(call=None)  # type: ignore[call-arg]
    client.v2.audit_logs.get()  # type: ignore[call-arg]
    client.v2.audit_logs.get(5)  # type: ignore[arg-type]
    client.v2.audit_logs.get("id", "organization")  # type: ignore[call-arg]
    client.v1.files.upload("ws", "a.txt")  # type: ignore[arg-type]
    client.v2.runs.list("wf", status="done")  # type: ignore[arg-type]
    print(client.v2.audit_logs.get("id").nothing)  # type: ignore[attr-defined]
    print(client.v2.audit_logs.nothing)  # type: ignore[attr-defined]
    print(client.v2.nothing)  # type: ignore[attr-defined]
    print(client.v2.audit_logs.list()[0])  # type: ignore[index]
    print(client.with_raw_response.v2.audit_logs.list().items)  # type: ignore[attr-defined]
    for entry in client.with_raw_response.v2.audit_logs.list():  # type: ignore[attr-defined]
        print(entry)


async def asynchronous_mistakes(client: AsyncSimStudioClient) -> None:
    await client.v2.audit_logs.list()  # type: ignore[misc]
    for entry in client.v2.audit_logs.list():  # type: ignore[attr-defined]
        print(entry)
    client.v2.audit_logs.get("id")  # type: ignore[unused-coroutine]
    print(client.v2.audit_logs.get("id").action)  # type: ignore[attr-defined]


def tables(client: SimStudioClient) -> None:
    rows = client.v2.tables.rows
    assert_type(column("qty") > 2, AllOf)
    wanted = all_of(column("qty") >= 2, any_of(column("stage") == "New", column("stage").is_null()))
    found = rows.query("tbl_1", workspace_id="ws", predicate=wanted, sort=[column("qty").desc()])
    assert_type(found, Pager[RowOfV2])
    rows.query("tbl_1", workspace_id="ws", predicate={"field": "qty", "op": "gt", "value": 2})
    assert_type(rows.insert_many("tbl_1", ({"qty": n} for n in range(9)), workspace_id="ws"), BulkWriteReport)
    assert_type(rows.insert_dataframe("tbl_1", object(), workspace_id="ws"), BulkWriteReport)
    rows.list("tbl_1", workspace_id="ws").to_dataframe("polars", columns=["qty"])
    rows.list("tbl_1", workspace_id="ws").to_dataframe("excel")  # type: ignore[arg-type]
    rows.delete_by_filter("tbl_1", workspace_id="ws", filter=wanted, limit=None)
    rows.delete_by_filter("tbl_1", workspace_id="ws", filter=wanted)  # type: ignore[call-arg]
    group = {"workflowId": "w", "outputs": [{"columnName": "a"}], "autoRun": False}
    client.v2.tables.groups.add("tbl_1", workspace_id="ws", group=group)
    target = {"type": "existing", "tableId": "tbl_1", "mode": "append"}
    assert_type(client.v2.tables.import_csv(Path("a.csv"), workspace_id="ws", target=target), TableImport)
    assert_type(client.v2.tables.exports.handle("tbl_1", "exp-1", workspace_id="ws").wait(), TableExport)


async def async_tables(client: AsyncSimStudioClient) -> None:
    assert_type(await client.v2.tables.from_dataframe(object(), workspace_id="ws", name="stock"), TableOfV2)
    assert_type(await client.v2.tables.export_csv("tbl_1", "a.csv", workspace_id="ws"), Path)
    assert_type(await client.v2.tables.rows.update_many("tbl_1", [], workspace_id="ws"), BulkWriteReport)
    assert_type(client.v2.tables.rows.list("tbl_1", workspace_id="ws"), AsyncPager[RowOfV2])
