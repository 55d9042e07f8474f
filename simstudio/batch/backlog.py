"""Finished items that the consumer has not taken yet, bounded by number and by size.

A thousand small results need little memory, but a thousand of two megabytes may exceed that of a container.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator
from itertools import islice
from typing import Any

from simstudio.batch.items import BatchItem
from simstudio.core.files import File
from simstudio.core.model import Model

MOST_ITEMS = 1000
"""Items that may wait before no further item begins."""
MOST_WEIGHT = 64 * 1024 * 1024
"""Bytes of memory of waiting items before no further item begins."""
PROMPT = 0.02
"""Seconds in which a consumer usually takes what has come. Items that come within them are not weighed, which costs as
much as the rest of their delivery: they are no more than a network brings in that time."""
_SAMPLE = 32
_DEPTH = 20
_SCALAR, _CONTAINER, _ENTRY = 50, 64, 40  # bytes, as CPython has them
_SCALARS = frozenset({int, float, bool, type(None)})


class Backlog:
    """A queue of finished items. One thread adds items; others take them under a lock of their own.

    Args:
        clock: Monotonic clock, in seconds.
    """

    __slots__ = ("_clock", "_items", "_since", "_weight")

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._items: deque[tuple[BatchItem, int]] = deque()
        self._weight = 0
        self._clock = clock
        self._since = 0.0  # when an item came while none waited

    @property
    def full(self) -> bool:
        """Whether the consumer is behind, so that no further item begins."""
        return len(self._items) >= MOST_ITEMS or self._weight >= MOST_WEIGHT

    def put(self, item: BatchItem) -> None:
        """Add an item."""
        now = self._clock()
        if not self._items:
            self._since = now
        weight = weight_of(item) if now > self._since + PROMPT else 0
        self._items.append((item, weight))
        self._weight += weight

    def take(self) -> BatchItem:
        """Remove and return the oldest item; there must be one."""
        item, weight = self._items.popleft()
        self._weight -= weight
        return item

    def put_back(self, item: BatchItem) -> None:
        """Put an item back at the front that was taken and not yielded."""
        weight = weight_of(item)
        self._items.appendleft((item, weight))
        self._weight += weight

    def __iter__(self) -> Iterator[BatchItem]:
        return (item for item, _ in self._items)

    def __len__(self) -> int:
        return len(self._items)


def weight_of(item: BatchItem) -> int:
    """Approximate bytes of memory of an item; of long lists a sample is weighed."""
    weight = _weigh(item.input)
    if item.result is not None:
        weight += _weigh(item.result)
    response = item.error.response if item.error is not None else None
    return weight if response is None else weight + len(response.content)


def _weigh(data: Any, depth: int = _DEPTH) -> int:
    kind = type(data)
    if kind is str:
        return sys.getsizeof(data)
    if not depth or kind in _SCALARS:
        return _SCALAR
    if kind is dict:
        return _weigh_some(data.values(), len(data), depth)
    if kind is list or kind is tuple:
        step = len(data) // _SAMPLE + 1
        return _weigh_some(data if step == 1 else data[::step], len(data), depth)
    if isinstance(data, Model):
        return _weigh(data._mapping(), depth)
    if isinstance(data, File) and isinstance(data.content, bytes):
        return len(data.content)
    return _SCALAR


def _weigh_some(values: Collection[Any], count: int, depth: int) -> int:
    if not count:
        return _CONTAINER
    if len(values) > _SAMPLE:
        values = list(islice(values, _SAMPLE))
    weight = 0
    for value in values:
        kind = type(value)
        if kind is str:  # most values, without a call
            weight += sys.getsizeof(value)
        elif kind in _SCALARS:
            weight += _SCALAR
        else:
            weight += _weigh(value, depth - 1)
    return _CONTAINER + _ENTRY * count + weight * count // len(values)
