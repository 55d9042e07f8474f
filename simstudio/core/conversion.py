"""From JSON data to models, and to whatever type a user asks for.

A model takes what came as it is: its deviations are logged on ``simstudio.models``, once per model and field, and are
errors only within :func:`simstudio.testing.strict_models`. What is refused is an answer that is no object where a model
is expected, or no list where a list of models is.

Any other type is cattrs' work, checked strictly: ``"5"`` is no int. cattrs' own exceptions do not come out, and it is
imported when the first such type is asked for (a tenth of the time to a program's first result).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_args, get_origin

import attrs

from simstudio.core.shapes import fit, holds_models, is_model, mismatch, name_of, shapes_of
from simstudio.transport.errors import InvalidResponseError

if TYPE_CHECKING:
    import cattrs

    from simstudio.core.model import Model
    from simstudio.core.shapes import Note
    from simstudio.transport.message import Response

T = TypeVar("T")

_logger = logging.getLogger("simstudio.models")


class _Mismatch(Exception):  # noqa: N818 - never leaves this module
    """Data that is refused; the message says why."""


class Converter:
    """Makes models of JSON data, and takes note of deviations: it logs each once, or refuses them all."""

    def __init__(self) -> None:
        self._logged: set[tuple[Any, str]] = set()
        self._note: Note = self._log

    def structure(
        self,
        data: Any,
        into: type[T],
        *,
        response: Response | None = None,
        known: Mapping[str, Any] | None = None,
        given: Mapping[str, Any] | None = None,
    ) -> T:
        """JSON data as a model, or as any type that cattrs understands.

        Args:
            data: What ``json.loads`` gave.
            into: A model class, another attrs class or dataclass, ``list[Model]`` …
            response: Where it came from, for errors.
            known: Values of a model's attributes that stand in for what is missing or null.
            given: Values of a model's attributes that stand in whatever came.

        Raises:
            InvalidResponseError: It is no object where a model is expected, or no list where a list is; or it is not
                of the user's type, and the message names the place.
        """
        note = self._note
        try:
            model: Any = getattr(into, "_structured", None)
            if model is not None:
                if isinstance(data, dict):
                    return model(data, note, known, given)  # type: ignore[no-any-return]
                raise _Mismatch(f"as a whole it is {name_of(data)} and not an object")
            if holds_models(into):
                shapes = shapes_of(into) or {}
                if type(data) not in shapes:
                    raise _Mismatch(f"as a whole it is {mismatch(data, shapes)}")
                return cast("T", fit(data, shapes, (into, "items"), note))
            return _structure_other(data, into)
        except _Mismatch as error:
            problem = str(error)
        except RecursionError:
            problem = "it is nested too deeply"
        raise _invalid(into, problem, response)

    @contextmanager
    def strictly(self) -> Iterator[None]:
        """Make every deviation an :class:`~simstudio.InvalidResponseError` for a while."""
        before, self._note = self._note, self._refuse
        try:
            yield
        finally:
            self._note = before

    def _refuse(self, kind: Any, field: str, problem: str) -> None:
        raise _Mismatch(f"{_name(kind)}.{field} is {problem}")

    def _log(self, kind: Any, field: str, problem: str) -> None:
        if (kind, field) in self._logged:
            return
        self._logged.add((kind, field))
        _logger.info("A server's answer deviates: %s.%s is %s", _name(kind), field, problem)


converter = Converter()
structure = converter.structure


def unmet_requirements(made: Model) -> list[str]:
    """The required fields of a model, and of the models in it, that are missing, null or of another type, in words."""
    found: list[str] = []

    def note(kind: Any, field: str, problem: str) -> None:
        if attrs.fields_dict(kind)[field].default is attrs.NOTHING:
            found.append(f"{kind.__name__}.{field} is {problem}")

    type(made)._structured(made._mapping(), note)
    return found


def require(made: Model, response: Response, **types: type) -> None:
    """Check the attributes that a flow cannot go on without: ``require(job, response, status=str)``.

    Raises:
        InvalidResponseError: One of them is missing, of another type, or an empty text; the answer is on the error.
    """
    for name, kind in types.items():
        value = getattr(made, name, None)
        if type(value) is not kind or value == "":
            problem = (
                "missing" if not hasattr(made, name) else "empty" if value == "" else mismatch(value, {kind: None})
            )
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
    return str(kind) if get_args(kind) else getattr(kind, "__name__", str(kind))


# -- types of users ----------------------------------------------------------------------------------------------------


def _structure_other(data: Any, into: type[T]) -> T:
    """Data as a type that is no model.

    Raises:
        _Mismatch: It does not fit.
    """
    problem = ""
    try:
        return _cattrs().structure(data, into)
    except _Mismatch as error:
        problem = f"{error} @ $"
    except Exception as error:  # noqa: BLE001 - what cattrs raises is not part of our interface
        problem = _explain(error)
    raise _Mismatch(problem)


@lru_cache(maxsize=1)
def _cattrs() -> cattrs.Converter:
    from simstudio.transport.fork import no_fork

    with no_fork:
        from cattrs import Converter

        made = Converter()
    for kind in (bool, int, float, str):
        made.register_structure_hook(kind, _checked)
    made.register_structure_hook_factory(_is_list, _list_hook)
    made.register_structure_hook_factory(is_model, lambda _: _checked)
    return made


def _checked(value: Any, kind: Any) -> Any:
    """A value of a JSON type, or a model, that is not coerced."""
    shapes = shapes_of(kind) or {}
    if type(value) not in shapes:
        raise _Mismatch(f"it is {mismatch(value, shapes)}")
    return structure(value, kind) if is_model(kind) else value


def _is_list(kind: Any) -> bool:
    return kind is list or get_origin(kind) is list


def _list_hook(kind: Any) -> Callable[[Any, Any], Any]:
    """Cattrs alone makes a list of any iterable, such as a text's letters or an object's keys."""
    (inner,) = get_args(kind) or (Any,)
    hook = _cattrs().get_structure_hook(inner)

    def structure_list(value: Any, _: Any) -> Any:
        if not isinstance(value, list):
            raise _Mismatch(f"it is {name_of(value)} and not a list")
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
