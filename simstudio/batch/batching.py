"""``@batching``: a method that returns a batch. The engine is imported when the method is called."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from inspect import Parameter
from typing import TYPE_CHECKING, Any, Concatenate, Generic, overload

from simstudio.core.failures import clear_frames
from simstudio.core.functions import Form
from simstudio.core.modes import Async, Mode, RawAsync, RawSync, Sync
from simstudio.core.operation import Method, result_of
from simstudio.transport.errors import SimStudioError

if TYPE_CHECKING:
    from types import FunctionType

    from typing_extensions import ParamSpec

    from simstudio.batch.batch import AsyncBatch, Batch
    from simstudio.batch.execution import R
    from simstudio.batch.plan import Plan
    from simstudio.core.resource import APIResource

    P = ParamSpec("P")
else:
    from typing import ParamSpec, TypeVar

    P = ParamSpec("P")
    R = TypeVar("R")


class batching(Method[P, Any], Generic[P, R]):  # noqa: N801 - a decorator
    """Decorator: a method that returns a :class:`~simstudio.batch.plan.Plan` returns its batch to callers."""

    _modules = ("simstudio.batch.options",)

    def __init__(self, plan: Callable[Concatenate[Any, P], Plan[R]]) -> None:
        super().__init__(plan)
        self._result = result_of(plan, "Plan")

    def _function(self, mode: type[Mode]) -> FunctionType:
        if self.flow is self.__wrapped__:
            self.flow = _with_options(self.flow, self._result)
        return super()._function(mode)

    @overload
    def __get__(self, resource: None, owner: Any) -> batching[P, R]: ...
    @overload
    def __get__(self, resource: APIResource[Sync] | APIResource[RawSync], owner: Any) -> Callable[P, Batch[R]]: ...
    @overload
    def __get__(
        self, resource: APIResource[Async] | APIResource[RawAsync], owner: Any
    ) -> Callable[P, AsyncBatch[R]]: ...
    def __get__(self, resource: Any, owner: Any) -> Any:
        return self._bind(resource, owner)

    def _form(self, mode: type[Mode]) -> Form:
        return Form(f"{'AsyncBatch' if mode.asynchronous else 'Batch'}[{self._result}]", _begin)


def _with_options(plan: Callable[..., Any], result: str) -> Callable[..., Any]:
    """A method that takes ``**options: Unpack[BatchOptions]`` as one that has each of them in its signature."""
    from simstudio.batch.options import make_parameters

    signature = inspect.signature(plan)
    *own, options = signature.parameters.values()
    if options.kind is not Parameter.VAR_KEYWORD:
        return plan
    each = make_parameters(result)

    @functools.wraps(plan)
    def method(*args: Any, **options: Any) -> Any:
        try:
            return plan(*args, **options)
        except SimStudioError as error:
            clear_frames(error)  # addresses of stores may hold passwords
            raise
        finally:
            del args, options

    vars(method)["__signature__"] = signature.replace(parameters=[*own, *each])
    annotations = {name: value for name, value in plan.__annotations__.items() if name != options.name}
    method.__annotations__ = {**annotations, **{one.name: one.annotation for one in each}}
    return method


def _begin(resource: Any, plan: Plan[Any]) -> Any:
    try:
        return plan.begin(resource._context)
    except SimStudioError as error:
        clear_frames(error)
        raise
