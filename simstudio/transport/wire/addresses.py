"""The addresses of a host, and how those share the time there is for connecting."""

from __future__ import annotations

import encodings.idna  # noqa: F401 - which a first getaddrinfo() would import, with a fork perhaps in the middle of it
import socket
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from simstudio.transport.deadline import SHORTEST

T = TypeVar("T")
Address = tuple[str, int]


def addresses_of(found: Iterable[Any]) -> list[Address]:
    """Hosts and ports of what ``getaddrinfo`` found, the hosts as text with their scope, if any."""
    return [(f"{a[0]}%{a[3]}" if len(a) == 4 and a[3] else str(a[0]), int(a[1])) for *_, a in found]


def resolve(host: str, port: int) -> list[Address]:
    """The addresses of a host, at least one; blocking.

    Raises:
        OSError: It has none.
    """
    return addresses_of(socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM))


def connect_first(
    addresses: Sequence[Address],
    connect: Callable[[str, int, float | None], T],
    *,
    seconds: float | None,
    clock: Callable[[], float],
    failures: tuple[type[Exception], ...],
) -> T:
    """What ``connect(host, port, seconds)`` gives for the first address that answers.

    A silent address gets its share of what is left, so that the last one has some too; what one leaves goes to the
    others.

    Args:
        addresses: At least one.
        connect: Connects to one, within some seconds (None: no end).
        seconds: For all of them.
        clock: Monotonic seconds.
        failures: What ``connect`` raises where nobody answers; that of the last address is raised.
    """
    end = None if seconds is None else clock() + seconds
    for left in range(len(addresses), 0, -1):
        share = None if end is None else max((end - clock()) / left, SHORTEST)
        try:
            return connect(*addresses[-left], share)
        except failures:
            if left == 1:
                raise
    raise AssertionError("no address")  # pragma: no cover
