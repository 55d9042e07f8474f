"""A time limit for calls that have none: the look-up of a host name, or a keyring that asks to be unlocked."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Any, TypeVar

T = TypeVar("T")


def within(seconds: float, function: Callable[[], T]) -> T:
    """Run a function in a thread and return its result. After the time limit the thread is left to itself.

    Raises:
        TimeoutError: The function takes longer.
        Exception: The function failed; this is its own exception.
    """
    outcome: list[Callable[[], T]] = []

    def run() -> None:
        try:
            result = function()
        except Exception as error:  # noqa: BLE001 - raised again by the caller
            outcome.append(_raiser(error))
        else:
            outcome.append(lambda: result)

    thread = Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if not outcome:
        raise TimeoutError(f"it takes longer than {seconds:g} s")
    return outcome[0]()


def _raiser(error: Exception) -> Callable[[], Any]:
    def throw() -> Any:
        raise error

    return throw
