"""A bound for what has no deadline of its own: the look-up of a host name, or a keyring that asks to be unlocked."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Any, TypeVar

T = TypeVar("T")


def within(seconds: float, function: Callable[[], T]) -> T:
    """The result of a function, which runs in a thread that is given up after some seconds.

    Raises:
        TimeoutError: The function takes longer.
        Exception: The function raises it.
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
