"""Tokens: the bucket of a service's rate limit, modelled as Sim's servers have it.

So many tokens come each whole minute, and at most the burst is held. Executions say nothing of it until a bare 429, so
the service is asked what is left (:class:`~simstudio.batch.execution.Limits`): at each refill, when half of what was
told is spent as long as others may spend too, and when none should be left. Pure: time is an argument.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simstudio.batch.execution import Limits

PERIOD = 60.0
"""Seconds from one refill to the next."""

_MARGIN = 0.05  # seconds after a refill before it is looked for
_GRACE = 2.0  # seconds after which a request has surely been counted by the server
_PATIENCE = 1.0  # seconds a refill is waited for to be confirmed, where nobody asks
_PENDING = 10.0  # and where somebody has asked
_FRESH = 0.5  # seconds for which the last few tokens are believed where others take some too
_FIRST_ASK, _LAST_ASK = 0.25, 5.0  # seconds between questions that changed nothing
_APART = 0.05  # seconds around a probe in which nothing else begins, so that its answer is known as its own
_SAME = 1 / 60  # of a period: two refills told no further apart are one
_LONGEST_HOLD = 60.0
_CAPACITY_HINT = 10.0  # seconds: what a server at capacity asks to wait (5) is less


class Allowance:
    """The tokens believed to be left, as a bucket that is refilled in whole minutes.

    Servers may report limits that they do not enforce. The first time none should be left, one request is let through
    all the same (a *probe*); when it is answered although no refill came in between, they are not enforced, and only a
    429 makes them matter again. When it is refused they are, and no other probe follows.

    Args:
        cost: Tokens a request takes.
    """

    def __init__(self, cost: int) -> None:
        self.cost = self._cost = cost
        self.tokens = math.inf
        self._rate = self._burst = 0
        self._window = False  # v0.4: all anew each minute, from the first request on
        self._guessed = False  # learned from refusals only
        self._known = self._told_nothing = False
        self._left_told = 0
        self._enforced: bool | None = None
        self._others = False  # whether somebody else takes tokens, too
        self._others_took = 0.0  # in this period
        self._kept = 0.0  # tokens left for them
        self._surprised = -math.inf  # when they took more
        self._paid = 0  # tokens, in all
        self._exact: tuple[int, int] | None = None  # what was left when all requests were counted, and paid by then
        self._ask_from = -math.inf  # when the server may have refilled
        self._told: float | None = None  # the refill it told of, in epoch seconds
        self._latest = math.inf  # when it surely has
        self._full = False  # a full bucket may begin its minute with the next request
        self._mark = -1.0  # ask again when no more than these tokens are left
        self._doubt = self._empty = False  # tokens are not / surely what the server says: none
        self._seeded_at = -math.inf
        self._stale_from: float | None = None
        self._unsure_from: float | None = None
        self._asked: tuple[float, int, int] | None = None  # when, requests maybe not counted yet, begun in all
        self._next_ask = -math.inf
        self._ask_every = _FIRST_ASK
        self._begun = self._flying = 0
        self._recent: deque[float] = deque()  # when the requests of the last seconds began
        self._last_take = -math.inf
        self._probe: tuple[float, bool] | None = None  # when, and whether nothing else was in flight
        self._passed: float | None = None  # when the probe was answered
        self._hold = -math.inf
        self._strikes = 0  # refusals in a row, each after waiting
        self._trial_at = -math.inf
        self._in_period = 0  # begun and not refused since the last refill, where the rate is guessed
        self._periods = 0
        self._hinted: float | None = None

    # -- what the server tells

    def seed(self, now: float, wall: float, limits: Limits | None) -> None:
        """Adopt what the service says about its limits, less the requests that it may not have counted yet."""
        asked, self._asked = self._asked, None
        if limits is None:
            self._told_nothing = True
            if not self._known:
                self._cost = 1  # a rate that is guessed from refusals counts requests
            return
        self._cost = self.cost if limits.cost is None else limits.cost
        _, uncounted, begun = asked or (now, self._uncounted(now), self._begun)
        uncounted += self._begun - begun
        self._adopt(now, wall, limits.rate, limits.burst, limits.remaining, limits.reset, uncounted)

    def _adopt(
        self, now: float, wall: float, rate: int, burst: int | None, left: int, reset: float | None, uncounted: int
    ) -> None:
        steps = None if reset is None or self._told is None else (reset - self._told) / PERIOD
        if not uncounted:
            self._learn_others(steps, left)
        if self._passed is not None and left < self._cost and steps is not None and abs(steps) < _SAME:
            self._enforced = False
        if self._passed is not None or left >= self._cost * (1 + uncounted):
            self._passed = self._probe = None  # with tokens left, an answer shows nothing
        self._told = reset
        self._known, self._guessed, self._doubt = True, False, False
        self._rate, self._burst, self._window = rate, burst or rate, burst is None
        self._left_told = left
        self.tokens = max(0, left - self._cost * uncounted)
        self._empty = left < self._cost and uncounted == 0
        self._full = left >= self._burst
        self._seeded_at, self._stale_from, self._unsure_from = now, None, None
        reset_in = PERIOD if reset is None else reset - wall
        possible = reset is not None and 0 < reset_in <= PERIOD + _PATIENCE  # else the clocks differ
        self._latest = now + (reset_in if possible else PERIOD)
        if self.tokens >= self._cost:
            self._ask_every = _FIRST_ASK
        elif not possible:
            self._ask_every = min(_LAST_ASK, 2 * self._ask_every)
        self._ask_from = self._latest + _MARGIN if possible else now + max(self._ask_every, _PATIENCE)
        self._next_ask = now + self._ask_every
        shared = self._others or self._enforced is None
        self._mark = self.tokens // 2 if shared and self.tokens >= 2 * self._cost else -1.0

    def hint(self, now: float, wall: float, limit: int, remaining: int, reset: float) -> None:
        """Adopt what an answer's headers say: exact after a refill, later the most that can be left."""
        if limit <= 0 or remaining < 0 or not 0 <= reset - wall <= PERIOD + _GRACE:
            return
        burst = limit if remaining <= limit else 2 * limit
        if self._hinted is None or self._guessed or reset > self._hinted + 1.0:
            self._hinted = reset
            self._adopt(now, wall, max(1, burst // 2), burst, remaining, reset, max(0, self._flying - 1))
            self._told_nothing = True  # nobody need ask
            self._empty = False
        else:
            self.tokens = min(self.tokens, remaining)
        if remaining < self._cost:  # an older answer that comes late does not deny it
            self._empty = True  # the server says so itself: one probe may find out whether it means it

    # -- what becomes of requests

    def take(self, now: float, wall: float, in_flight: int) -> float:  # noqa: ARG002 - shared ones need the date
        """Seconds until a request may begin; 0.0 when its tokens are taken."""
        self._flying = in_flight
        self._advance(now)
        waiting = self._held(now)
        if waiting > 0:
            return waiting
        if not self._known or self._enforced is False:
            return self._spend(now, 0)
        if self._probe is not None and now < self._probe[0] + _APART:
            return self._probe[0] + _APART - now
        if self.tokens - self._reserve() >= self._cost:
            return 0.05 if self._is_stale(now) else self._spend(now, self._cost)
        if self._may_probe(now):
            if now < self._last_take + _APART:
                return self._last_take + _APART - now
            self._probe = (now, in_flight == 0)
            return self._spend(now, 0)
        return self._until_tokens(now)

    def succeeded(self, now: float, elapsed: float) -> None:
        """An answer that is no refusal."""
        self.ended()
        if now - elapsed >= self._hold:
            self._strikes = 0
        if self._probe is not None and self._passed is None:
            begun, alone = self._probe
            if alone or abs(now - elapsed - begun) <= _APART / 2:
                self._passed = now
                if self._told_nothing and self._empty:  # its own headers said that nothing was left
                    self._enforced, self._probe, self._passed = False, None, None

    def refused(self, now: float, wall: float, retry_after: float | None) -> bool:  # noqa: ARG002
        """A 429; True when the server is at capacity, which has nothing to do with tokens."""
        self.ended()
        expected = self._known and self.tokens < self._cost
        if now >= self._hold:
            self._strikes += 1
        backoff = min(_LONGEST_HOLD, 0.5 * 2.0 ** min(self._strikes, 10))  # a server may ask for less than it needs
        pause = backoff if retry_after is None else max(retry_after, backoff if self._strikes > 1 else 0.0)
        if retry_after is not None and retry_after <= _CAPACITY_HINT and not expected:
            self._hold = max(self._hold, now + pause)
            if self._known and self._enforced is not False:
                self.tokens += self._cost
                self._paid -= self._cost
            return True
        self._paid -= self._cost if self._probe is None and self._enforced is not False else 0
        known = self._known and not self._guessed and self._enforced is not False and self._probe is None
        if known and (self._enforced or self.tokens >= self._cost) and now > self._surprised + _PENDING:
            self._others, self._surprised = True, now
            self._kept = min(2.0 * max(self._kept, self._cost), float(self._rate))
        self._enforced = True
        self._probe = self._passed = None
        self._hold = max(self._hold, now + pause)
        self._in_period = max(0, self._in_period - 1)
        if self._known and not self._guessed:
            self.tokens, self._doubt = 0, True
            self._next_ask = min(self._next_ask, now)
        else:
            self._guess(now, retry_after)
            self._doubt = True
        return False

    def ended(self) -> None:
        """A request is no longer in flight."""
        self._flying = max(0, self._flying - 1)

    def wants(self, now: float) -> bool:
        """Whether to ask the server; when so, what is in flight is remembered until the answer."""
        if self._told_nothing or self._enforced is False or now < self._next_ask:
            return False
        uncounted = self._uncounted(now)
        unsure = self._enforced is None and self.tokens < self._cost and not self._empty and not uncounted
        stale = self._stale_from is not None
        spent = self.tokens <= self._mark
        due = now >= self._ask_from
        if not (self._doubt or due or unsure or stale or spent or self._passed is not None):
            return False
        self._asked = (now, uncounted, self._begun)
        self._next_ask = now + self._ask_every
        self._ask_every = min(_LAST_ASK, 2 * self._ask_every)
        return True

    # -- what is believed

    def _learn_others(self, steps: float | None, left: int) -> None:
        """What others have taken since the last exact look, some periods ago: as much is left for them from now on."""
        before, self._exact = self._exact, (left, self._paid)
        if before is None or steps is None or not self._known or self._guessed or self._full or steps < -_SAME:
            return
        expected = before[0] - (self._paid - before[1])
        if steps > _SAME:
            if not self._window and abs(steps - round(steps)) > _SAME:
                return
            expected = self._burst if self._window else min(self._burst, expected + round(steps) * self._rate)
        self._others_took += max(0, expected - left)
        self._others = self._others or self._others_took > 0
        if steps > 1 - _SAME:
            self._kept = min(max(0.75 * self._kept, 1.25 * self._others_took + self._cost), float(self._rate))
            self._others_took = 0.0

    def _spend(self, now: float, tokens: int) -> float:
        if tokens and self._full:
            self._full = False
            self._latest = max(self._latest, now + PERIOD)
            if self._window or self._guessed:
                self._ask_from = self._latest + _MARGIN
        self.tokens -= tokens
        self._paid += tokens
        self._empty, self._unsure_from = False, None
        self._begun += 1
        self._in_period += 1
        self._flying += 1
        self._last_take = now
        self._recent.append(now)
        if self._strikes:
            self._trial_at = now
        if self._probe is not None and self._probe[0] != now:
            self._probe = (self._probe[0], False)
        self._uncounted(now)
        return 0.0

    def _uncounted(self, now: float) -> int:
        while self._recent and self._recent[0] <= now - _GRACE:
            self._recent.popleft()
        # a background run's second token is taken some time after its answer
        return len(self._recent) if self._cost > 1 else min(len(self._recent), self._flying)

    def _advance(self, now: float) -> None:
        """Believe in a refill that nobody confirmed, and in a probe's answer that nobody confirmed."""
        if self._passed is not None and now > self._passed + _PENDING:  # nobody says what was left
            self._enforced, self._probe, self._passed = False, None, None
        if self._probe is not None and self._passed is None and now > self._probe[0] + PERIOD:
            self._probe = None
        if not self._known or now < self._latest:
            return
        asked = self._asked is not None and now < self._asked[0] + _PENDING
        if self._guessed or now >= self._latest + (_PENDING if asked else _PATIENCE):
            self._refill(now)

    def _refill(self, now: float) -> None:
        steps = 1 + int((now - self._latest) // PERIOD)
        self._empty = False
        if self._guessed and steps > 0:
            self._periods += 1
            if self._periods % 5 == 0:
                self._rate += max(1, self._rate // 100)  # the guess may be too low
            self._burst = self._rate
            self._in_period = 0
        if self._window or self._guessed:
            self.tokens, self._full = self._burst, True
        else:
            self.tokens = min(self._burst, self.tokens + steps * self._rate)
        self._latest += steps * PERIOD
        self._ask_from = self._latest + _MARGIN

    def _guess(self, now: float, retry_after: float | None) -> None:
        """The server tells nothing but refusals: what it let through since the last refill is what it allows."""
        self._rate = self._burst = max(1, self._in_period)
        self.tokens = 0
        if not self._guessed or retry_after is not None:
            self._latest = now + (PERIOD if retry_after is None else retry_after)
        self._known = self._guessed = True
        self._full = False

    def _held(self, now: float) -> float:
        if now < self._hold:
            return self._hold - now
        if self._strikes > 1 and now < self._trial_at + _GRACE and self._trial_at >= self._hold:
            return self._trial_at + _GRACE - now
        return 0.0

    def _reserve(self) -> int:
        """Tokens left for the others, who would otherwise be refused and come back in the middle of our requests.

        It costs nothing but these tokens, once: the bucket holds two minutes' and keeps what they do not take. (A
        window keeps nothing.)
        """
        if not self._others or self._window or self._guessed:
            return 0
        return max(0, min(math.ceil(self._kept), self._burst - self._cost))

    def _is_stale(self, now: float) -> bool:
        low = self.tokens < self._cost + max(2 * self._cost, self._rate // 10)
        if not (self._others and low) or self._told_nothing or now <= self._seeded_at + _FRESH:
            return False
        if self._stale_from is None:
            self._stale_from = now
        return now < self._stale_from + _GRACE

    def _may_probe(self, now: float) -> bool:
        if self._enforced is not None or self._probe is not None or self._guessed:
            return False
        if self._unsure_from is None:
            self._unsure_from = now
        sure = self._empty or now > self._unsure_from + _PENDING  # nobody asks, or nobody answers
        return sure and self._latest - now > _GRACE

    def _until_tokens(self, now: float) -> float:
        if self._guessed:
            return max(_MARGIN, self._latest - now)
        if now < self._ask_from:
            unsure = self._passed is not None or self._doubt or (self._enforced is None and not self._empty)
            until = self._ask_from - now
            return min(until, max(_MARGIN, self._next_ask - now)) if unsure and not self._told_nothing else until
        return max(_MARGIN, min(self._next_ask, self._latest + _PATIENCE) - now)
