"""Ctrl-C during a wait: the exception says which run goes on at the server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def explain_interruption(subject: str, again: str = "") -> Iterator[None]:
    """Give a ``KeyboardInterrupt``, or a cancellation, without a message of its own the message that a run goes on.

    Args:
        subject: The run, such as ``The task t-1``; empty for no message.
        again: Call that waits for it again; empty if there is none.
    """
    try:
        yield
    except BaseException as error:
        # The class of a cancellation is known by its name: a sync client does not import asyncio.
        interrupted = isinstance(error, KeyboardInterrupt) or type(error).__name__ == "CancelledError"
        if subject and interrupted and not error.args:
            how = f"; wait again with {again}" if again else ""
            error.args = (f"{subject} was not waited for to its end. It goes on at the server{how}.",)
        raise
