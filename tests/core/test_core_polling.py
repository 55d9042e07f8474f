from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simstudio import (
    APIConnectionError,
    ConfigurationError,
    InvalidInputError,
    InvalidResponseError,
    JobFailedError,
    JobTimeoutError,
    NotFoundError,
    RateLimitError,
    ServerError,
    SimStudioError,
)
from simstudio.core.options import UNSET, Unset
from simstudio.core.polling import MAX_FAILED_POLLS, SHORTEST_POLL, Poller, PollSchedule
from simstudio.transport.flow import Call
from tests.driving import Both, Clock, Played, answer, play
from tests.modes import both_modes


class TestSchedule:
    def test_pauses_grow_to_a_cap(self) -> None:
        schedule = PollSchedule(initial=1.0, multiplier=2.0, maximum=5.0)
        assert [schedule.delay(n, random=0.5) for n in range(1, 6)] == [1.0, 2.0, 4.0, 5.0, 5.0]

    @given(
        st.integers(1, 100_000), st.floats(0, 1), st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True))
    )
    def test_jitter_spreads_them_by_a_tenth_and_they_stay_in_bounds(
        self, question: int, random: float, estimate: float | None
    ) -> None:
        schedule = PollSchedule()
        delay = schedule.delay(question, random=random, estimate=estimate)
        middle = schedule.delay(question, random=0.5, estimate=estimate)
        assert middle * 0.9 <= delay * (1 + 1e-9)
        assert delay <= middle * 1.1 * (1 + 1e-9)
        assert 0.45 <= delay <= 11.0

    def test_an_estimate_keeps_them_a_share_of_it(self) -> None:
        schedule = PollSchedule(initial=0.5, maximum=10.0, share=0.05)
        assert schedule.delay(50, random=0.5, estimate=60.0) == 3.0
        assert schedule.delay(50, random=0.5, estimate=10_000.0) == 10.0

    @pytest.mark.parametrize("estimate", [1.0, 0.0, -5.0])
    def test_a_short_or_senseless_estimate_does_not_make_them_shorter_than_the_first(self, estimate: float) -> None:
        assert PollSchedule(initial=0.5).delay(50, random=0.5, estimate=estimate) >= 0.5


class Gone(SimStudioError):
    """The error of the waits below."""


class Wait:
    """A poller over scripted answers and a clock that passes when it sleeps."""

    def __init__(self, *answers: Any, took: float = 0.0) -> None:
        self.clock = Clock(0.0)
        self.answers = list(answers)
        self.took = took
        self.allowed: list[float | Unset] = []
        self.asked_at: list[float] = []

    def ask(self, seconds: float | Unset) -> Any:
        self.allowed.append(seconds)
        self.asked_at.append(self.clock())
        self.clock.advance(self.took)
        given = self.answers.pop(0) if self.answers else "pending"
        if isinstance(given, BaseException):
            raise given
        return given
        yield

    def __call__(self, timeout: float | None = 60.0, **options: Any) -> Played:
        options.setdefault("schedule", PollSchedule(initial=1.0, multiplier=2.0, maximum=8.0))
        max_failures = options.pop("max_failures", MAX_FAILED_POLLS)
        poller = Poller(options.pop("schedule"), clock=self.clock, random=lambda: 0.5, max_failures=max_failures)
        flow = poller.wait(
            self.ask,
            done=lambda state: state == "done",
            expired=lambda last: Gone(f"last {last}"),
            timeout=timeout,
            client_timeout=options.pop("client_timeout", None),
            **options,
        )
        return play(flow, on_sleep=self.clock.advance)


class TestPoller:
    def test_it_asks_at_once_and_pauses_longer_and_longer(self) -> None:
        played = Wait("pending", "pending", "processing", "done")()
        assert played.result == "done"
        assert played.sleeps == [1.0, 2.0, 4.0]

    def test_what_is_done_already_is_not_waited_for(self) -> None:
        assert Wait("done")().sleeps == []

    def test_the_last_pause_is_cut_to_the_deadline_and_one_final_question_asked(self) -> None:
        wait = Wait()
        played = wait(timeout=10.0)
        assert isinstance(played.error, Gone)
        assert str(played.error) == "last pending"
        assert wait.asked_at == [0.0, 1.0, 3.0, 7.0, 10.0]

    def test_the_final_question_may_bring_the_end(self) -> None:
        played = Wait("pending", "pending", "pending", "pending", "done")(timeout=10.0)
        assert played.result == "done"

    def test_after_a_question_that_took_all_the_time_the_final_one_is_asked_at_once(self) -> None:
        wait = Wait(took=30.0)
        played = wait(timeout=10.0)
        assert isinstance(played.error, Gone)
        assert played.sleeps == [0.0]
        assert len(wait.allowed) == 2

    def test_a_question_may_take_what_is_left_but_not_too_little(self) -> None:
        wait = Wait()
        wait(timeout=10.0)
        assert wait.allowed == [10.0, 9.0, 7.0, SHORTEST_POLL, SHORTEST_POLL]

    def test_nor_more_than_the_clients_timeout_which_applies_unless_less_is_left(self) -> None:
        wait = Wait()
        wait(timeout=10.0, client_timeout=9.0)
        assert wait.allowed == [UNSET, UNSET, 7.0, SHORTEST_POLL, SHORTEST_POLL]

    def test_without_a_timeout_it_waits_for_ever(self) -> None:
        wait = Wait(*["pending"] * 500, "done")
        assert wait(timeout=None).result == "done"
        assert wait.clock.now > 3600
        assert wait.allowed == [UNSET] * 501

    @pytest.mark.parametrize(
        "failure",
        [APIConnectionError("dropped"), ServerError("500"), RateLimitError("429"), InvalidResponseError("HTML")],
    )
    def test_single_failed_questions_are_borne(self, failure: SimStudioError) -> None:
        assert Wait("pending", failure, "pending", failure, "done")().result == "done"

    def test_as_many_in_a_row_as_are_tolerated_and_no_more(self) -> None:
        failures = [ServerError(str(n)) for n in range(6)]
        assert Wait(*failures[:5], "done")().result == "done"
        played = Wait(*failures, "done")()
        assert played.error is failures[5]

    def test_an_answer_in_between_starts_the_count_anew(self) -> None:
        failures: list[Any] = [ServerError("x")] * 5
        assert Wait(*failures, "pending", *failures, "done")(timeout=None).result == "done"

    @pytest.mark.parametrize("failure", [NotFoundError("404"), ConfigurationError("closed"), RuntimeError("a bug")])
    def test_a_failure_that_asking_again_cannot_mend_comes_out_at_once(self, failure: Exception) -> None:
        wait = Wait("pending", failure)
        assert wait().error is failure
        assert len(wait.asked_at) == 2

    def test_a_failed_final_question_is_a_timeout_with_its_cause(self) -> None:
        failure = ServerError("500")
        played = Wait("pending", "pending", "processing", "processing", failure)(timeout=10.0)
        assert isinstance(played.error, Gone)
        assert str(played.error) == "last processing"
        assert played.error.__cause__ is failure

    def test_a_wait_that_never_got_an_answer_has_no_last_state(self) -> None:
        played = Wait(*[ServerError("500")] * 9)(timeout=2.0)
        assert str(played.error) == "last None"

    def test_a_servers_wait_is_a_floor_of_the_next_pause(self) -> None:
        limited = RateLimitError("429")
        limited.retry_after = 20.0
        assert Wait(limited, "done")().sleeps == [20.0]

    def test_a_servers_wait_past_the_deadline_is_cut_to_it(self) -> None:
        limited = RateLimitError("429")
        limited.retry_after = 1e300
        assert Wait(limited, "done")().sleeps == [60.0]

    def test_a_servers_senseless_wait_is_bounded_even_without_a_deadline(self) -> None:
        limited = RateLimitError("429")
        limited.retry_after = 1e300
        (pause,) = Wait(limited, "done")(timeout=None).sleeps
        assert pause <= 24 * 3600

    def test_without_a_deadline_a_day_of_refusals_is_the_end(self) -> None:
        played = Wait("pending", *(RateLimitError(str(n)) for n in range(20_000)))(timeout=None)
        assert isinstance(played.error, RateLimitError)
        assert 24 * 3600 < sum(played.sleeps) < 25 * 3600

    def test_an_answer_within_that_day_starts_it_anew(self) -> None:
        refusals = [RateLimitError("429")] * 10_000  # of 8 s each
        assert Wait(*refusals, "pending", *refusals, "done")(timeout=None).result == "done"

    def test_polls_that_are_refused_only_after_long_are_counted_by_the_clock(self) -> None:
        played = Wait(*(RateLimitError(str(n)) for n in range(99)), took=20_000.0)(timeout=None)
        assert str(played.error) == "4"

    @pytest.mark.parametrize(("timeout", "least"), [(60.0, 50.0), (None, 23 * 3600.0)])
    def test_a_run_that_is_refused_is_begun_again_until_the_deadline_or_for_a_day(
        self, timeout: float | None, least: float
    ) -> None:
        clock = Clock(0.0)
        refused = RateLimitError("429")

        def start() -> Any:
            raise refused
            yield

        schedule = PollSchedule(initial=1.0, multiplier=2.0, maximum=8.0)
        played = play(Poller(schedule, clock=clock).begin(start, timeout), on_sleep=clock.advance)
        assert played.error is refused
        assert least < sum(played.sleeps) < (timeout or 24 * 3600.0)

    def test_progress_is_told_once_a_question_the_last_included(self) -> None:
        told: list[str] = []
        Wait("pending", ServerError("500"), "processing", "done")(on_progress=told.append)
        assert told == ["pending", "processing", "done"]

    def test_progress_that_raises_ends_the_wait_and_comes_out(self) -> None:
        enough = APIConnectionError("mine, though it looks like a failed question")

        def stop(_: str) -> None:
            raise enough

        wait = Wait("pending", "pending", "done")
        assert wait(on_progress=stop).error is enough
        assert len(wait.asked_at) == 1

    def test_progress_is_a_step_so_that_it_may_be_async(self) -> None:
        played = Wait("done")(on_progress=lambda _: None)
        assert isinstance(played.steps[0], Call)

    def test_an_estimate_of_the_server_guides_the_pauses(self) -> None:
        schedule = PollSchedule(initial=1.0, multiplier=100.0, maximum=50.0, share=0.1)
        played = Wait("pending", "pending", "done")(schedule=schedule, estimate=lambda _: 40.0)
        assert played.sleeps == [1.0, 4.0]


def job(status: str, **more: Any) -> Any:
    return answer(200, {"success": True, "taskId": "t1", "status": status, **more})


class TestJobs:
    @both_modes
    async def test_waiting_follows_a_job_to_its_end(self, both: Both, no_waiting: list[float]) -> None:
        made = both.client(
            job("queued"), job("processing"), job("completed", output={"success": True, "output": {"n": 1}})
        )
        done = await both(made.jobs.wait("t1"))
        assert done.result.output == {"n": 1}
        assert len(no_waiting) == 2
        assert {request.path for request in made.script.requests} == {"/api/jobs/t1"}

    @both_modes
    async def test_progress_may_be_async_on_the_async_client_only(self, both: Both) -> None:
        told: list[str] = []

        async def tell(state: Any) -> None:
            told.append(state.status)

        made = both.client(job("completed"))
        if both.asynchronous:
            await made.jobs.wait("t1", on_progress=tell)
            assert told == ["completed"]
        else:
            with pytest.raises(ConfigurationError, match="is async, and this client is not") as caught:
                made.jobs.wait("t1", on_progress=tell)
            assert caught.value.task_id == "t1"

    @pytest.mark.parametrize(
        "estimate",
        ["5000", {"ms": 5}, True, -1, 1e300, float("nan"), 10**400, None, [1]],
        ids=lambda value: repr(value)[:12],
    )
    async def test_garbage_for_an_estimate_does_not_break_the_wait(
        self, both: Both, no_waiting: list[float], estimate: Any
    ) -> None:
        content = b'{"taskId":"t1","status":"queued","estimatedDuration":%s}'
        text = "1" + "0" * 400 if estimate == 10**400 else json.dumps(estimate)
        made = both.client(answer(content=content % text.encode()), job("completed"))
        assert (await both(made.jobs.wait("t1"))).succeeded
        assert 0.4 < no_waiting[0] < 11

    @pytest.mark.parametrize("execution_id", [{"a": 1}, ["x"], 5])
    async def test_garbage_for_an_execution_id_does_not_hide_the_failure(self, both: Both, execution_id: Any) -> None:
        made = both.client(job("failed", executionId=execution_id))
        with pytest.raises(JobFailedError):
            await both(made.jobs.wait("t1"))

    @pytest.mark.parametrize("state", [{}, {"status": None}, {"status": ["completed"]}, {"status": ""}])
    @pytest.mark.parametrize("options", [{}, {"api_version": "v2"}])
    async def test_a_job_without_a_status_is_got_but_not_waited_for(
        self, both: Both, no_waiting: list[float], state: dict[str, Any], options: dict[str, Any]
    ) -> None:
        state = {**state, "output": 5}
        body = {"data": state} if options else state
        made = both.client(*[answer(200, body)] * (1 + 1 + MAX_FAILED_POLLS), **options)
        assert (await both(made.jobs.get("t1", workflow_id="wf"))).output == 5
        with pytest.raises(InvalidResponseError, match="the body is no Job: its status is") as caught:
            await both(made.jobs.wait("t1", workflow_id="wf"))
        assert caught.value.task_id == "t1"
        assert caught.value.response is not None
        assert caught.value.response.json() == body
        assert len(no_waiting) == MAX_FAILED_POLLS

    async def test_an_unfinished_job_is_a_timeout_that_can_be_waited_on(
        self, both: Both, no_waiting: list[float]
    ) -> None:
        clock = Clock()

        def slow(_: Any) -> Any:
            clock.advance(60.0)
            return job("processing")

        made = both.client(slow, slow, job("completed"))
        made.jobs.poller = Poller(clock=clock)
        with pytest.raises(JobTimeoutError) as caught:
            await both(made.jobs.wait("t1", timeout=10))
        assert caught.value.code == "TIMEOUT"
        assert caught.value.task_id == "t1"
        assert caught.value.job.status == "processing"
        assert (await both(made.jobs.wait(caught.value.job))).succeeded

    @pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), True, "60"])
    async def test_a_senseless_timeout_is_refused_before_anything_is_sent(self, both: Both, timeout: Any) -> None:
        made = both.client()
        with pytest.raises(InvalidInputError, match="timeout"):
            await both(made.jobs.wait("t1", timeout=timeout))
        with pytest.raises(InvalidInputError, match="timeout"):
            await both(made.workflows.run("wf", timeout=timeout))

    async def test_a_poll_interval_takes_the_place_of_growing_pauses(self, both: Both, no_waiting: list[float]) -> None:
        made = both.client(*[job("queued")] * 4, job("completed"))
        await both(made.jobs.wait("t1", poll_interval=2))
        assert no_waiting == [2.0, 2.0, 2.0, 2.0]

    @pytest.mark.parametrize("poll_interval", [0, -1, float("nan"), True, "2"])
    async def test_a_senseless_poll_interval_is_refused(self, both: Both, poll_interval: Any) -> None:
        made = both.client()
        with pytest.raises(InvalidInputError, match="poll_interval"):
            await both(made.workflows.run("wf", poll_interval=poll_interval))
        assert made.script.requests == []

    @pytest.mark.parametrize("on_progress", [5, "print", []])
    async def test_progress_is_a_function(self, both: Both, on_progress: Any) -> None:
        with pytest.raises(InvalidInputError, match="on_progress"):
            await both(both.client().jobs.wait("t1", on_progress=on_progress))


def test_a_flow_of_questions_is_played_without_a_client() -> None:
    def ask(_: float | Unset) -> Any:
        return "done"
        yield

    flow = Poller().wait(ask, done=lambda _: True, expired=lambda _: Gone("x"), timeout=None, client_timeout=None)
    assert play(flow).result == "done"
