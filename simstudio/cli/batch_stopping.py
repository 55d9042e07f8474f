"""SIGINT, SIGTERM and SIGHUP during a batch: the first drains it, the second leaves at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

from simstudio.cli.output import say

if TYPE_CHECKING:
    from typing_extensions import Self

    from simstudio.batch.batch import Batch

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_HANG_UP = getattr(signal, "SIGHUP", None)
_AT_ONCE = 0.5
"""Seconds within which a signal that comes again is still the first: ``timeout`` sends its own to the process, and then
to its group."""


class Stopping:
    """A context in which signals do not end the process: they end the batch.

    After the first signal no further item begins; the iteration waits at most 30 s for the running ones. A second
    signal ends the process at once, after ``last_words``; the ledger survives that. A terminal that closes may send its
    signal twice (the shell and the system), and ``timeout`` sends every signal twice: such a repetition does not count
    as a second signal. A signal that ``nohup`` ignores stays ignored.

    Args:
        batch: The running batch.
        last_words: Called before the process is left at once.
        clock: Seconds that never go back.

    Attributes:
        signal: The first signal that came; None where none did.
    """

    def __init__(
        self, batch: Batch, last_words: Callable[[], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.signal: int | None = None
        self._clock = clock
        self._since = 0.0
        self._batch = batch
        self._last_words = last_words
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            ignored = _HANG_UP is not None and signal.getsignal(_HANG_UP) is signal.SIG_IGN
            numbers = [number for number in SIGNALS if not (ignored and number == _HANG_UP)]
            self._before = {number: signal.signal(number, self._stop) for number in numbers}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            gone = number == _HANG_UP == self.signal  # the terminal may send it again during the last lines
            signal.signal(number, signal.SIG_IGN if gone else handler)

    def _stop(self, number: int, _: FrameType | None) -> None:
        if self.signal is not None:
            if number == _HANG_UP or (number == self.signal and self._clock() < self._since + _AT_ONCE):
                return
            with suppress(Exception):
                self._last_words()
                sys.stderr.flush()
            os._exit(128 + number)
        self.signal, self._since = number, self._clock()
        # On a thread, as it waits; the items that end meanwhile are taken by the thread that was interrupted.
        threading.Thread(target=self._drain, name="simstudio-drain", daemon=True).start()

    def _drain(self) -> None:
        running = self._batch.progress.running
        if running:
            say(f"stopping: waiting for {running} under way, 30 s at most (again to leave at once)")
        self._batch.close()
