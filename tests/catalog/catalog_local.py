"""Where calls differ from the digest on purpose, and why."""

from __future__ import annotations

from collections.abc import Mapping

ANY = "*"
"""A value that is new each time."""

SPLIT: Mapping[str, Mapping[str, Mapping[str, bool]]] = {
    # The type of a result depends on no argument: an operation with two results has two methods.
    "v1.insertRows": {"insert": {"data": True, "position": False}, "insert_many": {"rows": True, "positions": False}},
    "v2.executeWorkflowV2": {
        "execute": dict.fromkeys(
            (
                "run", "stream", "selectedOutputs", "includeThinking", "includeToolCalls", "includeFileBase64",
                "base64MaxBytes", "accept", "x-sim-stream-protocol",
            ),
            False,
        ),
        "submit": {"executionTimeoutSeconds": False},
    },
    "v2.updateKnowledgeDocument": {
        "update": dict.fromkeys(
            (
                "filename", "enabled", "tag1", "tag2", "tag3", "tag4", "tag5", "tag6", "tag7", "number1", "number2",
                "number3", "number4", "number5", "date1", "date2", "boolean1", "boolean2", "boolean3",
            ),
            False,
        ),
        "retry": {},
    },
    "v2.createTableRows": {
        "insert": {"data": True, "afterRowId": False, "beforeRowId": False},
        "bulk_insert": {"rows": True},
    },
    # A deletion by filter says how many rows it may delete; None are all.
    "v2.deleteTableRows": {"delete_by_filter": {"filter": True, "limit": True}, "bulk_delete": {"rowIds": True}},
}  # fmt: skip
"""Operations with several methods: the parameters that each has alone, and whether it requires them."""

LOCAL: Mapping[str, tuple[str, ...]] = {
    "v1.listRows": ("cursor",),  # paged by offsets: where to go on, as in every other list
    "v1.listDocuments": ("cursor",),
    # How long this one call may take: tools and workflows may run for minutes.
    "v2.completeFileUpload": ("timeout",),
    "v2.executeTool": ("timeout",),
    "v2.unzipFile": ("timeout",),
    "v2.executeWorkflowV2.execute": ("timeout",),
    "v2.executeWorkflowV2.submit": ("timeout",),
    "v2.resumeWorkflowRunV2": ("timeout",),
    "v2.completeKnowledgeDocumentUpload": ("timeout",),  # a server without a queue processes the document meanwhile
    "v2.updateTableRows": ("timeout",),  # 125,000 rows took 103 s
    "v2.deleteTableRows.delete_by_filter": ("timeout",),
    "v2.chat": ("timeout",),
    **dict.fromkeys(
        (
            "v1.downloadFile",
            "v2.bulkDownloadFiles",
            "v2.downloadFile",
            "v2.downloadFileVersion",
            "v2.downloadWorkflowRunFileV2",
            "v2.exportKnowledgeBase",
        ),
        ("to",),  # where a download is saved
    ),
}
"""Parameters of ours that never travel."""

ALWAYS_SENT: Mapping[str, Mapping[tuple[str, str], object]] = {
    # Without a limit the server sends all rows at once.
    "v1.listRows": {("limit", "query"): "100"},
    # An execution claims an id, so that it can be sent again and runs at most once.
    "v2.executeWorkflowV2.execute": {("x-run-id", "header"): ANY},
    "v2.executeWorkflowV2.submit": {("x-run-id", "header"): ANY, ("async", "body"): True},
    "v2.updateKnowledgeDocument.retry": {("retryProcessing", "body"): True},
}
"""What is sent although it was not given: (name, place) and value."""

WITHOUT_KEY = frozenset({"v2.uploadBytes", "v2.uploadPartBytes"})
"""Operations that the session's token permits, and that take no API key."""

LEFT_OUT_WHEN_FALSE: Mapping[str, tuple[str, ...]] = {
    # v1 reads any text as true.
    "v1.listWorkflows": ("deployedOnly",),
    "v1.queryLogs": ("includeTraceSpans", "includeFinalOutput"),
    "v1.listAuditLogs": ("includeDeparted",),
}
"""Flags that are not sent as false."""

LIMITED_HERE: Mapping[str, tuple[str, ...]] = {
    "v1.queryLogs": ("limit",),  # v0.6.43 accepts 0 and less, with useless results
    "v2.listFiles": ("limit",),  # the server silently replaces a value out of range by the nearest bound
    "v2.listLogs": ("limit",),  # likewise
    "v2.listTables": ("limit",),
    "v2.searchTableRows": ("q", "sort"),  # the server's own document
    "v2.queryTableRows": ("sort",),
    "v2.replaceWorkflowState": ("blocks", "edges"),  # at most 2,000 and 10,000: the digest's note, not its table
}
"""Parameters whose limits the digest does not have."""

TOGETHER: Mapping[str, list[set[str]]] = {
    "v1.deleteRows": [{"filter", "limit"}, {"row_ids"}],
    # Thinking and tools are for streams.
    "v2.executeWorkflowV2.execute": [
        {"input", "run", "selected_outputs", "include_file_base64", "base64_max_bytes", "run_id", "sim_via", "accept"},
        {"input", "stream", "selected_outputs", "include_thinking", "include_tool_calls", "stream_protocol"},
    ],
    # A password if and only if the kind is password, addresses if and only if it is email or sso.
    "v2.replaceWorkflowChatDeployment": [
        {"auth_type=password", "password", "description", "customizations", "output_configs"},
        {"auth_type=email", "allowed_emails", "include_thinking", "include_tool_calls"},
    ],
}
"""Optional parameters that may be given in one call, where not all may; ``name=word`` is one of several words."""

CALENDAR_DATES = frozenset(
    {"v2.getOrganizationUsageBreakdown", "v2.getOrganizationUsageSummary", "v2.listOrganizationUsageEvents"}
)
"""Operations whose ``startDate`` and ``endDate`` are days of a time zone that the caller names, and no moments."""

AT: Mapping[str, tuple[str, ...]] = {
    "v1.addColumn": ("data", "columns"),
    "v1.createKnowledgeBase": ("data", "knowledgeBase"),
    "v1.createTable": ("data", "table"),
    "v1.deleteColumn": ("data", "columns"),
    "v1.getDocument": ("data", "document"),
    "v1.getExecutionDetails": (),
    "v1.getKnowledgeBase": ("data", "knowledgeBase"),
    "v1.getRow": ("data", "row"),
    "v1.getTable": ("data", "table"),
    "v1.insertRows.insert": ("data", "row"),
    "v1.listDocuments": ("data", "documents"),
    "v1.listFiles": ("data", "files"),
    "v1.listKnowledgeBases": ("data", "knowledgeBases"),
    "v1.listRows": ("data", "rows"),
    "v1.listTables": ("data", "tables"),
    "v1.updateColumn": ("data", "columns"),
    "v1.updateKnowledgeBase": ("data", "knowledgeBase"),
    "v1.updateRow": ("data", "row"),
    "v1.uploadDocument": ("data", "document"),
    "v1.uploadFile": ("data", "file"),
}
"""Where results stand in the answers of v1: in ``data``, but for these."""

KNOWN_BETTER: frozenset[tuple[str, str]] = frozenset({
    ("WorkflowDetails", "inputs"),  # a list of names and types, not an object of fields
})  # fmt: skip
"""Fields (of a model, on the wire) of which the recordings say another thing than the digest."""

RESHAPED: Mapping[str, str] = {
    # Servers before September 2026 answer with one field of the answer of newer ones.
    "v2.getRowEnrichment": "cascade",
}
"""Operations whose result is the newer answer also if an older server sent only this field of it."""
