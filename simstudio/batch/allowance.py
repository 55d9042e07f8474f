"""Tokens: when a request may begin under a service's rate limit, as Sim's servers have it.

A refill adds tokens each whole minute, up to the burst. Responses to executions do not report the limit before a 429,
so the service is asked how many tokens are left (:class:`~simstudio.batch.execution.Limits`): at each refill, when half
of the reported tokens are spent while other users may spend some as well, and when none should be left. Time is an
argument.
"""

from __future__ import annotations

from simstudio.batch.execution import Limits
from simstudio.batch.tokens.bucket import PATIENCE, PERIOD, Bucket
from simstudio.batch.tokens.hold import Hold
from simstudio.batch.tokens.other_users import SAME, OtherUsers
from simstudio.batch.tokens.probe import APART, Probe
from simstudio.batch.tokens.questions import ANSWERED_BY, MARGIN, Questions
from simstudio.batch.tokens.traffic import COUNTED_AFTER, Traffic

_CAPACITY_HINT = 10.0  # seconds; a server at capacity asks for a shorter wait (5)
_LOOK_AGAIN = 0.05  # seconds


class Allowance:
    """The tokens of one service, learnt from what it reports and from the outcomes of requests.

    Args:
        cost: Tokens that a request takes.
    """

    def __init__(self, cost: int) -> None:
        self.cost = self._cost = cost
        self.bucket = Bucket()
        self.others = OtherUsers()
        self.probe = Probe()
        self.hold = Hold()
        self.traffic = Traffic()
        self.questions = Questions()

    # -- reports of the service

    def seed(self, now: float, wall: float, limits: Limits | None) -> None:
        """Adopt the limits that the service reports, minus requests that it may not have counted yet."""
        asked = self.questions.close()
        if limits is None:
            self.questions.never = True
            if not self.bucket.is_known:
                self._cost = 1  # a rate that is guessed from refusals counts requests
            return
        self._cost = self.cost if limits.cost is None else limits.cost
        begun = self.traffic.begun
        _, uncounted, by_then = asked or (now, self.traffic.count_uncounted(now, self._cost), begun)
        self._adopt(now, wall, limits.rate, limits.burst, limits.remaining, limits.reset, uncounted + begun - by_then)

    def hint(self, now: float, wall: float, limit: int, remaining: int, reset: float) -> None:
        """Adopt the limit in the headers of a response: exact after a refill, later an upper bound."""
        if limit <= 0 or remaining < 0 or not 0 <= reset - wall <= PERIOD + COUNTED_AFTER:
            return
        burst = limit if remaining <= limit else 2 * limit
        hinted = self.questions.hinted
        if hinted is None or self.bucket.is_guessed or reset > hinted + 1.0:
            self.questions.hinted = reset
            self._adopt(now, wall, max(1, burst // 2), burst, remaining, reset, max(0, self.traffic.flying - 1))
            self.questions.never = True  # no request for the limits is needed
            self.questions.empty = False
        else:
            self.bucket.tokens = min(self.bucket.tokens, remaining)
        if remaining < self._cost:  # an older response that comes late does not deny it
            self.questions.empty = True  # reported by the service, so that one probe may test whether it is enforced

    def _adopt(
        self, now: float, wall: float, rate: int, burst: int | None, left: int, reset: float | None, uncounted: int
    ) -> None:
        bucket, cost = self.bucket, self._cost
        steps = bucket.periods_to(reset)
        if not uncounted:
            self._learn_others(steps, left)
        self.probe.judge(
            empty=left < cost, refilled=steps is None or abs(steps) >= SAME, plenty=left >= cost * (1 + uncounted)
        )
        possible = bucket.adopt(now, wall, rate, burst, left, max(0, left - cost * uncounted), reset)
        enough = bucket.tokens >= cost
        self.questions.adopt(
            now,
            left,
            empty=left < cost and uncounted == 0,
            enough=enough,
            refilled_by=bucket.refilled_by if possible else None,
        )
        shared = self.others.exist or self.probe.enforced is None
        self.questions.mark = bucket.tokens // 2 if shared and bucket.tokens >= 2 * cost else -1.0

    def _learn_others(self, steps: float | None, left: int) -> None:
        self.others.learn(self.bucket, self._cost, steps, left)

    # -- outcomes of requests

    def take(self, now: float, wall: float, in_flight: int) -> float:  # noqa: ARG002 - shared ones need the date
        """Seconds until a request may begin; at 0.0 its tokens have been taken."""
        self.traffic.flying = in_flight
        if self.bucket.is_known:
            self._advance(now)
        waiting = self.hold.wait(now)
        if waiting > 0:
            return waiting
        if not self.bucket.is_known or self.probe.enforced is False:
            return self._spend(now, 0)
        waiting = self.probe.wait(now)
        if waiting > 0:
            return waiting
        if self.bucket.tokens - self.others.reserve(self.bucket, self._cost) >= self._cost:
            return _LOOK_AGAIN if self._is_stale(now) else self._spend(now, self._cost)
        if self._may_probe(now):
            if now < self.traffic.last + APART:
                return self.traffic.last + APART - now
            self.probe.begin(now, alone=in_flight == 0)
            return self._spend(now, 0)
        return self._until_tokens(now)

    def see_success(self, now: float, elapsed: float) -> None:
        """Learn of a response that is no refusal."""
        self.traffic.end()
        if self.hold.strikes:
            self.hold.see_answer(now, elapsed)
        if (
            self.probe.begun is not None
            and self.probe.see_answer(now, elapsed)
            and self.questions.never
            and self.questions.empty
        ):
            self.probe.conclude(enforced=False)  # its headers reported that no tokens were left

    def see_refusal(self, now: float, wall: float, retry_after: float | None) -> bool:  # noqa: ARG002
        """Learn of a 429. True if the server is at capacity, which does not depend on tokens."""
        self.traffic.end()
        bucket, cost = self.bucket, self._cost
        counts = self.probe.enforced is not False
        pause = self.hold.see_refusal(now, retry_after)
        self.hold.extend(now + pause)
        expected = bucket.is_known and bucket.tokens < cost
        if retry_after is not None and retry_after <= _CAPACITY_HINT and not expected:
            if bucket.is_known and counts:
                bucket.tokens += cost
                self.others.pay(-cost)
            return True
        probing = self.probe.begun is not None
        told = bucket.is_known and not bucket.is_guessed
        if counts and not probing:
            self.others.pay(-cost)
            if told and (self.probe.enforced or bucket.tokens >= cost):
                self.others.surprise(now, bucket, cost)
        self.probe.conclude(enforced=True)
        bucket.take_back()
        if told:
            bucket.tokens = 0
            self.questions.hurry(now)
        else:
            bucket.guess(now, retry_after)
            self.questions.doubt = True
        return False

    def see_end(self) -> None:
        """Learn that a request is no longer in flight."""
        self.traffic.end()

    def wants(self, now: float) -> bool:
        """Whether to request the limits now. If so, the requests in flight are remembered until the response."""
        questions = self.questions
        if questions.never or self.probe.enforced is False or now < questions.next:
            return False
        uncounted = self.traffic.count_uncounted(now, self._cost)
        tokens = self.bucket.tokens
        unsure = self.probe.enforced is None and tokens < self._cost and not questions.empty and not uncounted
        if not (unsure or self.probe.passed is not None or questions.is_due(now, tokens)):
            return False
        questions.ask(now, uncounted, self.traffic.begun)
        return True

    # -- estimates

    def _spend(self, now: float, tokens: int) -> float:
        bucket = self.bucket
        if bucket.spend(now, tokens) and (bucket.is_window or bucket.is_guessed):
            self.questions.refill_from = bucket.refilled_by + MARGIN
        if tokens:
            self.others.pay(tokens)
        self.questions.empty = False
        if self.hold.strikes:
            self.hold.see_request(now)
        if bucket.is_known:
            self.probe.see_request(now)
        self.traffic.begin(now)
        return 0.0

    def _advance(self, now: float) -> None:
        """Assume a refill, or the result of a probe, that was not confirmed in time."""
        self.probe.advance(now)
        bucket = self.bucket
        if now < bucket.refilled_by:
            return
        patience = ANSWERED_BY if self.questions.is_open(now) else PATIENCE
        if bucket.is_guessed or now >= bucket.refilled_by + patience:
            self._refill(now)

    def _refill(self, now: float) -> None:
        self.questions.empty = False
        self.bucket.refill(now)
        self.questions.refill_from = self.bucket.refilled_by + MARGIN

    def _is_stale(self, now: float) -> bool:
        low = self.bucket.tokens < self._cost + max(2 * self._cost, self.bucket.rate // 10)
        return self.others.exist and low and self.questions.is_stale(now)

    def _may_probe(self, now: float) -> bool:
        if self.bucket.is_guessed or not self.probe.is_due(now, empty=self.questions.empty):
            return False
        return self.bucket.refilled_by - now > COUNTED_AFTER

    def _until_tokens(self, now: float) -> float:
        bucket, questions, probe = self.bucket, self.questions, self.probe
        if bucket.is_guessed:
            return max(MARGIN, bucket.refilled_by - now)
        if now < questions.refill_from:
            unsure = probe.passed is not None or questions.doubt or (probe.enforced is None and not questions.empty)
            until = questions.refill_from - now
            return min(until, max(MARGIN, questions.next - now)) if unsure and not questions.never else until
        return max(MARGIN, min(questions.next, bucket.refilled_by + PATIENCE) - now)
