"""Every recorded exchange of the workflows, logs and audit logs of v1, through its own method, sync and async."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

import simstudio as sim
from simstudio.models.v1 import audit_logs, logs
from simstudio.models.v2.logs import TraceSpan
from tests.integration import v1_reading
from tests.integration.replaying import V04, V06, Watch, answer_of, client_options, of, play
from tests.integration.rules import assert_status_error
from tests.modes import both_modes
from tests.recorded import Recording, recording

WORKSPACE = "1c944e88-6ad4-4e55-8c66-c415e73eeb32"


def cases(wanted: Any) -> list[Any]:
    return [
        pytest.param(each, id=f"{set_name}-{each}")
        for (set_name, _), each in v1_reading.TYPED.items()
        if wanted(each)
    ]  # fmt: skip


def ask(mode: str, recorded: Recording, **options: Any) -> Any:
    return play(mode, recorded, lambda client: v1_reading.call(client, recorded), **client_options(recorded), **options)


def plain(value: Any) -> Any:
    return [item.to_dict() for item in value] if isinstance(value, list) else value.to_dict()


# -- every recording -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recorded", cases(lambda recorded: recorded.status < 300))
def test_what_the_server_says_becomes_typed(mode, recorded):
    called, _ = v1_reading.method_of(recorded)
    watch = Watch()

    given = ask(mode, recorded, middleware=[watch])

    kind: Any = called.model
    if called.paged:
        assert type(given) is sim.Page
        assert given.extra == {"limits": answer_of(recorded)["limits"]}
        given, kind = given.items, list[kind]
    assert list(v1_reading.mismatches(given, kind, called.attribute)) == []
    assert plain(given) == v1_reading.said(recorded, answer_of(recorded))
    assert watch.sent[0].resend == "read"


@pytest.mark.parametrize("recorded", cases(lambda recorded: recorded.status >= 300))
def test_what_the_server_refuses_is_an_error_with_its_words_and_details(mode, recorded):
    with pytest.raises(sim.APIStatusError) as raised:
        ask(mode, recorded)

    assert_status_error(raised.value, recorded)


@pytest.mark.parametrize("key", v1_reading.REFUSED_UNSENT, ids=str)
def test_what_the_server_would_refuse_or_misread_is_not_sent(mode, key):
    recorded = recording(*key)
    absent = {} if "workspaceId" in recorded.query or "audit" in recorded.path else {"workspace_id": None}

    def script(client):
        return v1_reading.call(client, recorded, **absent)

    with pytest.raises(sim.InvalidInputError, match=v1_reading.REFUSED_UNSENT[key]):
        play(mode, recorded, script, played=False, **client_options(recorded))


@pytest.mark.parametrize("key", v1_reading.SENT_OTHERWISE, ids=str)
def test_a_flag_that_the_server_would_take_for_true_is_left_out_when_it_is_false(mode, key):
    recorded, (name, value) = recording(*key), v1_reading.SENT_OTHERWISE[key]
    assert v1_reading.arguments(recorded)[v1_reading.snake(name)] is value
    watch = Watch()

    def script(client):
        return v1_reading.call(client, recorded)

    with contextlib.suppress(Exception):  # the cassette holds the answer to another question
        play(mode, recorded, script, played=False, middleware=[watch], **client_options(recorded))

    assert name not in watch.sent[0].url
    assert WORKSPACE in watch.sent[0].url


def test_every_recording_of_these_routes_is_accounted_for():
    assert {called.attribute for called, _ in map(v1_reading.method_of, v1_reading.ROUTED.values())} == {
        called.attribute for called in v1_reading.METHODS.values()
    }
    assert len(v1_reading.TYPED) >= 50


def limit_of(recorded: Recording) -> str | None:
    return {name.lower(): value for name, value in recorded.headers}.get("x-ratelimit-limit")


@pytest.mark.parametrize("recorded", cases(lambda recorded: limit_of(recorded) is not None))
def test_the_rate_limit_of_an_answer_is_remembered(mode, recorded):
    def script(client):
        with contextlib.suppress(sim.APIStatusError):
            yield v1_reading.call(client, recorded)
        return client.get_rate_limit_info()

    info = play(mode, recorded, script, **client_options(recorded))

    assert info.limit == int(limit_of(recorded))
    assert info.reset > 1_700_000_000


# -- workflows -----------------------------------------------------------------------------------------------------


def test_a_page_of_workflows_names_the_next_one(mode):
    recorded = recording(V06, 149)

    page = ask(mode, recorded)

    assert page.next_cursor == answer_of(recorded)["nextCursor"]
    assert page.items[0].name == "SlowFn"
    assert {type(workflow.is_deployed) for workflow in page.items} == {bool}


def test_the_last_page_of_workflows_names_none(mode):
    assert ask(mode, recording(V06, 150)).next_cursor is None


@both_modes
def test_workflows_are_iterated_over_without_a_thought_of_pages(mode):
    recorded = recording(V06, 150)

    def script(client):
        pager = client.v1.workflows.list(WORKSPACE)
        return _all(pager) if mode == "async" else list(pager)

    found = play(mode, recorded, script)

    assert [workflow.id for workflow in found] == [each["id"] for each in answer_of(recorded)["data"]]


async def _all(pager: Any) -> list[Any]:
    return [item async for item in pager]


def test_a_cursor_that_cannot_be_read_is_the_first_page_and_one_of_another_shape_breaks_the_server(mode):
    assert ask(mode, recording(V06, 156)).items[0].name == "FilesOnly"
    with pytest.raises(sim.ServerError, match="Internal server error"):
        ask(mode, recording(V06, 157))


def test_a_workflow_tells_what_it_takes(mode):
    workflow = ask(mode, recording(V06, 164))

    assert [(each.name, each.type) for each in workflow.inputs] == [("files", "file[]"), ("message", "string")]
    assert (workflow.variables, workflow.run_count, workflow.folder_id) == ({}, 8, None)


def test_limits_of_one_object_are_in_the_raw_response(mode):
    recorded = recording(V06, 164)

    def script(client):
        return v1_reading.asked(client.with_raw_response, recorded)

    response = play(mode, recorded, script)

    assert response.parse().name == "Files"
    assert response.response.json()["limits"]["usage"]["plan"] == "free"


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (159, sim.AuthenticationError),
        (160, sim.AuthenticationError),
        (161, sim.AuthenticationError),
        (165, sim.NotFoundError),
        (184, sim.ServerError),
        (189, sim.NotFoundError),
        (192, sim.PermissionDeniedError),
        (334, sim.RateLimitError),
        (374, sim.PermissionDeniedError),
        (381, sim.InvalidRequestError),
        (406, sim.PermissionDeniedError),
    ],
)
def test_errors_are_told_apart_by_class(mode, number, kind):
    with pytest.raises(kind):
        ask(mode, recording(V06, number))


# -- logs ----------------------------------------------------------------------------------------------------------


def test_a_page_of_logs_has_a_cursor_of_ours_for_the_servers_own_would_break_it(mode):
    recorded = recording(V06, 166)

    page = ask(mode, recorded)

    assert page.next_cursor not in (None, answer_of(recorded)["nextCursor"])
    assert [type(entry) for entry in page.items] == [logs.LogEntry, logs.LogEntry]
    assert [entry.cost.total for entry in page.items] == [0.005, 0.005]
    assert page.items[0].files[0].name == "a.txt"


@pytest.mark.parametrize(
    ("set_name", "first", "broken"),
    [(V06, 166, 167), (V04, 179, 180)],
)
def test_pages_after_the_first_are_never_asked_for_by_a_cursor(mode, set_name, first, broken):
    """The page by a cursor is on the tape, and stays there."""
    watch = Watch()
    recorded = recording(set_name, first)

    def script(client):
        pages = v1_reading.asked(client, recorded).pages()
        return _second(pages) if mode == "async" else [next(pages), next(pages)]

    with contextlib.suppress(Exception):  # the tape has no answer to the question that is asked
        play(mode, of(set_name, first, broken), script, played=False, middleware=[watch], max_retries=0)

    assert len(watch.sent) == 2
    assert "cursor=" not in watch.sent[1].url
    last = answer_of(recorded)["data"][-1]["startedAt"]
    assert f"endDate={last.replace(':', '%3A')}" in watch.sent[1].url
    assert "limit=2" in watch.sent[1].url


async def _second(pages: Any) -> list[Any]:
    return [await anext(pages), await anext(pages)]


@pytest.mark.parametrize("key", [(V06, 167), (V06, 369), (V06, 399), (V04, 180), (V04, 214)], ids=str)
def test_a_cursor_of_the_servers_is_sent_as_it_is_and_breaks_it(mode, key):
    with pytest.raises(sim.ServerError, match="Internal server error"):
        ask(mode, recording(*key))


@pytest.mark.parametrize("key", [(V06, 171), (V04, 211)], ids=str)
def test_a_full_log_has_one_root_span_with_the_blocks_as_its_children(mode, key):
    (entry,) = ask(mode, recording(*key)).items

    (root,) = entry.trace_spans
    assert (type(root), root.type, root.status) == (TraceSpan, "workflow", "success")
    compute = root.children[-1]
    assert (type(compute), compute.name, compute.type) == (TraceSpan, "Compute", "function")
    assert compute.output == entry.final_output
    assert (entry.workflow.name, entry.cost.tokens.total) == ("Compute", 0)


def test_a_failed_run_is_of_level_error(mode):
    (entry,) = ask(mode, recording(V06, 172)).items

    assert entry.level == "error"
    assert "kaboom" in entry.final_output["error"]
    assert [span.status for span in entry.trace_spans[0].children] == ["success", "error"]


@pytest.mark.parametrize("key", [(V06, 177), (V06, 186), (V04, 215)], ids=str)
def test_no_logs_are_an_empty_last_page(mode, key):
    page = ask(mode, recording(*key))

    assert (page.items, page.next_cursor) == ([], None)


def test_a_log_in_full_holds_what_the_execution_left_behind(mode):
    log = ask(mode, recording(V06, 187))

    data = log.execution_data
    assert data.final_output == {"result": {"doubled": 0, "message": ""}, "stdout": "computing 0"}
    assert (data.trigger.type, data.finalization_path, data.has_trace_spans) == ("api", "completed", True)
    assert data.trace_spans[0].children[0].block_id == "72e6ba57-0c1e-4b7c-b035-9a2ee30eb937"
    assert (data.last_completed_block.block_name, data.environment.execution_id) == ("Compute", log.execution_id)
    assert log.workflow.deleted is False


@pytest.mark.parametrize("key", [(V06, 190), (V04, 186)], ids=str)
def test_an_execution_holds_the_workflow_as_it_was_run(mode, key):
    execution = ask(mode, recording(*key))

    (edge,) = execution.workflow_state.edges
    blocks = execution.workflow_state.blocks
    assert {type(block) for block in blocks.values()} == {logs.StateBlock}
    assert "return" in blocks[edge.target].sub_blocks["code"].value
    assert execution.execution_metadata.trigger == "api"
    assert execution.limits.workflow_execution_rate_limit.sync.limit > 0
    assert execution.limits.usage.is_exceeded is False


# -- audit logs ----------------------------------------------------------------------------------------------------


def test_audit_logs_are_paged_by_the_servers_cursor(mode):
    first, second = of(V06, 376, 377)

    def script(client):
        pages = client.v1.audit_logs.list(limit=2).pages()
        return _second(pages) if mode == "async" else [next(pages), next(pages)]

    one, two = play(mode, [first, second], script)

    assert one.next_cursor == answer_of(first)["nextCursor"]
    assert [entry.to_dict() for entry in one.items + two.items] == answer_of(first)["data"] + answer_of(second)["data"]
    assert {type(entry) for entry in one.items} == {audit_logs.AuditLog}
    assert one.items[0].metadata["knowledgeBaseName"] == "Search KB"
