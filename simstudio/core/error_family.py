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

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Generic, TypeVar, cast

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
        address: Name of the client's argument for the base address, for messages.
    """

    def __init__(self, root: type[SimStudioError], status: type[S], *, address: str = "base_url") -> None:
        self._status = status
        self._address = address
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

        Exceptions of classes that the family does not contain, such as a middleware's own, stay what they are.
        """
        try:
            yield
        except (APIConnectionError, InvalidResponseError) as error:
            kind = self._own.get(type(error))
            if kind is None:
                raise
            raise translate(error, kind, str(error).replace("base_url", self._address)) from error


def translate(error: SimStudioError, kind: type[E], message: str | None = None) -> E:
    """Make an exception of another class with the message and the attributes of one."""
    made = kind(str(error) if message is None else message)
    vars(made).update({name: value for name, value in vars(error).items() if value is not None})
    return made


def own_name(kind: type[SimStudioError]) -> str:
    """Name of an exception's class; of one that :func:`combine` has made, that of the service's own part."""
    made_of: tuple[type[SimStudioError], ...] = getattr(kind, "_made_of", (kind,))
    return made_of[0].__name__


def restore(error: SimStudioError, root: type[SimStudioError], name: str) -> SimStudioError:
    """An exception of a shared class as one of a service's class, too.

    Args:
        error: The exception.
        root: Root of the service's exceptions.
        name: The :func:`own_name` of its class; the exception stays as it is if the service has none of this name.
    """
    kinds = {kind.__name__: kind for kind in (root, *_classes_below(root)) if "_made_of" not in vars(kind)}
    return translate(error, combine(kinds[name], type(error))) if name in kinds else error


def combine(family: type[E], shared: type[SimStudioError]) -> type[E]:
    """Return the class that is both, made when it is first needed: for a service with several classes for a status.

    Example:
        >>> from simstudio.transport.errors import InvalidResponseError, NotFoundError
        >>> combine(InvalidResponseError, NotFoundError).__mro__[1:3]
        (<class 'simstudio.transport.errors.InvalidResponseError'>, <class 'simstudio.transport.errors.NotFoundError'>)
    """
    if issubclass(family, shared):
        return family
    make: Callable[[Any, Any], Any] = _combine
    return cast("type[E]", make(family, shared))


@cache
def _combine(family: Any, shared: Any) -> Any:
    is_root = SimStudioError in family.__bases__
    name = f"{family.__name__.removesuffix('APIError')}{shared.__name__}" if is_root else family.__name__
    doc = f"{family.__name__} and {shared.__name__} at once. {family.__doc__}"
    own = {"__module__": family.__module__, "__doc__": doc, "__reduce__": _reduce, "_made_of": (family, shared)}
    return type(name, (family, shared), own)


def _reduce(error: Any) -> tuple[Any, ...]:
    return revive, (error._made_of, error.args, vars(error).copy())


def revive(made_of: tuple[type[Any], ...], args: tuple[Any, ...], state: dict[str, Any]) -> SimStudioError:
    """Make a pickled or copied exception of a class that only :func:`combine` makes."""
    family, *shared = made_of
    kind: Any = combine(family, shared[0]) if shared else family
    error: SimStudioError = kind.__new__(kind, *args)
    error.args = args
    vars(error).update(state)
    return error


def _classes_below(root: type[SimStudioError]) -> Iterator[type[SimStudioError]]:
    for kind in root.__subclasses__():
        yield kind
        yield from _classes_below(kind)
