"""Bodies in small pieces of random size: vcrpy replays a body as a whole, which hides errors of a stream's parser."""

from __future__ import annotations

import functools
import random
from contextlib import ExitStack, contextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any
from unittest import mock

from attrs import define, field

from simstudio.core.functions import with_hints

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

LARGEST = 16
"""The default length of the largest piece, in bytes."""


def cut(data: bytes, seed: int, *, largest: int = LARGEST) -> list[bytes]:
    r"""Cut ``data`` into pieces of 1 to ``largest`` bytes. The same seed cuts at the same places.

    Example:
        >>> b"".join(cut(b"data: 1\n\n", seed=1)) == b"data: 1\n\n"
        True
    """
    return list(_cut(data, random.Random(seed), largest))  # noqa: S311 - nothing secret


@define
class Rechunking:
    """The parameters of `rechunk`, and counts of what it cut.

    Attributes:
        seed: Seed of the random sizes, with which a failure can be repeated.
        largest: Length of the largest piece, in bytes.
        responses: Number of responses that were cut.
        pieces: Number of pieces that were read.
    """

    seed: int
    largest: int = LARGEST
    responses: int = field(default=0, init=False)
    pieces: int = field(default=0, init=False)

    def stream(self, stream: Any, module: Any) -> Any:
        """Return a body stream of ``module`` (httpx or httpx2) that yields the bytes of ``stream`` in pieces."""
        self.responses += 1
        bases = tuple(base for base in (module.SyncByteStream, module.AsyncByteStream) if isinstance(stream, base))
        # Each response has its own seed, so that concurrent responses do not change each other's pieces.
        randomness = random.Random(f"{self.seed}-{self.responses}")  # noqa: S311
        return type("RechunkedStream", (_RechunkedStream, *bases), {})(stream, randomness, self)


@contextmanager
@with_hints
def rechunk(seed: int | None = None, *, largest: int = LARGEST) -> Iterator[Rechunking]:
    """Make the bodies of all responses of httpx (and httpx2) arrive in small pieces of random size.

    This works for responses of servers and of cassettes, whether they are opened before or after. Bytes are not held
    back, so a live stream stays live.

    Args:
        seed: Seed of the random sizes; by default a random one, which the yielded `Rechunking` holds.
        largest: Length of the largest piece, in bytes.

    Example:
        >>> with make_vcr().use_cassette("stream"), rechunk(seed=7):  # doctest: +SKIP
        ...     text = "".join(client.workflows.stream("wf").text())
    """
    rechunking = Rechunking(random.SystemRandom().getrandbits(32) if seed is None else seed, largest)
    with ExitStack() as stack:
        for module in _libraries():
            # Responses are patched and not transports, because a cassette that is opened later replaces their methods.
            replacement = _initialize(module.Response.__init__, module, rechunking)
            stack.enter_context(mock.patch.object(module.Response, "__init__", replacement))
        yield rechunking


def _libraries() -> Iterator[Any]:
    for name in ("httpx", "httpx2"):
        with suppress(ImportError):
            yield import_module(name)


def _initialize(original: Callable[..., None], module: Any, rechunking: Rechunking) -> Callable[..., None]:
    @functools.wraps(original)
    def initialize(response: Any, *args: Any, **kwargs: Any) -> None:
        original(response, *args, **kwargs)
        if kwargs.get("stream") is not None:  # otherwise the response has its whole body already
            response.stream = rechunking.stream(response.stream, module)

    return initialize


@define(eq=False, slots=False)
class _RechunkedStream:
    inner: Any
    randomness: random.Random
    rechunking: Rechunking

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self.inner:
            yield from self._pieces(chunk)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self.inner:
            for piece in self._pieces(chunk):
                yield piece

    def close(self) -> None:
        self.inner.close()

    async def aclose(self) -> None:
        await self.inner.aclose()

    def _pieces(self, chunk: bytes) -> Iterator[bytes]:
        for piece in _cut(chunk, self.randomness, self.rechunking.largest):
            self.rechunking.pieces += 1
            yield piece


def _cut(data: bytes, randomness: random.Random, largest: int) -> Iterator[bytes]:
    start = 0
    while start < len(data):
        end = start + randomness.randint(1, largest)
        yield data[start:end]
        start = end
