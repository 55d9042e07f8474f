"""Functions made from decorated methods: the function that ``resource.method`` calls, and the one for ``inspect``.

A decorated method is a generator with the parameters of an operation. Callers get a function with the same parameters
that runs the generator. It is compiled from source, so that an ``async def`` checks its arguments like any other
function: when it is called, not when it is awaited.
"""

from __future__ import annotations

import ast
import functools
import inspect
import sys
from collections.abc import Callable
from inspect import Parameter, Signature
from types import FunctionType
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

_FORWARDED: dict[Any, str] = {
    Parameter.VAR_POSITIONAL: "*{0}",
    Parameter.KEYWORD_ONLY: "{0}={0}",
    Parameter.VAR_KEYWORD: "**{0}",
}


class Form:
    """The function that a decorator makes for one mode.

    Args:
        returns: Annotation of the function's result.
        run: Makes the result from the resource and the return value of the decorated method (mostly a flow).
        awaited: Whether the function is an ``async def`` that awaits ``run``.
    """

    def __init__(self, returns: str, run: Callable[[Any, Any], Any], awaited: bool = False) -> None:  # noqa: FBT001, FBT002
        self.returns = returns
        self.run = run
        self.awaited = awaited


def compile_function(method: Callable[..., Any], form: Form) -> FunctionType:
    """Make the function of a decorated method for one mode.

    Tracebacks and ``inspect.getfile`` show the file and line of the method. The function deletes its arguments when the
    method has returned or raised, so that its frame, whose locals crash reporters send, does not hold them.
    """
    me, *others = inspect.signature(method).parameters.values()
    defaults = {each.name: each.default for each in others if each.default is not Parameter.empty}
    keywords = {each.name for each in others if each.kind is Parameter.KEYWORD_ONLY}
    parameters = Signature([Parameter(each.name, each.kind) for each in (me, *others)])  # the defaults follow below
    forwarded = ", ".join([me.name, *(_FORWARDED.get(each.kind, "{0}").format(each.name) for each in others)])
    name, prefix, wait = method.__name__, *(("async ", "await ") if form.awaited else ("", ""))
    written: Any = inspect.unwrap(method)
    forget = f"del {', '.join(each.name for each in others)}" if others else "pass"
    source = (
        "def make(_method, _run):\n"
        f"    {prefix}def {name}{parameters}:\n"
        f"        try: _made = _method({forwarded})\n"
        f"        finally: {forget}\n"
        f"        return {wait}_run({me.name}, _made)\n"
        f"    return {name}\n"
    )
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if hasattr(node, "lineno"):
            vars(node).update(
                lineno=written.__code__.co_firstlineno, end_lineno=None, col_offset=0, end_col_offset=None
            )
    made: dict[str, Any] = {}
    exec(compile(tree, written.__code__.co_filename, "exec"), written.__globals__, made)  # noqa: S102
    function: FunctionType = made["make"](method, form.run)
    function.__defaults__ = tuple(value for name, value in defaults.items() if name not in keywords)
    function.__kwdefaults__ = {name: value for name, value in defaults.items() if name in keywords}
    return function


def shown_method(method: Callable[..., Any], returns: str, *modules: str) -> FunctionType:
    """Make a copy of a decorated method for ``inspect`` and ``typing``, annotated with the result of the operation.

    Args:
        method: The method, or a wrapper around it.
        returns: Annotation of the result.
        modules: Modules that import the names that ``returns`` adds to the method's own annotation.
    """
    written: Any = inspect.unwrap(method)
    names = _Names(written.__globals__, (written.__module__, *modules))
    shown = FunctionType(written.__code__, names, written.__name__, written.__defaults__, written.__closure__)
    shown.__kwdefaults__, shown.__doc__ = written.__kwdefaults__, written.__doc__
    shown.__qualname__, shown.__module__ = written.__qualname__, written.__module__
    shown.__annotations__ = {**method.__annotations__, "return": returns}
    if written is not method:  # the wrapper may have other parameters
        vars(shown)["__signature__"] = inspect.signature(method).replace(return_annotation=returns)
    return shown


def with_hints(method: F) -> F:
    """Decorate a public method or getter that is no operation, so that ``typing.get_type_hints`` reads its annotations.

    They may name what is imported under ``if TYPE_CHECKING:`` only.
    """
    vars(method)["__wrapped__"] = shown_method(method, method.__annotations__["return"])
    return method


class _Names(dict[str, Any]):
    """Globals for evaluating annotations: those of a module, and the imports of modules under ``if TYPE_CHECKING:``.

    The latter are imported at the first look-up and not at start-up.
    """

    def __init__(self, names: dict[str, Any], modules: tuple[str, ...]) -> None:
        super().__init__(names)
        self._modules = modules

    def __missing__(self, name: str) -> Any:
        for module in self._modules:
            names = _names_of(module)
            if name in names:
                return names[name]
        raise KeyError(name)


@functools.cache
def _names_of(module: str) -> dict[str, Any]:
    """Return the names of a module, including its imports under ``if TYPE_CHECKING:``."""
    found = sys.modules[module]
    names = dict(vars(found))
    try:
        source = inspect.getsource(found)
    except (OSError, TypeError):  # a module without source, or an interactive session
        return names
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING":
            exec(compile(ast.Module(statement.body, []), f"<annotations of {module}>", "exec"), names)  # noqa: S102
    return names
