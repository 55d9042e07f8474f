"""``structure``: JSON data to models, and to any other type that a user asks for.

A response becomes a model if it has the right envelope: an object for a model, a list for a list of models. Deviations
(see :mod:`simstudio.core.model`) are logged on ``simstudio.models``, once per model and field; within
:func:`simstudio.testing.strict_models` they are errors.

Other types are structured by cattrs, and strictly: ``"5"`` is no int. cattrs is imported for the first such type, and
its exceptions never leave this module.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_args, get_origin

import attr  # the library of attrs, without the six modules that only rename it

from simstudio.core.json_types import convert, describe_mismatch, describe_type, holds_models, is_model, json_types
from simstudio.transport.errors import InvalidResponseError

if TYPE_CHECKING:
    import cattrs

    from simstudio.core.json_types import Report
    from simstudio.core.model import Model
    from simstudio.transport.message import Response

T = TypeVar("T")

_logger = logging.getLogger("simstudio.models")


class _Mismatch(Exception):  # noqa: N818 - never leaves this module
    """Data does not fit a type; the message says how."""


class Converter:
    """Structures JSON data, and logs deviations or raises for them."""

    def __init__(self) -> None:
        self._logged: set[tuple[Any, str]] = set()
        self._report: Report = self._log_once

    def structure(
        self,
        data: Any,
        into: type[T],
        *,
        response: Response | None = None,
        fallbacks: Mapping[str, Any] | None = None,
        overrides: Mapping[str, Any] | None = None,
    ) -> T:
        """Make JSON data a model, or any type that cattrs can structure.

        Args:
            data: JSON data, as ``json.loads`` returns it.
            into: A model class, another attrs class or dataclass, ``list[Model]`` …
            response: The response that held the data; errors carry it.
            fallbacks: Values of a model's attributes for fields that are missing or null.
            overrides: Values of a model's attributes whatever the data holds.

        Raises:
            InvalidResponseError: The data has the wrong envelope for a model, or does not fit the user's type.
        """
        report = self._report
        try:
            from_json: Any = getattr(into, "_from_json", None)
            if from_json is not None:
                if isinstance(data, dict):
                    return from_json(data, report, fallbacks, overrides)  # type: ignore[no-any-return]
                raise _Mismatch(f"as a whole it is {describe_type(data)} and not an object")
            if holds_models(into):
                accepted = json_types(into) or {}
                if type(data) not in accepted:
                    raise _Mismatch(f"as a whole it is {describe_mismatch(data, accepted)}")
                return cast("T", convert(data, accepted, (into, "items"), report))
            return _structure_other(data, into)
        except _Mismatch as error:
            problem = str(error)
        except RecursionError:
            problem = "it is nested too deeply"
        raise _invalid(into, problem, response)

    @contextmanager
    def strictly(self) -> Iterator[None]:
        """Make every deviation an :class:`~simstudio.InvalidResponseError` within the block."""
        before, self._report = self._report, self._raise
        try:
            yield
        finally:
            self._report = before

    def _raise(self, kind: Any, field: str, problem: str) -> None:
        raise _Mismatch(f"{_name(kind)}.{field} is {problem}")

    def _log_once(self, kind: Any, field: str, problem: str) -> None:
        if (kind, field) in self._logged:
            return
        self._logged.add((kind, field))
        _logger.info("A response deviates from its model: %s.%s is %s", _name(kind), field, problem)


converter = Converter()
structure = converter.structure


def find_unmet_requirements(made: Model) -> list[str]:
    """Deviations of required fields, in the model and in the models that it holds: ``Job.status is missing``."""
    found: list[str] = []

    def report(kind: Any, field: str, problem: str) -> None:
        if attr.fields_dict(kind)[field].default is attr.NOTHING:
            found.append(f"{kind.__name__}.{field} is {problem}")

    type(made)._from_json(made._mapping(), report)
    return found


def require(made: Model, response: Response, **types: type) -> None:
    """Check the attributes that a flow needs: ``require(job, response, status=str)``.

    Raises:
        InvalidResponseError: An attribute is missing, of another type, or an empty text; the error has the response.
    """
    for name, kind in types.items():
        value = getattr(made, name, None)
        if not hasattr(made, name):
            problem = "missing"
        elif type(value) is not kind:
            problem = describe_mismatch(value, {kind: None})
        elif value == "":
            problem = "empty"
        else:
            continue
        raise _invalid(type(made), f"its {name} is {problem}", response)


def _invalid(into: Any, problem: str, response: Response | None) -> InvalidResponseError:
    if response is None:
        return InvalidResponseError(f"The body is no {_name(into)}: {problem}.")
    return InvalidResponseError(
        f"{response.method} {response.path} answered {response.status}, but the body is no {_name(into)}: {problem}. "
        "The body is in error.response.content.",
        status=response.status,
        response=response,
        history=response.history,
    )


def _name(kind: Any) -> str:
    if get_origin(kind) is list:
        return f"list of {_name(get_args(kind)[0])}"
    return str(kind) if get_args(kind) else getattr(kind, "__name__", str(kind))


# -- types of users ----------------------------------------------------------------------------------------------------


def _structure_other(data: Any, into: type[T]) -> T:
    """Make JSON data a type that is no model.

    Raises:
        _Mismatch: The data does not fit.
    """
    problem = ""
    try:
        return _cattrs().structure(data, into)
    except _Mismatch as error:
        problem = f"{error} @ $"
    except Exception as error:  # noqa: BLE001 - cattrs' exceptions are no part of our interface
        problem = _explain(error)
    raise _Mismatch(problem)


@lru_cache(maxsize=1)
def _cattrs() -> cattrs.Converter:
    from simstudio.transport.fork import no_fork

    with no_fork:
        from cattrs import Converter

        made = Converter()
    for kind in (bool, int, float, str):
        made.register_structure_hook(kind, _structure_checked)
    made.register_structure_hook_factory(_is_list, _list_hook)
    made.register_structure_hook_factory(is_model, lambda _: _structure_checked)
    return made


def _structure_checked(value: Any, kind: Any) -> Any:
    """Hook for models, bools, numbers and texts: no coercion."""
    accepted = json_types(kind) or {}
    if type(value) not in accepted:
        raise _Mismatch(f"it is {describe_mismatch(value, accepted)}")
    return structure(value, kind) if is_model(kind) else value


def _is_list(kind: Any) -> bool:
    return kind is list or get_origin(kind) is list


def _list_hook(kind: Any) -> Callable[[Any, Any], Any]:
    """Hook for lists. cattrs' own accepts any iterable, such as the letters of a text or the keys of an object."""
    (inner,) = get_args(kind) or (Any,)
    hook = _cattrs().get_structure_hook(inner)

    def structure_list(value: Any, _: Any) -> Any:
        if not isinstance(value, list):
            raise _Mismatch(f"it is {describe_type(value)} and not a list")
        return [hook(item, inner) for item in value]

    return structure_list


def _explain(error: BaseException) -> str:
    from cattrs import transform_error

    def words(problem: BaseException, kind: type | None) -> str:
        from cattrs.v import format_exception

        return str(problem) if isinstance(problem, _Mismatch) else format_exception(problem, kind)

    try:
        return "; ".join(transform_error(error, format_exception=words))
    except Exception:  # noqa: BLE001 - only a text is wanted
        return str(error) or type(error).__name__
