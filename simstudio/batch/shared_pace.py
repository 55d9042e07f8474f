"""A rate that several processes share: they count its tokens in a common store.

A store holds a few counters. The storages of the ``limits`` library are stores (Redis and its clusters, for several
machines), and so is :class:`SQLiteCounters` (a file, for the processes of one machine). A period of the bucket is a
fixed window of ``limits`` that begins and ends when the server says. The process that opens it *grants* its tokens,
once, and all processes *take* them. Tokens that clients outside the batch take are found by asking the server, and
count as taken.

Each process decides by itself how many of its requests are in flight.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol, cast

from simstudio.batch.allowance import Allowance
from simstudio.batch.claims import place, without_password
from simstudio.batch.execution import Limits
from simstudio.batch.pace import Pace
from simstudio.batch.tokens.bucket import PERIOD
from simstudio.core.disk import make_private
from simstudio.core.transactions import transaction
from simstudio.transport.errors import ConfigurationError, SimStudioError

_PERIOD_KEPT = 180  # seconds
_KEPT = 24 * 3600
_ASKING = 1  # seconds in which no second process asks the server
_OPENING = 30
_TAKEN_MEANWHILE = 0.02  # seconds
_LOCKED = 10.0  # seconds that another process may hold the file


class Counters(Protocol):
    """The part of a storage of ``limits`` that is used."""

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Add to a counter, which expires ``expiry`` seconds after it began, and return its new value."""
        ...

    def get(self, key: str) -> int:
        """The value of a counter; 0 if it does not exist."""
        ...

    def clear(self, key: str) -> None:
        """Remove a counter."""
        ...


class SharedPace(Pace):
    """A pace whose tokens are shared with other processes.

    Args:
        pace: Pace whose concurrency, cost and clocks are used.
        shared: ``redis://host:port/db`` (or another storage of ``limits``, with the extra ``[distributed]``),
            ``sqlite:///path`` for one machine, or an open store.
        name: Name of the account, the same in all processes that use it. It is no secret.

    Raises:
        ConfigurationError: The store is not known, or cannot be reached.

    Example:
        >>> pace = SharedPace(Pace(concurrency=2), "sqlite:///:memory:", name="account")
        >>> pace.wait(0)
        0.0
        >>> pace.close()
    """

    def __init__(self, pace: Pace, shared: str | Counters, *, name: str = "default") -> None:
        self.clock, self.wall, self.concurrency = pace.clock, pace.wall, pace.concurrency
        store = open_counters(shared) if isinstance(shared, str) else shared
        self.allowance = SharedAllowance(pace.allowance.cost, store, f"simstudio:{name}:", self.clock, self.wall)
        self._own = store if isinstance(shared, str) else None

    def close(self) -> None:
        """Close the store, unless the caller opened it."""
        store = getattr(self._own, "storage", self._own)  # the client inside of a storage of limits
        close = getattr(store, "close", None)
        if close is not None:
            close()


class SharedAllowance(Allowance):
    """Tokens that are counted in a store.

    Args:
        cost: Tokens that a request takes.
        prefix: Prefix of all keys in the store.
        clock: Monotonic clock, in seconds.
        wall: Clock in epoch seconds, which all processes share.
    """

    def __init__(
        self, cost: int, store: Counters, prefix: str, clock: Callable[[], float], wall: Callable[[], float]
    ) -> None:
        super().__init__(cost)
        self._store, self._prefix, self._clock, self._wall = store, prefix, clock, wall
        self._period = 0
        self._seen = 0  # the last period that the store had, which may have expired
        self._granted = 0
        self._ends = 0.0  # epoch seconds
        self._probe_is_taken = False

    def seed(self, now: float, wall: float, limits: Limits | None) -> None:
        """Adopt the limits of the server, and publish them in the store."""
        self._load()
        super().seed(now, wall, limits)
        self._publish()
        self._store_clear("asking")

    def hint(self, now: float, wall: float, limit: int, remaining: int, reset: float) -> None:
        """Adopt the limit in the headers of a response, and publish it in the store."""
        self._load()
        super().hint(now, wall, limit, remaining, reset)
        self._publish()

    def take(self, now: float, wall: float, in_flight: int) -> float:
        """Seconds until a request may begin; at 0.0 its tokens have been taken from the store."""
        self._load()
        before = self.probe.enforced
        delay = super().take(now, wall, in_flight)
        if self.probe.enforced is not before:
            self._tell_verdict()
        return delay

    def see_refusal(self, now: float, wall: float, retry_after: float | None) -> bool:
        """Learn of a 429, and publish it unless the server is at capacity."""
        self._load()
        left = self.bucket.tokens
        at_capacity = super().see_refusal(now, wall, retry_after)
        if self._period and self.probe.enforced is not False:
            if at_capacity:
                self._take_for_all(-self._cost)
            elif left > 0:
                self._take_for_all(int(left))
        if not at_capacity:
            self._tell_verdict()
            more = int(self.others.kept) - (self._read(f"kept:{self._period}") if self._period else 0)
            if more > 0 and self._period:
                self._add(f"kept:{self._period}", _PERIOD_KEPT, more)
        return at_capacity

    def wants(self, now: float) -> bool:
        """Whether to request the limits of the server, which one process at a time does."""
        self._load()
        if not super().wants(now):
            return False
        if self._add("asking", _ASKING) == 1:
            return True
        self.questions.close()
        return False

    def _learn_others(self, steps: float | None, left: int) -> None:
        """Tokens that other clients took in the last period: those missing at each check, and those missing now."""
        over = self._wall() - self._ends
        if steps is None or not self._period or over < 0:
            return
        bucket, others = self.bucket, self.others
        expected = min(bucket.burst, int(bucket.tokens) + (1 + int(over // PERIOD)) * bucket.rate)
        took = self._read(f"others:{self._period}") + max(0, expected - left)
        others.exist = others.exist or took > 0
        others.kept = max(others.kept, float(self._read(f"kept:{self._period}")))
        others.keep_for(took, bucket, self._cost)

    # -- the store

    def _load(self) -> None:
        verdict = self._read("verdict")
        if verdict in (1, 2):
            self.probe.enforced = verdict == 1
        self._seen = period = self._read("period")
        if period and period != self._period:
            granted, ends = self._read(f"granted:{period}") - 1, self._read(f"ends:{period}") / 1000
            if granted < 0 or not ends:
                return  # expired, as nothing happened for minutes
            self._period, self._granted, self._ends = period, granted, ends
            self._adopt_period(period, granted, ends)
        if self._period:
            self.bucket.tokens = self._count_left()

    def _adopt_period(self, period: int, granted: int, ends: float) -> None:
        refilled_by = self._clock() + ends - self._wall()
        rate, burst = self._read(f"rate:{period}"), self._read(f"burst:{period}")
        self.bucket.share(rate=rate, burst=burst, told=ends, refilled_by=refilled_by)
        self.others.kept = float(self._read(f"kept:{period}"))
        self.others.exist = self.others.exist or self.others.kept > self._cost
        self.questions.share(
            refilled_by, mark=granted // 2 if self.others.exist or self.probe.enforced is None else -1.0
        )

    def _count_left(self) -> int:
        return max(0, self._granted - self._read(f"taken:{self._period}"))

    def _take_for_all(self, tokens: int) -> int:
        return self._add(f"taken:{self._period}", _PERIOD_KEPT, tokens)

    def _publish(self) -> None:
        """Open the period that the server reported, or correct the tokens left in the present one."""
        bucket = self.bucket
        if self.probe.enforced is not None:
            self._tell_verdict()
        if not bucket.is_known or bucket.is_guessed:
            return
        if not self._period or self._wall() >= self._ends:
            self._open(int(bucket.tokens), self._wall() + bucket.refilled_by - self._clock())
            return
        told = self.questions.left
        more = self._granted - self._read(f"taken:{self._period}") - told
        if more > 0:
            self.others.exist = True
            self._take_for_all(more)
            self._add(f"others:{self._period}", _PERIOD_KEPT, more)
        bucket.tokens = max(0, told + min(more, 0))

    def _open(self, granted: int, ends: float) -> None:
        bucket = self.bucket
        following = self._seen + 1  # not read again: a process that was overtaken must not open the period after that
        if self._add(f"opening:{following}", _OPENING) != 1:
            bucket.tokens = 0  # another process opens it, and its numbers count
            return
        for what in ("granted", "ends", "rate", "burst", "kept", "others", "taken"):
            self._store_clear(f"{what}:{following}")
        for what, value in (
            ("granted", granted + 1),
            ("ends", int(ends * 1000)),
            ("rate", bucket.rate),
            ("burst", bucket.burst),
            ("kept", int(self.others.kept)),
        ):
            self._add(f"{what}:{following}", _PERIOD_KEPT, value)
        self._add("period", _KEPT)
        told, empty = bucket.told, self.questions.empty
        self._load()
        bucket.told, self.questions.empty = told, empty

    def _refill(self, now: float) -> None:
        bucket = self.bucket
        if not self._period:
            super()._refill(now)
            return
        tokens, before = bucket.tokens, bucket.refilled_by
        super()._refill(now)
        granted, ends = bucket.tokens, self._ends + bucket.refilled_by - before
        bucket.tokens, bucket.refilled_by = tokens, before
        self._open(int(granted), ends)

    def _spend(self, now: float, tokens: int) -> float:
        if self.probe.begun == now and self._add("probe", _KEPT) != 1:
            self.probe.withdraw()
            self._probe_is_taken = True
            return self._until_tokens(now)
        if tokens and self._period and self._take_for_all(tokens) > self._granted:
            self._take_for_all(-tokens)
            return _TAKEN_MEANWHILE
        return super()._spend(now, tokens)

    def _may_probe(self, now: float) -> bool:
        return not self._probe_is_taken and super()._may_probe(now)

    def _tell_verdict(self) -> None:
        wanted = {None: 0, True: 1, False: 2}[self.probe.enforced]
        if wanted and self._read("verdict") != wanted:
            self._store_clear("verdict")
            self._add("verdict", _KEPT, wanted)

    def _read(self, key: str) -> int:
        try:
            return int(self._store.get(self._prefix + key) or 0)
        except Exception as error:
            raise _store_error(error) from error

    def _add(self, key: str, expiry: int, amount: int = 1) -> int:
        try:
            return int(self._store.incr(self._prefix + key, expiry, amount))
        except Exception as error:
            raise _store_error(error) from error

    def _store_clear(self, key: str) -> None:
        try:
            self._store.clear(self._prefix + key)
        except Exception as error:
            raise _store_error(error) from error


class SQLiteCounters:
    """Counters in an SQLite file, for the processes of one machine.

    Args:
        path: Path of the file, which is made if it is missing.
        wall: Epoch seconds.

    Raises:
        ConfigurationError: The file cannot be used as a store.
    """

    def __init__(self, path: str, *, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self._lock = threading.Lock()
        make_private(path)
        try:
            self._db = sqlite3.connect(path, timeout=_LOCKED, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise ConfigurationError(f"The shared rate cannot be kept in {path}: {error}.") from error
        patience = time.monotonic() + _LOCKED
        while True:
            try:
                self._refuse_foreign(path)
                self._db.execute("PRAGMA journal_mode=WAL")  # fails at once while another process sets it
                self._db.execute("PRAGMA synchronous=OFF")  # a crash of the machine loses counters of the last minute
                self._db.execute(
                    "CREATE TABLE IF NOT EXISTS counters (key TEXT PRIMARY KEY, value INTEGER, ends REAL) WITHOUT ROWID"
                )
                return
            except sqlite3.Error as error:
                if "locked" not in str(error) or time.monotonic() > patience:
                    self._db.close()
                    raise ConfigurationError(f"The shared rate cannot be kept in {path}: {error}.") from error
            time.sleep(0.01)

    def _refuse_foreign(self, path: str) -> None:
        found = self._db.execute("SELECT name FROM sqlite_master WHERE tbl_name <> 'counters'").fetchone()
        if found is not None:
            self._db.close()
            raise ConfigurationError(
                f"The shared rate cannot be kept in {path}: it is a database of something else, with a table "
                f"{found[0]!r} (the ledger of a batch?). Name a file that does not exist yet."
            )

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Add to a counter, and return its new value."""
        now = self._wall()
        with self._lock, transaction(self._db):
            row = self._db.execute("SELECT value, ends FROM counters WHERE key = ?", (key,)).fetchone()
            value, ends = row if row is not None and row[1] > now else (0, now + expiry)
            value += amount
            self._db.execute("INSERT OR REPLACE INTO counters VALUES (?, ?, ?)", (key, value, ends))
            if row is None:
                self._db.execute("DELETE FROM counters WHERE ends <= ?", (now,))
        return int(value)

    def get(self, key: str) -> int:
        """The value of a counter; 0 if it does not exist."""
        with self._lock:
            row = self._db.execute(
                "SELECT value FROM counters WHERE key = ? AND ends > ?", (key, self._wall())
            ).fetchone()
        return int(row[0]) if row is not None else 0

    def clear(self, key: str) -> None:
        """Remove a counter."""
        with self._lock:
            self._db.execute("DELETE FROM counters WHERE key = ?", (key,))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()


def open_counters(shared: str) -> Counters:
    """The store of an address.

    Raises:
        ConfigurationError: There is none, or ``limits`` or its client of it is not installed.
    """
    scheme, _, rest = shared.partition("://")
    if scheme == "sqlite":
        path = rest.removeprefix("/")
        if not path:
            raise ConfigurationError("shared must name a file: sqlite:///relative/path or sqlite:////absolute/path.")
        return SQLiteCounters(path)
    try:
        from limits.errors import ConfigurationError as UnknownStorage
        from limits.storage import Storage, storage_from_string
    except ImportError as error:
        raise ConfigurationError(
            "A rate shared between machines needs limits and redis: pip install limits redis."
        ) from error
    where = place(shared)
    try:
        storage = storage_from_string(shared)
    except UnknownStorage:  # the error quotes the address
        raise ConfigurationError(
            f"shared has an address of an unknown kind, {where}. Use redis://host:port/db, or the path of a file."
        ) from None
    except ValueError:  # the error may quote any part of the address
        raise ConfigurationError(
            f"shared has an address that cannot be understood, of {where}. It is redis://user:password@host:port/db; "
            "what is special in a password must be percent-encoded in it."
        ) from None
    except Exception as error:
        why = without_password(error, shared)
        raise ConfigurationError(f"The store of the shared rate ({where}) cannot be used: {why}") from error
    reason = _unreachable(storage) if isinstance(storage, Storage) else "It is of a kind that cannot be used here."
    if reason is not None:
        told = without_password(reason, shared)
        raise ConfigurationError(
            f"The store of the shared rate ({where}) cannot be reached: {told} Is it running there, and are the "
            'user and the password in the address right? On one machine a file will do: shared="rate.sqlite".'
        ) from (reason if isinstance(reason, Exception) else None)
    return cast("Counters", storage)


def _unreachable(storage: Any) -> Exception | str | None:
    """Fault of a storage of ``limits``; None if it can be used. The storage's own check hides the fault."""
    ping = getattr(getattr(storage, "storage", None), "ping", None)
    try:
        if callable(ping):
            ping()
        return None if storage.check() else "It does not answer."
    except Exception as error:  # noqa: BLE001 - each store has its own errors
        return error


def _store_error(error: Exception) -> SimStudioError:
    return SimStudioError(f"The store of the shared rate failed: {type(error).__name__}: {error}")
