"""``show_progress``: how far background executions are, for people who watch them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from simstudio.core.functions import with_hints
from simstudio.core.live import LiveLine
from simstudio.resources.pauses import describe_pause

if TYPE_CHECKING:
    from simstudio.models.jobs import Job


@with_hints
def show_progress(every: float = 10.0, clock: Callable[[], float] = time.monotonic) -> Callable[[Job], None]:
    """Return an ``on_progress`` function for ``client.jobs.wait`` and ``client.workflows.run``.

    In a terminal and in a Jupyter notebook it shows one line that changes (with the package ``rich``); elsewhere it
    writes lines to standard error. A run that waits for a human says what it asks, and where to answer.

    Args:
        every: Seconds between two lines of a log; a new state is worth a line at once.
        clock: Monotonic seconds.

    Example:
        >>> client.workflows.run("wf", on_progress=show_progress())  # doctest: +SKIP
    """
    line = LiveLine(every, clock)
    begun = clock()
    states: list[str] = []

    def show(job: Job) -> None:
        state = job.status if job.pause is None else describe_pause(job.pause)
        is_new = states[-1:] != [state]
        if is_new:
            states.append(state)
        is_over = job.done and not job.paused
        line.show(f"{job.task_id}: {state}, {clock() - begun:.0f} s", urgent=is_new, last=is_over)

    return show
