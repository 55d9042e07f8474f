"""``@batching``: a method that gives a batch. What that is, :mod:`simstudio.batch` knows; it is imported when used."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Concatenate, Generic, overload

from simstudio.core.modes import Async, RawAsync, RawSync, Sync
from simstudio.core.operation import BoundOperation, _Method

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    from simstudio.batch.batch import AsyncBatch, Batch
    from simstudio.batch.execution import R
    from simstudio.batch.mapping import Plan
    from simstudio.core.resource import APIResource

    P = ParamSpec("P")
else:
    from typing import ParamSpec, TypeVar

    P = ParamSpec("P")
    R = TypeVar("R")


class batching(_Method[P, Any], Generic[P, R]):  # noqa: N801 - a decorator
    """Make a batch of a method that returns its :class:`~simstudio.batch.mapping.Plan`."""

    def __init__(self, plan: Callable[Concatenate[Any, P], Plan[R]]) -> None:
        method: Any = plan
        super().__init__(method)

    @overload
    def __get__(self, resource: None, owner: Any) -> batching[P, R]: ...
    @overload
    def __get__(self, resource: APIResource[Sync] | APIResource[RawSync], owner: Any) -> Callable[P, Batch[R]]: ...
    @overload
    def __get__(
        self, resource: APIResource[Async] | APIResource[RawAsync], owner: Any
    ) -> Callable[P, AsyncBatch[R]]: ...
    def __get__(self, resource: Any, owner: Any) -> Any:
        return self if resource is None else BoundBatching(resource, self)


class BoundBatching(BoundOperation):  # noqa: D101
    # A batching operation of one resource: call it, and iterate over what it gives.

    __slots__ = ("__doc__",)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: D102
        resource: Any = self._resource
        plan: Any = self._method.flow(resource, *args, **kwargs)
        return plan.checked().begin(resource, resource._dialects.version)

    def _returns(self, annotation: Any) -> Any:
        del annotation
        return "AsyncBatch" if self._resource._context.runner.asynchronous else "Batch"
