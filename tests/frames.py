"""What crash reporters send of an exception: the repr of the locals of every frame that it went through."""

from __future__ import annotations

from collections.abc import Iterator
from types import FrameType
from typing import Any


def chain(error: BaseException) -> list[BaseException]:
    """An exception, and whatever it came from."""
    found: list[BaseException] = []
    pending: list[BaseException | None] = [error]
    while pending:
        each = pending.pop()
        if each is not None and each not in found:
            found.append(each)
            pending += [each.__cause__, each.__context__, *getattr(each, "exceptions", ())]
    return found


PACKAGES = {"simstudio", "httpx", "httpcore", "h11"}


def frames(error: BaseException) -> Iterator[FrameType]:
    """The frames of this package and its HTTP library that an exception, or what it came from, went through."""
    for each in chain(error):
        trace = each.__traceback__
        while trace is not None:
            if str(trace.tb_frame.f_globals.get("__name__")).partition(".")[0] in PACKAGES:
                yield trace.tb_frame
            trace = trace.tb_next


def reprs(value: Any) -> Iterator[str]:
    """The repr of a local, and of what lists and dicts among its parts hold."""
    yield repr(value)
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, (list, tuple, set, frozenset)):
        for part in value:
            yield from reprs(part)


def leaks(error: BaseException, *secrets: str) -> list[str]:
    """The locals that show a secret, as ``module.function: local``."""
    found = list(frames(error))
    assert found, "the exception went through no frame of this package"
    return [
        f"{frame.f_globals['__name__']}.{frame.f_code.co_name}: {name}"
        for frame in found
        for name, value in frame.f_locals.items()
        if any(secret in text for text in reprs(value) for secret in secrets)
    ]
