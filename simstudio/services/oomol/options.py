"""Options of waits: the documented dict, or keywords, or both (keywords win)."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Mapping
from typing import Any, TypedDict

import attrs

from simstudio.core.options import check_interval, check_timeout
from simstudio.core.polling import PollSchedule
from simstudio.services.oomol.models import InstallTask, Task, TaskLog
from simstudio.transport.errors import InvalidInputError


class BackoffStrategy(str, enum.Enum):
    """Growth of the pauses between polls."""

    FIXED = "fixed"
    """Every pause is as long as the first."""
    EXPONENTIAL = "exponential"
    """Each pause is longer than the last by ``backoff_factor``, up to ``max_interval_ms``."""


class PollingOptions(TypedDict, total=False):
    """Options of a wait, as keywords or as a dict; keywords win.

    By default it polls at once, then after 2 s, 3 s, 4.5 s … up to 10 s, and waits for ever. It tolerates up to five
    failed polls in a row.

    Attributes:
        timeout: Seconds to wait. The last pause is cut to it, and one final poll made. None waits for ever, unless all
            calls are refused (429) for a day.
        poll_interval: Seconds between polls, in place of growing ones.
        on_progress: Called with the task, or the installation, at each poll; may be async on an async client. What it
            raises ends the wait.
        on_log: Called with each line of the task's log once, in order, the last ones before the wait returns or raises.
            Each poll then reads the whole log: the service has no way to ask for the rest of it.
        timeout_ms: ``timeout`` in milliseconds.
        interval_ms: Milliseconds between the first poll, which is made at once, and the second (2000).
        backoff_strategy: ``exponential`` (default) or ``fixed``, see :class:`BackoffStrategy`.
        backoff_factor: Growth from one pause to the next (1.5).
        max_interval_ms: Milliseconds that no growing pause exceeds (10000).
    """

    timeout: float | None
    poll_interval: float | None
    interval_ms: float
    timeout_ms: float | None
    max_interval_ms: float
    backoff_strategy: BackoffStrategy | str
    backoff_factor: float
    on_progress: Callable[[Task], Any] | Callable[[InstallTask], Any] | None
    on_log: Callable[[TaskLog], Any] | None


@attrs.frozen
class Polling:
    """Checked options of a wait, as :class:`PollingOptions` describes them."""

    interval_ms: float = 2000
    timeout_ms: float | None = None
    max_interval_ms: float = 10_000
    backoff_strategy: BackoffStrategy = BackoffStrategy.EXPONENTIAL
    backoff_factor: float = 1.5
    on_progress: Callable[[Any], Any] | None = None
    on_log: Callable[[Any], Any] | None = None

    @property
    def schedule(self) -> PollSchedule:
        """The pauses between polls. They have no jitter, because the documented pauses are exact."""
        first = self.interval_ms / 1000
        if self.backoff_strategy is BackoffStrategy.FIXED or first == 0:
            return PollSchedule(initial=first, multiplier=1.0, maximum=first, jitter=0.0)
        most = self.max_interval_ms / 1000
        return PollSchedule(initial=first, multiplier=self.backoff_factor, maximum=most, jitter=0.0)

    @property
    def timeout(self) -> float | None:
        """Seconds to wait; None for ever."""
        return None if self.timeout_ms is None else self.timeout_ms / 1000


def polling(options: Mapping[str, Any] | None, **keywords: Any) -> Polling:
    """Check the options of a wait. An option that is None has its default.

    Args:
        options: Options as a dict.
        **keywords: The same as keywords; they win.

    Raises:
        InvalidInputError: An option is unknown or cannot be used; the message names it.
    """
    if options is None:
        options = {}
    if not isinstance(options, Mapping):
        raise InvalidInputError(f"Polling options are a dict, not {type(options).__name__}.")
    known = PollingOptions.__annotations__
    for name in (*options, *keywords):
        if name not in known:
            raise InvalidInputError(f"There is no polling option {name!r}; there are {', '.join(known)}.")
    given = {**options, **{name: value for name, value in keywords.items() if value is not None}}
    given = {name: value for name, value in given.items() if value is not None}
    _convert_seconds(given, "timeout", "timeout_ms")
    if _convert_seconds(given, "poll_interval", "interval_ms", "max_interval_ms", "backoff_strategy", "backoff_factor"):
        given["backoff_strategy"] = BackoffStrategy.FIXED
    for name in ("interval_ms", "max_interval_ms"):
        _check_number(given, name, least=0)
    _check_number(given, "backoff_factor", least=1)
    if _check_number(given, "timeout_ms", least=0) == 0:
        raise InvalidInputError("timeout_ms must be above 0. Leave it out (or pass None) to wait for ever.")
    strategy = given.get("backoff_strategy")
    if strategy is not None:
        try:
            given["backoff_strategy"] = BackoffStrategy(strategy)
        except ValueError:
            raise InvalidInputError(f"backoff_strategy must be 'exponential' or 'fixed', not {strategy!r}.") from None
    for name in ("on_progress", "on_log"):
        if name in given and not callable(given[name]):
            raise InvalidInputError(f"{name} must be a function, not {given[name]!r}.")
    return Polling(**given)


def _convert_seconds(given: dict[str, Any], name: str, *documented: str) -> bool:
    """Replace an option in seconds by the documented one in milliseconds. Return whether it was given."""
    check = check_interval if name == "poll_interval" else check_timeout
    seconds = check(given.pop(name, None), name)
    if seconds is None:
        return False
    for other in documented:
        if other in given:
            raise InvalidInputError(f"{name} and {other} exclude each other: give one of them.")
    given[documented[0]] = seconds * 1000
    return True


def _check_number(given: dict[str, Any], name: str, *, least: float) -> float | None:
    value = given.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value < 1e15:
        unit = "milliseconds" if name.endswith("_ms") else "a factor"
        raise InvalidInputError(f"{name} must be {unit} of {least} or more, not {value!r}.")
    given[name] = float(value) if math.isfinite(value) else value
    return given[name]  # type: ignore[no-any-return]
