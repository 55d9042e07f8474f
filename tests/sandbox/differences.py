"""Where the sandbox differs from the recorded servers on purpose, and what of the recordings it does not play.

Run this file to print both tables.
"""

from __future__ import annotations

from fnmatch import fnmatch

Key = tuple[str, int]
V06, V04 = "sim-v0.6.43", "sim-v0.4.22"

DIFFERENCES: dict[Key, str] = {
    (V06, 354): "a job whose server went away is `failed` and says why: the real one leaves it `processing` for ever, "
    "and the sandbox promises that no job is lost",
    **dict.fromkeys(
        ((V06, 114), (V06, 417)),
        "a run that was started in the background and is resumed goes on: the real one waits for Trigger.dev for ever",
    ),
    (V04, 134): "the message is ours: the real one quotes JavaScript's parser",
}
"""Recordings that are answered differently. The parity test fails when one of them no longer differs."""

V1_DATA_DIFFERENCES: dict[int, str] = {
    265: "a key of a workspace says so when it is used for another: the sandbox's key is a person's, who has no access",
    300: "the real server has no embedding provider: the sandbox compares words instead",
    **dict.fromkeys(
        (374, 375),
        "a member, or no enterprise plan: the sandbox's user is in no organization, or owns one that has the plan",
    ),
}
"""The same for tables, files, knowledge and the audit log of v0.6, by number (`test_parity_v1_data`)."""

V1_LOG_DIFFERENCES: dict[int, str] = {
    190: "the graph is that of a Python function: its block names the function instead of holding code",
}
"""The same for the logs of v0.6, by number (`test_v1_logs_parity`)."""

_OLDER = "the recorded server is older: it lacks what newer documents have"

V08_DIFFERENCES: dict[str, str] = {
    **dict.fromkeys(("live-101", "live-406", "tables-0678", "resources-1209", "resources-1210"), _OLDER),
    **dict.fromkeys(("resources-1211", "resources-1212"), _OLDER),
    "live-286": "the recorded body is cut",
    "tables-0608": "the message is ours: the real one quotes JavaScript's parser",
    "tables-0624": "the sandbox keeps blocks of any type",
    **dict.fromkeys(("tables-0730", "tables-0891", "resources-0332"), "a cursor of another server cannot be read"),
    "tables-0810": "the run is not there",
    "tables-0371": "uploads of the sandbox need no folders that an operator makes",
    "live-175": "v1 of the sandbox has the operators of v0.6",
    **dict.fromkeys(("live-176", "live-184"), "v1 of the sandbox pages by offset alone"),
    "live-534": "the server ran in development mode, where restoring a folder fails",
    "resources-1000": "every workspace of the sandbox belongs to the organization of its user",
    **dict.fromkeys(("resources-0155", "resources-0407", "resources-0653"), "the sandbox has no keys of workspaces"),
    "resources-0848": "the sandbox does not ask an address whether it needs headers, and words its failures itself",
    "resources-1104": "members of the sandbox have no keys, so none may only read",
    "resources-0761": "a workspace of the sandbox has one admin",
    "resources-0604": "the source of a connector is a Python function, which has messages of its own",
}
"""The same for recordings of v0.8, by the beginning of their names (`test_v2_errors`, `test_v2_files_recordings`,
`test_v2_knowledge`, `test_v2_resources_recordings`, `test_v2_tables_recordings`)."""


def reason_for_v08(name: str) -> str | None:
    """Why the sandbox answers a recording of v0.8 differently; None if it does not."""
    return next((why for beginning, why in V08_DIFFERENCES.items() if name.startswith(beginning)), None)


BEYOND_THE_RECORDINGS: dict[str, str] = {
    "ids": "a workflow's id is its registered name, so that a test can read it; other ids look like Sim's and are new",
    "limits": "the rate limits, the admission gate (500 in flight) and the execution timeout (300 s on the free plan) "
    "are off unless asked for: a test that runs fast must not be refused",
    "background jobs": "start at once in the same process, so a fast one may be `completed` at the first poll, and "
    "v0.4's without Trigger.dev work too (the real one answers 500)",
    "input fields": "that a function's parameters declare have `required` and `default`: the real ones never do",
    "HTML pages": "an unknown path answers a page of one line, without Next.js's headers",
    "files": "file objects in the input reach the workflow as they came: nothing is uploaded or fetched",
    "thrown errors": "the text after the block's name is the Python exception's, without a line of JavaScript",
    "output": "is what the function returned, also when it is no object (a real block's output always is one)",
    "plain functions": "cannot be stopped from outside: a cancelled one goes on in its thread until it looks at "
    "context.cancelled, but its answer is already given",
    "paused runs": "do not survive a restart, because a Python generator does not: they fail and say so",
    "resumptions": "of one run come one after another: a run has one pause at a time, so nothing is queued",
    "v1 rows in a batch": "PATCH of /rows updates them, as the documents say: whether v0.6.43 has it was not recorded",
    "v1 rows": "of v0.8 are read by offset without cursors, and filtered by the operators of v0.6",
    "v1 documents": "of a knowledge base are processed while one looks at them, a step a request; only UTF-8 text is "
    "read",
    "v1 search": "compares words: there is no embedding provider, so that similarities are other numbers",
    "v1 data": "is kept in memory, of one workspace, whatever `state` says",
    "callers who disconnect": "stop a synchronous run, with heartbeats or without, only if the sandbox is set so "
    "(`cancel_on_disconnect`): which servers do it depends on what they run on",
    "v2 resumptions": "have a run id of their own, by which before v0.8 the run can be read: it shows what the paused "
    "run shows",
    "v2 tables": "show the fields of the recorded server, not the newer ones (`webUrl`, rejected rows of an import, "
    "outputs beside an enrichment's cascade); a dispatch that has ended is only read by its id",
    "v2 table limits": "are those of a server without billing: since v0.8 a table may have any number of rows, unless "
    "`table_rows` is given",
    "v2 cells": "of a group run the registered function in the same process: `result` is what it returned, `stdout` is "
    "empty. A group without `inputMappings` gets the values of the row; only inserted rows start groups by themselves",
    "v2 enrichments": "there is one, `work-email`, and it asks no provider: it completes, finds nothing, and says so",
    "v2 knowledge": "has the processing and the search of v1's: documents move one step with each request that reads "
    "them, the search compares words, and a reranker is never available",
    "v2 connectors": "copy what a registered Python function returns (`Sandbox.connector`), when they are read; no "
    "schedule starts a sync, and there are no credentials",
    "v2 secrets": "are kept without their values, unless those may be read: nothing in the sandbox uses them",
    "v2 workspaces": "are named after their ids; their members are one admin and the addresses given as `members`, and "
    "there are no invitations or forks",
    "v2 skills": "that Sim provides have its names and texts of ours",
    "v2 chat": "is answered by a registered workflow (`assistant`), and by 501 without one; it costs nothing",
    "v2 custom tools": "are kept, and never run",
    "v2 MCP servers": "are never connected to: `Sandbox.mcp_server` says which tools an address has",
    "v2 workflow MCP servers": "are kept, and nothing answers at their addresses",
    "v2 knowledge export": "answers 404: what is in the file is not known",
    "v2 organizations, credentials and others": "answer 501, which no server of Sim does: the families of "
    "`simstudio.sandbox.v2.absent`",
    "v2 audit log": "is that of one organization, which may be left out of the query as in newer documents",
    "v2 exports": "have the address that a server with storage of its own gives: no key can fetch it",
    "v2 filters": "compare texts by code points, not by the database's collation; `*` is the only wildcard",
    "v2 selected outputs": "are checked before v0.8; those of a generator "
    "that uses anything of its module are never refused, only left out: which "
    "blocks it speaks for is not known before it has run",
    "v2 manual runs": "begin at the start of the Python function: `entry` of type `block` is refused",
    "v2 large values": "stay in the run's record; the references have no `key`, and nothing serves them",
    "notifications": "are sent once, and not for a paused run; nothing costs anything",
    "spans": "of a block take the whole run: when it began and ended is not noted",
    "v0.6 triggerType": "may be any text: which ones the real server refuses is not known",
    "v2": "its forms are those of the reference, and requests are refused as recorded (`test_v2_errors`); other texts "
    "are ours",
    "v1 deploy, rollback, export, import": "were not recorded: they answer what v2 answers, in v1's envelope",
    "deployments": "are in service at once: no attempt is ever seen `preparing`",
    "workflow graphs": "only the block that names a registered function does anything when a workflow runs",
    "v2 files": "only plain texts are read, not PDF or office documents; members have no roles, and there are no "
    "workspace keys; versions, search and edits are in no recording and do what the documents say; the address of a "
    "part does not expire before its session",
    "billing": "nothing costs anything, and usage_cost is shown at 200 credits a dollar",
    "documents": "is a generation of its own, of which there is no recording: it is what the documents promise",
}
"""Differences no recording shows."""

OUT_OF_SCOPE: dict[tuple[str, str], str] = {
    (V06, "*files*"): "file inputs: uploads are not part of the sandbox yet",
    (V04, "*files*"): "file inputs",
    (V04, "*no-api-trigger*"): "a workflow that cannot start: a Python function always can",
    (V04, "*env-variable-missing*"): "a workflow that cannot start",
    (V04, "job-status-trigger-*"): "a state only Trigger.dev puts a job in",
    (V04, "*trigger-refuses*"): "Trigger.dev refuses: background runs of the sandbox need no such service",
    (V04, "*no-trigger-secret*"): "Trigger.dev is not set up",
    (V04, "*agent-response-format"): "an agent with a response format: what streams is the workflow's own business",
}
"""Recordings of the covered routes that are not played, by name."""


def reason_not_played(source: str, name: str) -> str | None:
    """Why a recording is not played; None when it is."""
    return next((why for (where, what), why in OUT_OF_SCOPE.items() if where == source and fnmatch(name, what)), None)


if __name__ == "__main__":
    for (where, which), why in (*DIFFERENCES.items(), *OUT_OF_SCOPE.items()):
        print(f"{'differs' if isinstance(which, int) else 'not played':10}  {where}  {which}: {why}")
    for number, why in (*V1_DATA_DIFFERENCES.items(), *V1_LOG_DIFFERENCES.items()):
        print(f"{'differs':10}  {V06}  {number}: {why}")
    for name, why in V08_DIFFERENCES.items():
        print(f"{'differs':10}  sim-v0.8.9  {name}: {why}")
    for behaviour, why in BEYOND_THE_RECORDINGS.items():
        print(f"{'differs':10}  {behaviour}: {why}")
