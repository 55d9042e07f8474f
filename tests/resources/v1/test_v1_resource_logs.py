"""``client.v1.logs``: pages by time where the server's own cursors break it, whatever begins at the same moment."""

from __future__ import annotations

import random
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import simstudio as sim
from simstudio.models.v1.logs import LogEntry
from tests.driving import Both, answer
from tests.modes import both_modes

LIMITS = {"workflowExecutionRateLimit": {"sync": {"remaining": 3}}}


def at(moment: int) -> str:
    """A time as the server writes it, so many milliseconds after a beginning."""
    return f"2026-11-20T08:00:{moment // 1000:02}.{moment % 1000:03}Z"


class LogServer:
    """A server like v0.6.43: ``startedAt`` is all that its order goes by, and its cursors break it.

    Args:
        moments: when the old logs began, by their milliseconds.
        newer: how many logs begin after each answer.
        largest: the largest page, where it has one.
        heeds_dates: whether ``startDate`` and ``endDate`` mean anything to it.
    """

    def __init__(
        self,
        moments: list[int],
        newer: list[int] | None = None,
        largest: int | None = None,
        heeds_dates: bool = True,
    ) -> None:
        self.logs = [{"id": f"old-{number}", "startedAt": at(moment)} for number, moment in enumerate(moments)]
        self.old = {log["id"] for log in self.logs}
        self.newer = list(newer or [])
        self.largest = largest
        self.heeds_dates = heeds_dates
        self.clock = 50_000
        self.shuffle = random.Random(4711).shuffle
        self.asked: list[dict[str, str]] = []

    def __call__(self, request: Any) -> Any:
        query = {name: value for name, (value,) in parse_qs(urlsplit(request.url).query).items()}
        self.asked.append(query)
        if "cursor" in query:
            return answer(500, {"error": "Internal server error"})
        limit = int(query.get("limit", 100))
        limit = min(limit, self.largest or limit)
        found = [
            log
            for log in self.logs
            if not self.heeds_dates or query.get("startDate", "") <= log["startedAt"] <= query.get("endDate", "9")
        ]
        self.shuffle(found)
        found.sort(key=lambda log: log["startedAt"], reverse=query.get("order", "desc") == "desc")
        body: dict[str, Any] = {"data": found[:limit], "limits": LIMITS}
        if len(found) > limit:
            body["nextCursor"] = "breaks-the-server"
        for _ in range(self.newer.pop(0) if self.newer else 0):
            self.clock += len(self.logs) % 2  # some at the same moment
            self.logs.append({"id": f"new-{len(self.logs)}", "startedAt": at(self.clock)})
        return answer(200, body)


def client_of(both: Both, server: LogServer) -> Any:
    return both.client(*[server] * 400, max_retries=0)


async def every(pager: Any) -> list[LogEntry]:
    if hasattr(pager, "__aiter__"):
        return [item async for item in pager]
    return list(pager)


async def pages_of(pager: Any) -> list[sim.Page[LogEntry]]:
    if hasattr(pager, "__aiter__"):
        return [page async for page in pager.pages()]
    return list(pager.pages())


scenes = given(
    moments=st.lists(st.integers(0, 6), max_size=40),
    newer=st.lists(st.integers(0, 3), max_size=8),
    limit=st.one_of(st.none(), st.integers(1, 12)),
    order=st.sampled_from([None, "desc", "asc"]),
)
unhurried = settings(deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])


class TestPages:
    @pytest.mark.parametrize("mode", ["sync", "async"])
    @scenes
    @unhurried
    async def test_every_old_log_comes_exactly_once_and_the_list_ends(
        self, mode: str, moments: list[int], newer: list[int], limit: int | None, order: Any
    ) -> None:
        both, server = Both(mode), LogServer(moments, newer)

        found = [log.id for log in await every(client_of(both, server).v1.logs.list("ws", limit=limit, order=order))]

        assert len(found) == len(set(found))
        assert {each for each in found if each in server.old} == server.old
        assert not any("cursor" in query for query in server.asked)

    @pytest.mark.parametrize("mode", ["sync", "async"])
    @scenes
    @unhurried
    async def test_a_list_taken_up_again_after_each_page_is_the_same(
        self, mode: str, moments: list[int], newer: list[int], limit: int | None, order: Any
    ) -> None:
        both, server = Both(mode), LogServer(moments, newer)
        client = client_of(both, server)
        found: list[str] = []
        cursor = None
        while True:
            page = await both(client.v1.logs.list("ws", limit=limit, order=order, cursor=cursor).page())
            found += [log.id for log in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break

        assert len(found) == len(set(found))
        assert set(found) >= server.old

    @both_modes
    async def test_logs_come_in_the_order_that_was_asked_for(self, both: Both) -> None:
        server = LogServer([3, 1, 2, 5, 4])
        client = client_of(both, server)
        newest = [log.started_at for log in await every(client.v1.logs.list("ws", limit=2))]
        oldest = [log.started_at for log in await every(client.v1.logs.list("ws", limit=2, order="asc"))]
        assert newest == [at(5), at(4), at(3), at(2), at(1)]
        assert oldest == newest[::-1]

    async def test_the_next_page_is_asked_for_by_the_moment_at_which_the_last_one_ended(self, both: Both) -> None:
        server = LogServer([1, 2, 3, 4])
        await every(client_of(both, server).v1.logs.list("ws", limit=3, workflow_ids=["a", "b"], end_date=at(9)))
        assert server.asked == [
            {"workspaceId": "ws", "workflowIds": "a,b", "endDate": at(9), "limit": "3"},
            {"workspaceId": "ws", "workflowIds": "a,b", "endDate": at(2), "limit": "3"},
        ]

    async def test_older_first_it_is_the_start_that_moves(self, both: Both) -> None:
        server = LogServer([1, 2, 3])
        await every(client_of(both, server).v1.logs.list("ws", limit=2, order="asc", end_date=at(9)))
        assert server.asked[1] == {
            "workspaceId": "ws",
            "order": "asc",
            "startDate": at(2),
            "endDate": at(9),
            "limit": "2",
        }

    async def test_a_page_of_one_moment_only_is_asked_for_larger(self, both: Both) -> None:
        server = LogServer([7] * 9 + [1])
        found = await every(client_of(both, server).v1.logs.list("ws", limit=2))
        assert len(found) == 10
        assert [query["limit"] for query in server.asked] == ["2", "4", "8", "16"]

    async def test_after_such_a_moment_pages_are_as_large_as_before(self, both: Both) -> None:
        server = LogServer([7] * 3 + [5, 4, 3, 2])
        pages = await pages_of(client_of(both, server).v1.logs.list("ws", limit=2))
        assert [len(page.items) for page in pages] == [2, 2, 1, 1, 1]
        assert [query["limit"] for query in server.asked] == ["2", "4", "2", "2", "2"]

    async def test_where_no_page_can_hold_a_moment_it_says_so_rather_than_go_on_for_ever(self, both: Both) -> None:
        server = LogServer([7] * 9, largest=4)
        with pytest.raises(sim.InvalidResponseError, match=r"more than 4 logs began at 2026-11-20T08:00:00.007Z"):
            await every(client_of(both, server).v1.logs.list("ws", limit=2))

    async def test_a_server_that_has_one_old_log_more_each_time_is_given_up(self, both: Both) -> None:
        asked: list[Any] = []

        def more(request: Any) -> Any:
            asked.append(request)
            return answer(200, {"data": [{"id": "old", "startedAt": at(0)}] * len(asked), "nextCursor": "more"})

        with pytest.raises(sim.InvalidResponseError, match="cannot be read on page by page"):
            await every(client_of(both, more).v1.logs.list("ws", limit=1))
        assert len(asked) < 25

    async def test_a_server_with_a_largest_page_is_read_to_the_end(self, both: Both) -> None:
        server = LogServer([moment // 2 for moment in range(30)], largest=4)
        assert len(await every(client_of(both, server).v1.logs.list("ws", limit=1000))) == 30

    async def test_a_server_that_heeds_no_dates_is_read_to_the_end_by_larger_pages(self, both: Both) -> None:
        server = LogServer([9, 8, 7, 6, 5], heeds_dates=False)
        found = [log.id for log in await every(client_of(both, server).v1.logs.list("ws", limit=2))]
        assert found == ["old-0", "old-1", "old-2", "old-3", "old-4"]

    async def test_limits_are_in_what_a_page_holds_besides(self, both: Both) -> None:
        pages = await pages_of(client_of(both, LogServer([1, 2, 3])).v1.logs.list("ws", limit=2))
        assert [page.extra for page in pages] == [{"limits": LIMITS}] * 2
        assert pages[-1].next_cursor is None

    @both_modes
    async def test_the_raw_response_is_that_of_the_first_page(self, both: Both) -> None:
        client = client_of(both, LogServer([1, 2, 3]))
        response = await both(client.with_raw_response.v1.logs.list("ws", limit=2))
        assert response.status == 200
        assert len(response.parse().items) == 2


class TestCursors:
    @pytest.mark.parametrize(
        "cursor",
        ["eyJzdGFydGVkQXQiOiIyMDI2In0=", "zzz", "sim-py-log.", "sim-py-log.%%%", "sim-py-log.e30=", "sim-py-log.WzFd"],
    )
    async def test_one_that_is_not_ours_is_sent_as_it_is(self, both: Both, cursor: str) -> None:
        server = LogServer([1])
        with pytest.raises(sim.ServerError):
            await both(client_of(both, server).v1.logs.list("ws", cursor=cursor).page())
        assert server.asked == [{"workspaceId": "ws", "cursor": cursor}]

    async def test_one_of_the_other_order_is_refused(self, both: Both) -> None:
        client = client_of(both, LogServer([1, 2, 3]))
        page = await both(client.v1.logs.list("ws", limit=1).page())
        with pytest.raises(sim.InvalidInputError, match="order='desc'"):
            await both(client.v1.logs.list("ws", order="asc", cursor=page.next_cursor).page())

    async def test_one_is_text_that_can_be_kept(self, both: Both) -> None:
        page = await both(client_of(both, LogServer([1, 2, 3])).v1.logs.list("ws", limit=1).page())
        assert page.next_cursor.isascii()
        assert not set(page.next_cursor) & set(" &?#/+")


class TestOddAnswers:
    @pytest.mark.parametrize("odd", [None, "", "yesterday", "2026-11-20T08:00:00", 5, {}])
    async def test_a_log_that_began_at_no_moment_ends_the_list_with_an_error(self, both: Both, odd: Any) -> None:
        page = {"data": [{"id": "a", "startedAt": at(1)}, {"id": "b", "startedAt": odd}], "nextCursor": "x"}
        client = both.client(answer(200, page))
        with pytest.raises(sim.InvalidResponseError, match=r"log 'b' says that it began at .*limit=") as caught:
            await every(client.v1.logs.list("ws"))
        assert caught.value.response.status == 200

    async def test_it_does_not_where_nothing_follows(self, both: Both) -> None:
        client = both.client(answer(200, {"data": [{"id": "b"}], "limits": {}}))
        (log,) = await every(client.v1.logs.list("ws"))
        assert (log.id, log.started_at) == ("b", None)

    async def test_an_empty_page_is_the_last(self, both: Both) -> None:
        client = both.client(answer(200, {"data": [], "nextCursor": "x"}))
        assert await every(client.v1.logs.list("ws")) == []

    async def test_what_the_models_do_not_know_is_kept(self, both: Both) -> None:
        log = {"id": "a", "level": "fatal", "cost": {"total": "much", "tax": 1}, "mood": "good"}
        client = both.client(answer(200, {"data": [log]}))
        (entry,) = await every(client.v1.logs.list("ws"))
        assert (entry.level, entry.cost.total, entry.cost.extra) == ("fatal", "much", {"tax": 1})
        assert entry.extra == {"mood": "good"}


class TestArguments:
    async def test_moments_are_sent_in_utc(self, both: Both) -> None:
        server = LogServer([])
        begun = datetime(2026, 11, 20, 8, tzinfo=timezone.utc)
        await every(client_of(both, server).v1.logs.list("ws", start_date=begun, end_date=at(5)))
        assert server.asked == [{"workspaceId": "ws", "startDate": "2026-11-20T08:00:00.000Z", "endDate": at(5)}]

    async def test_flags_that_are_false_are_not_sent(self, both: Both) -> None:
        server = LogServer([])
        logs = client_of(both, server).v1.logs
        await every(logs.list("ws", details="full", include_trace_spans=False, include_final_output=True))
        assert server.asked == [{"workspaceId": "ws", "details": "full", "includeFinalOutput": "true"}]

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"limit": 0}, "limit must be at least 1"),
            ({"limit": -5}, "limit must be at least 1"),
            ({"level": "warn"}, "level must be '"),
            ({"details": "all"}, "details must be '"),
            ({"order": "up"}, "order must be '"),
            ({"workflow_ids": "a"}, "workflow_ids must be"),
            ({"workflow_ids": []}, "workflow_ids must have at least one"),
            ({"start_date": datetime(2026, 1, 1)}, "start_date is a datetime without a time zone"),  # noqa: DTZ001
        ],
    )
    async def test_what_breaks_or_misleads_the_server_is_not_sent(
        self, both: Both, given: dict[str, Any], said: str
    ) -> None:
        server = LogServer([1])
        with pytest.raises(sim.InvalidInputError, match=said):
            await every(client_of(both, server).v1.logs.list("ws", **given))
        assert server.asked == []


class TestOne:
    async def test_a_log_is_what_the_answer_calls_data(self, both: Both) -> None:
        client = both.client(answer(200, {"data": {"id": "a/b", "executionData": {"finalOutput": 5}}, "limits": {}}))
        log = await both(client.v1.logs.get("a/b"))
        assert (log.id, log.execution_data.final_output) == ("a/b", 5)
        assert client.script.requests[0].url == "https://sim.test/api/v1/logs/a%2Fb"

    async def test_an_execution_is_the_answer_itself(self, both: Both) -> None:
        client = both.client(answer(200, {"executionId": "e", "workflowState": {"blocks": {"s": {"id": "s"}}}}))
        execution = await both(client.v1.logs.execution("e"))
        assert execution.workflow_state.blocks["s"].id == "s"
        assert execution.limits.usage.plan is None
        assert client.script.requests[0].url == "https://sim.test/api/v1/logs/executions/e"

    async def test_an_answer_without_data_is_an_error_that_names_it(self, both: Both) -> None:
        with pytest.raises(sim.InvalidResponseError, match="the body has no 'data'"):
            await both(both.client(answer(200, {"log": {}})).v1.logs.get("a"))
