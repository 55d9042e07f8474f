"""``ErrorFamily``: the exceptions of a service that has names of its own, each also a class of the shared tree.

So ``except simstudio.RateLimitError`` catches the refusals of every service, and ``except SpeedPixException`` all that
one client raises about its service::

    class SpeedPixRateLimitError(SpeedPixException, RateLimitError): ...

    FAMILY = ErrorFamily(SpeedPixException, SpeedPixStatusError)
    FAMILY.status_class(429)  # SpeedPixRateLimitError
    with FAMILY.raise_own():  # what the transport raises comes as SpeedPix's own
        response = yield from super()._call(request)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from simstudio.transport.errors import (
    APIConnectionError,
    InvalidResponseError,
    SimStudioError,
    status_error_class,
)

S = TypeVar("S", bound=SimStudioError)
E = TypeVar("E", bound=SimStudioError)


class ErrorFamily(Generic[S]):
    """The exceptions of one service. To be made below its last class.

    Args:
        root: Root of the service's exceptions. A class below it that is also one of the shared tree stands for that
            one; the first of several does.
        status: Its class for error statuses that have none of their own.
    """

    def __init__(self, root: type[SimStudioError], status: type[S]) -> None:
        self._status = status
        self._own: dict[type[SimStudioError], type[SimStudioError]] = {}
        for kind in _classes_below(root):
            for base in kind.__bases__:
                if issubclass(base, SimStudioError) and not issubclass(base, root):
                    self._own.setdefault(base, kind)

    def status_class(self, status: int) -> type[S]:
        """The class for an HTTP error status."""
        kind = self._own.get(status_error_class(status))
        return kind if kind is not None and issubclass(kind, self._status) else self._status

    @contextmanager
    def raise_own(self) -> Iterator[None]:
        """Raise connection errors and invalid responses of the transport as the service's own.

        Exceptions of classes that the family does not know, such as a middleware's own, stay what they are.
        """
        try:
            yield
        except (APIConnectionError, InvalidResponseError) as error:
            kind = self._own.get(type(error))
            if kind is None:
                raise
            raise translate(error, kind) from error


def translate(error: SimStudioError, kind: type[E]) -> E:
    """An exception of another class with the message and the attributes of one."""
    made = kind(str(error))
    vars(made).update({name: value for name, value in vars(error).items() if value is not None})
    return made


def _classes_below(root: type[SimStudioError]) -> Iterator[type[SimStudioError]]:
    for kind in root.__subclasses__():
        yield kind
        yield from _classes_below(kind)
