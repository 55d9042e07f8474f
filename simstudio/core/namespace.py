"""``@namespace``: a resource that is declared on the class of a client or resource, and made when it is first used."""

from __future__ import annotations

from functools import cached_property
from typing import Any, TypeVar, overload

R = TypeVar("R")


class namespace(cached_property[R]):  # noqa: N801 - a decorator
    """A cached property that holds no lock, and whose value is one and the same object for all threads.

    For example::

        @namespace
        def jobs(self) -> Jobs[M]:
            return Jobs(self._context, "jobs")
    """

    @overload
    def __get__(self, instance: None, owner: type[Any] | None = None) -> Any: ...
    @overload
    def __get__(self, instance: object, owner: type[Any] | None = None) -> R: ...
    def __get__(self, instance: object, owner: type[Any] | None = None) -> Any:
        if instance is None:
            return self
        return vars(instance).setdefault(self.attrname or "", self.func(instance))
