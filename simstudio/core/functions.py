"""Functions made of decorated methods: what ``resource.method`` calls, and what ``inspect`` and ``typing`` see of it.

A decorated method is a generator with the arguments of an operation. Its callers get a function with the same
parameters, which runs the generator. The function is compiled from source, because only then an ``async def`` refuses
wrong arguments when it is called, as any other function does, and not when it is awaited.
"""

from __future__ import annotations

import ast
import functools
import inspect
import sys
from collections.abc import Callable
from inspect import Parameter, Signature
from types import FunctionType
from typing import Any, NamedTuple

_FORWARDED: dict[Any, str] = {
    Parameter.VAR_POSITIONAL: "*{0}",
    Parameter.KEYWORD_ONLY: "{0}={0}",
    Parameter.VAR_KEYWORD: "**{0}",
}


class Form(NamedTuple):
    """The function that a decorator makes for one mode.

    Attributes:
        returns: Annotation of its result.
        run: Takes the resource and what the decorated method returned (a flow, for most decorators).
        awaited: Whether the function is an ``async def``, which awaits what ``run`` returns.
    """

    returns: str
    run: Callable[[Any, Any], Any]
    awaited: bool = False


def compile_function(method: Callable[..., Any], form: Form) -> FunctionType:
    """A function with the parameters of a decorated method, in the form of one mode.

    In tracebacks, and for ``inspect.getfile``, it stands where the method is written.
    """
    me, *others = (each.replace(annotation=Parameter.empty) for each in inspect.signature(method).parameters.values())
    defaults = {each.name: each.default for each in others if each.default is not Parameter.empty}
    keywords = {each.name for each in others if each.kind is Parameter.KEYWORD_ONLY}
    parameters = Signature([me, *(each.replace(default=None) if each.name in defaults else each for each in others)])
    forwarded = ", ".join([me.name, *(_FORWARDED.get(each.kind, "{0}").format(each.name) for each in others)])
    name, prefix, wait = method.__name__, *(("async ", "await ") if form.awaited else ("", ""))
    written: Any = inspect.unwrap(method)
    source = (
        "\n" * (written.__code__.co_firstlineno - 2) + "def make(_method, _run):\n"
        f"    {prefix}def {name}{parameters}: return {wait}_run({me.name}, _method({forwarded}))\n"
        f"    return {name}\n"
    )
    made: dict[str, Any] = {}
    exec(compile(source, written.__code__.co_filename, "exec"), written.__globals__, made)  # noqa: S102
    function: FunctionType = made["make"](method, form.run)
    function.__defaults__ = tuple(value for name, value in defaults.items() if name not in keywords)
    function.__kwdefaults__ = {name: value for name, value in defaults.items() if name in keywords}
    return function


def shown_method(method: Callable[..., Any], returns: str, *modules: str) -> FunctionType:
    """A copy of a decorated method that ``inspect`` and ``typing`` read: it is annotated with the operation's result.

    Args:
        method: The method, or a wrapper of it.
        returns: Annotation of the result.
        modules: Names of the modules that import what ``returns`` adds to the method's own annotation.
    """
    written: Any = inspect.unwrap(method)
    names = _Names(written.__globals__, (written.__module__, *modules))
    shown = FunctionType(written.__code__, names, written.__name__, written.__defaults__, written.__closure__)
    shown.__kwdefaults__, shown.__doc__ = written.__kwdefaults__, written.__doc__
    shown.__qualname__, shown.__module__ = written.__qualname__, written.__module__
    shown.__annotations__ = {**method.__annotations__, "return": returns}
    signature = inspect.signature(method)
    if signature != inspect.signature(written):  # the wrapper fills in a parameter
        vars(shown)["__signature__"] = signature.replace(return_annotation=returns)
    return shown


class _Names(dict[str, Any]):
    """Globals in which annotations are evaluated: those of a module, and what modules import for type checkers only.

    The latter is imported when somebody asks for type hints: start-up does without it.
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
    """The names of a module, with those that it imports under ``if TYPE_CHECKING:``."""
    found = sys.modules[module]
    names = dict(vars(found))
    try:
        source = inspect.getsource(found)
    except (OSError, TypeError):  # installed without sources, or typed into an interpreter
        return names
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING":
            exec(compile(ast.Module(statement.body, []), f"<annotations of {module}>", "exec"), names)  # noqa: S102
    return names
