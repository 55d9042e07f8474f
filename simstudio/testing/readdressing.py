"""URLs of a recorded server in its responses, replaced by those of the proxy, so that clients that follow them stay.

In requests that quote such URLs, those of the server are put back.
"""

from __future__ import annotations

import re

_HEADERS = frozenset({"content-location", "link", "location"})


class Readdressing:
    """Replaces the base of URLs that begin a text in JSON: ``"https://sim.ai/…"``.

    Args:
        old: base URL without a trailing slash.
        new: base URL that replaces it.
    """

    def __init__(self, old: str, new: str) -> None:
        self._bases = ((old, new), (old.replace("/", r"\/"), new.replace("/", r"\/")))
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        """The next piece of a body; what may be the beginning of a URL is kept for the next call."""
        data = self._rest + data
        for old, new in self._bases:
            before = rb'"%b(?=[/"?#\\])' % re.escape(old.encode())
            data = re.sub(before, f'"{new}'.replace("\\", r"\\").encode(), data)
        self._rest = data[len(data) - self._count_beginning(data) :]
        return data[: len(data) - len(self._rest)]

    def flush(self) -> bytes:
        """The bytes that are left at the end of the body."""
        rest, self._rest = self._rest, b""
        return rest

    def whole(self, data: bytes) -> bytes:
        """A whole body."""
        return self.feed(data) + self.flush()

    def header(self, name: str, value: str) -> str:
        """The value of a header."""
        if name.lower() not in _HEADERS:
            return value
        old, new = self._bases[0]
        return re.sub(rf"(?<![^<\s]){re.escape(old)}(?=[/?#>;]|$)", lambda _: new, value)

    def _count_beginning(self, data: bytes) -> int:
        """Count the bytes at the end that could be the beginning of a URL to replace."""
        starts = [f'"{old}'.encode() for old, _ in self._bases]
        longest = min(len(data), max(map(len, starts)))
        ends = range(longest, 0, -1)
        return next((size for size in ends if any(start.startswith(data[-size:]) for start in starts)), 0)


def is_json(headers: list[tuple[str, str]]) -> bool:
    """Whether a body is JSON that is not compressed."""
    found = {name.lower(): value.lower() for name, value in headers}
    return "json" in found.get("content-type", "") and found.get("content-encoding", "identity") == "identity"
