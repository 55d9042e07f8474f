"""The memory of a process, for tests that start one and bound what something adds to it."""

from __future__ import annotations

from pathlib import Path


def memory(what: str) -> int:
    """Bytes that this process has in memory (``VmRSS``), or had at most since it was begun (``VmHWM``).

    ``getrusage`` includes the peak of the process that this one was forked from, which hides what is added below it.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == what:
            return int(value.split()[0]) * 1024
    raise LookupError(what)
