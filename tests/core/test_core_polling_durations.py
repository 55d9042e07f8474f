"""Asking where an end is likely: what is remembered of earlier runs, and what a wrong memory may cost."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simstudio import ServerError, SimStudioError
from simstudio.core.expectations import Durations, Expectation, Watch
from simstudio.core.options import Unset
from simstudio.core.polling import Poller, PollSchedule
from tests.driving import Both, Clock, Played, answer, play

SECONDS = st.floats(0.01, 100_000)
EXPECTATIONS = st.builds(Expectation, SECONDS, st.floats(0.05, 5), st.floats(0.01, 1), st.floats(0.01, 1))


def questions(duration: float, expected: Expectation | None) -> tuple[int, float]:
    """How many questions a run costs, and how late its end is seen."""
    schedule = PollSchedule()
    now, asked = 0.0, 1
    while now < duration:
        now += (
            schedule.delay(asked, random=0.5)
            if expected is None
            else expected.delay(now, maximum=schedule.maximum)
        )  # fmt: skip
        asked += 1
    return asked, now - duration


class TestExpectation:
    @given(EXPECTATIONS, st.floats(0, 1e6), st.floats(0.05, 60))
    def test_no_pause_is_shorter_than_the_price_of_a_question_nor_longer_than_the_maximum(
        self, expected: Expectation, elapsed: float, maximum: float
    ) -> None:
        pause = expected.delay(elapsed, maximum=maximum)
        assert min(expected.price, maximum) <= pause <= maximum

    @given(EXPECTATIONS, st.floats(0, 1e6), st.floats(0, 1e6))
    def test_the_share_that_is_running_only_falls(self, expected: Expectation, one: float, other: float) -> None:
        assert 0 <= expected.share_running(max(one, other)) <= expected.share_running(min(one, other)) <= 1

    @given(st.lists(SECONDS, min_size=1, max_size=30), st.floats(0.01, 2000))
    def test_a_wrong_memory_costs_at_most_twice_the_questions_and_the_longest_pause(
        self, remembered: list[float], duration: float
    ) -> None:
        durations = Durations()
        for seconds in remembered:
            durations.add("wf", seconds)
        asked, late = questions(duration, durations.expect("wf"))
        assert late <= PollSchedule().maximum
        assert asked <= 2 * questions(duration, None)[0] + 2

    @pytest.mark.parametrize("median", [0.3, 3.0, 30.0, 300.0])
    def test_it_asks_most_often_around_the_median(self, median: float) -> None:
        expected = Expectation(median, 0.1)
        around = expected.delay(median, maximum=1e6)
        assert around < expected.delay(median / 2, maximum=1e6)
        assert around < expected.delay(median * 2, maximum=1e6)

    def test_a_run_as_expected_is_seen_sooner_for_fewer_questions_than_without_a_memory(self) -> None:
        asked, late = questions(120.0, Expectation(120.0, 0.1))
        asked_before, late_before = questions(120.0, None)
        assert asked < asked_before
        assert late < late_before

    def test_after_the_expected_end_the_pauses_grow_again(self) -> None:
        expected = Expectation(10.0, 0.1)
        pauses = [expected.delay(elapsed, maximum=1e6) for elapsed in (15.0, 30.0, 100.0, 1000.0)]
        assert pauses == sorted(pauses)
        assert pauses[-1] > 5 * pauses[0]

    @pytest.mark.parametrize("field", ["median", "spread", "doubt", "price"])
    def test_its_numbers_are_positive(self, field: str) -> None:
        with pytest.raises(ValueError, match=field):
            Expectation(**{"median": 1.0, "spread": 1.0, field: 0.0})

    def test_all_that_it_remembers_being_over_long_ago_it_asks_as_seldom_as_it_may(self) -> None:
        assert Expectation(1e-300, 1e-3, doubt=1e-300).delay(1e300, maximum=10.0) == 10.0


class TestDurations:
    def test_of_what_never_ran_nothing_is_expected(self) -> None:
        assert Durations().expect("wf") is None

    def test_the_median_run_is_expected(self) -> None:
        durations = Durations()
        for seconds in (10.0, 11.0, 9.0):
            durations.add("wf", seconds)
        expected = durations.expect("wf")
        assert expected is not None
        assert expected.median == pytest.approx(10.0)

    def test_single_runs_out_of_the_ordinary_change_nothing(self) -> None:
        durations = Durations()
        for seconds in (60.0, 60.0, 0.1, 60.0, 5000.0, 60.0):
            durations.add("wf", seconds)
        expected = durations.expect("wf")
        assert expected is not None
        assert expected.median == pytest.approx(60.0)

    def test_a_workflow_that_changed_is_known_anew_after_five_runs(self) -> None:
        durations = Durations()
        for seconds in [60.0] * 16 + [5.0] * 5:
            durations.add("wf", seconds)
        expected = durations.expect("wf")
        assert expected is not None
        assert expected.median == pytest.approx(5.0)

    def test_the_more_runs_agree_the_narrower_and_surer_it_is(self) -> None:
        durations = Durations()
        seen = []
        for _ in range(6):
            durations.add("wf", 60.0)
            expected = durations.expect("wf")
            assert expected is not None
            seen.append((expected.spread, expected.doubt))
        assert seen == sorted(seen, reverse=True)
        assert len(set(seen)) == 6

    def test_runs_that_differ_more_are_expected_more_broadly(self) -> None:
        durations = Durations()
        for near, far in ((100, 10), (101, 1000), (99, 100), (100, 30), (102, 300)):
            durations.add("steady", near)
            durations.add("varying", far)
        steady, varying = durations.expect("steady"), durations.expect("varying")
        assert steady is not None
        assert varying is not None
        assert varying.spread > 2 * steady.spread

    @given(st.lists(st.floats(1e-300, 1e300), min_size=1, max_size=40))
    def test_whatever_was_seen_makes_a_usable_expectation(self, seen: list[float]) -> None:
        durations = Durations()
        for seconds in seen:
            durations.add("wf", seconds)
        expected = durations.expect("wf")
        assert expected is not None
        assert 0.05 <= expected.spread < math.inf
        assert 0 < expected.delay(1.0, maximum=10.0) <= 10.0

    @pytest.mark.parametrize("seconds", [0.0, -1.0, math.inf, -math.inf, math.nan])
    def test_nonsense_is_not_remembered(self, seconds: float) -> None:
        durations = Durations()
        durations.add("wf", seconds)
        assert durations.expect("wf") is None

    def test_it_is_bounded_and_forgets_what_was_not_seen_for_longest(self) -> None:
        durations = Durations(keys=2)
        for key in ("a", "b", "a", "c"):
            durations.add(key, 1.0)
        assert len(durations) == 2
        assert durations.expect("b") is None
        assert durations.expect("a") is not None

    def test_a_workflow_remembers_its_last_runs_only(self) -> None:
        durations = Durations(runs=3)
        for seconds in (1.0, 1.0, 1.0, 50.0, 50.0, 50.0):
            durations.add("wf", seconds)
        expected = durations.expect("wf")
        assert expected is not None
        assert expected.doubt == pytest.approx(1 / 5)


class TestWatch:
    def test_a_run_ended_between_two_questions(self) -> None:
        watch = Watch(begun=100.0)
        watch.record_running(104.0)
        assert watch.duration(106.0, None) == 5.0

    @pytest.mark.parametrize(("told", "took"), [(5.5, 5.5), (1.0, 4.0), (60.0, 6.0)])
    def test_what_the_server_tells_counts_as_far_as_it_was_seen(self, told: float, took: float) -> None:
        watch = Watch(begun=100.0)
        watch.record_running(104.0)
        assert watch.duration(106.0, told) == took

    def test_a_run_that_was_never_seen_running_is_known_by_the_servers_word_only(self) -> None:
        assert Watch(begun=100.0).duration(106.0, None) is None
        assert Watch(begun=100.0).duration(106.0, 2.0) == 2.0

    def test_a_run_of_unknown_beginning_is_known_by_the_servers_word_only(self) -> None:
        watch = Watch(begun=None)
        watch.record_running(104.0)
        assert watch.duration(106.0, None) is None
        assert watch.duration(106.0, 2.0) == 2.0


class Gone(SimStudioError):
    """The error of the waits below."""


class TestPoller:
    def wait(self, *answers: Any, begun: float | None = None, timeout: float = 600.0) -> Played:
        clock = Clock(1000.0)
        left = list(answers)

        def ask(_: float | Unset) -> Any:
            given = left.pop(0) if left else "pending"
            if isinstance(given, BaseException):
                raise given
            return given
            yield

        flow = Poller(clock=clock, random=lambda: 0.5).wait(
            ask,
            done=lambda state: state == "done",
            expired=lambda _: Gone("over"),
            timeout=timeout,
            client_timeout=None,
            estimate=lambda _: 180.0,
            expected=Expectation(60.0, 0.1),
            begun=begun,
        )
        return play(flow, on_sleep=clock.advance)

    def test_an_expectation_takes_the_place_of_schedule_and_estimate(self) -> None:
        expected = Expectation(60.0, 0.1)
        first = expected.delay(0.0, maximum=10.0)
        second = expected.delay(first, maximum=10.0)
        assert self.wait("pending", "pending", "done").sleeps == [first, second]

    def test_what_is_done_already_is_not_waited_for(self) -> None:
        assert self.wait("done").sleeps == []

    def test_time_that_passed_before_the_wait_counts(self) -> None:
        (pause,) = self.wait("pending", "done", begun=940.0).sleeps
        assert pause == Expectation(60.0, 0.1).delay(60.0, maximum=10.0)

    def test_the_last_pause_is_cut_to_the_deadline(self) -> None:
        played = self.wait(timeout=3.0)
        assert isinstance(played.error, Gone)
        assert played.sleeps == [3.0]

    def test_failed_questions_near_the_expected_end_are_asked_again_as_patiently_as_ever(self) -> None:
        failures = [ServerError("500")] * 5
        played = self.wait(*failures, "done", begun=940.0)
        schedule = PollSchedule()
        assert played.result == "done"
        assert all(
            pause >= schedule.delay(failed, random=0.5) for failed, pause in enumerate(played.sleeps, start=1)
        )  # fmt: skip

    def test_a_servers_wait_is_a_floor(self) -> None:
        from simstudio import RateLimitError

        limited = RateLimitError("429")
        limited.retry_after = 25.0
        assert self.wait(limited, "done").sleeps == [25.0]


class Server:
    """Runs of one workflow on a clock of their own: each takes what it is told."""

    def __init__(self, both: Both, monkeypatch: pytest.MonkeyPatch, *, tells: bool = False) -> None:
        self.clock = Clock()
        self.tells = tells
        self.takes = 0.0
        self.asked: list[float] = []
        self.begun = 0.0
        self.both = both
        self.client = both.client(*[self.answer] * 1000, max_retries=0)
        self.client.jobs.poller = Poller(clock=self.clock, random=lambda: 0.5)

        async def sleep(seconds: float) -> None:
            self.clock.advance(seconds)

        monkeypatch.setattr("simstudio.transport.flow.time.sleep", self.clock.advance)
        monkeypatch.setattr("asyncio.sleep", sleep)

    def answer(self, request: Any) -> Any:
        if request.method == "POST":
            self.begun = self.clock()
            self.asked = []
            return answer(202, {"success": True, "taskId": "t1", "status": "queued"})
        age = self.clock() - self.begun
        self.asked.append(age)
        done = age >= self.takes
        body: dict[str, Any] = {"taskId": "t1", "status": "completed" if done else "processing"}
        if done and self.tells:
            body["metadata"] = {"duration": self.takes * 1000}
        return answer(200, content=json.dumps(body).encode())

    async def run(self, takes: float, workflow: str = "wf", **options: Any) -> tuple[int, float]:
        """How many questions a run cost, and how late its end was seen."""
        self.takes = takes
        await self.both(self.client.workflows.run(workflow, {}, **options))
        return len(self.asked), self.asked[-1] - takes


class TestJobs:
    @pytest.mark.parametrize("tells", [True, False], ids=["the server tells durations", "it does not"])
    async def test_a_workflow_that_ran_before_is_asked_for_when_its_end_is_likely(
        self, both: Both, monkeypatch: pytest.MonkeyPatch, tells: bool
    ) -> None:
        server = Server(both, monkeypatch, tells=tells)
        first = await server.run(100.0)
        later = first
        for _ in range(5):
            later = await server.run(100.0)
        assert later[0] < first[0]
        assert later[1] < first[1]

    async def test_another_workflow_is_not_judged_by_it(self, both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
        server = Server(both, monkeypatch)
        first = await server.run(100.0)
        await server.run(100.0)
        assert await server.run(100.0, "another") == first

    async def test_a_poll_interval_takes_the_place_of_the_memory(
        self, both: Both, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server = Server(both, monkeypatch)
        await server.run(10.0)
        await server.run(10.0, poll_interval=3)
        assert server.asked == [0.0, 3.0, 6.0, 9.0, 12.0]

    async def test_a_job_of_unknown_beginning_is_asked_for_at_growing_pauses(
        self, both: Both, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server = Server(both, monkeypatch)
        await server.run(10.0)
        growing = server.asked
        server.asked, server.begun = [], server.clock()
        await both(server.client.jobs.wait("t2", workflow_id="wf"))
        assert server.asked == growing

    @pytest.mark.parametrize("duration", ["5", True, -5, 0, 1e300, 10**400, [1], {"ms": 1}], ids=lambda v: repr(v)[:9])
    async def test_garbage_for_a_duration_breaks_nothing(
        self, both: Both, no_waiting: list[float], duration: Any
    ) -> None:
        body = {"taskId": "t1", "status": "completed", "metadata": {"duration": "?"}}
        text = "1" + "0" * 400 if duration == 10**400 else json.dumps(duration)
        content = json.dumps(body).replace('"?"', text).encode()
        made = both.client(answer(202, {"success": True, "taskId": "t1", "status": "queued"}), answer(content=content))
        await both(made.workflows.run("wf", {}))
        assert no_waiting == []
