"""Functions of workflows: ``greet = client.workflows.function("greet")``."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Coroutine, Sequence
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar, cast, overload

from simstudio.core.display import hide_secrets
from simstudio.core.functions import with_hints
from simstudio.core.literals import is_name
from simstudio.core.modes import Async, M, RawAsync, RawSync, Sync
from simstudio.core.options import UNSET
from simstudio.models.descriptions import WorkflowDescription
from simstudio.resources.input_checks import FIELD_TYPES
from simstudio.transport.secret_fields import find_keys

if TYPE_CHECKING:
    from simstudio.batch.batch import AsyncBatch, Batch
    from simstudio.batch.inputs import Inputs
    from simstudio.core.modes import APIResponse
    from simstudio.core.resource import APIResource
    from simstudio.models.descriptions import WorkflowInput
    from simstudio.models.events import StreamEvent
    from simstudio.models.execution import WorkflowExecutionResult
    from simstudio.models.receipts import AsyncExecutionResult
    from simstudio.resources.streams import AsyncStreamManager, Stream

_LONGEST_DEFAULT: Final = 200

M_co = TypeVar("M_co", Sync, Async, RawSync, RawAsync, covariant=True)


class WorkflowFunction(Protocol[M_co]):
    """A workflow as a function (``client.workflows.function``); ``M`` is the mode of the client.

    At run time it is a plain function with attributes. A type checker does not know its fields, which the server tells
    at run time; ``simstudio codegen`` writes functions whose fields it knows.

    Attributes:
        description: Description of the workflow.
    """

    __name__: str
    description: WorkflowDescription

    @overload
    def __call__(self: WorkflowFunction[Sync], **fields: Any) -> WorkflowExecutionResult: ...
    @overload
    def __call__(self: WorkflowFunction[Async], **fields: Any) -> Coroutine[Any, Any, WorkflowExecutionResult]: ...
    @overload
    def __call__(self: WorkflowFunction[RawSync], **fields: Any) -> APIResponse[WorkflowExecutionResult]: ...
    @overload
    def __call__(
        self: WorkflowFunction[RawAsync], **fields: Any
    ) -> Coroutine[Any, Any, APIResponse[WorkflowExecutionResult]]: ...
    def __call__(self, **fields: Any) -> Any:
        """Run the workflow and wait for its result (``client.workflows.execute``)."""
        ...

    @overload
    def submit(self: WorkflowFunction[Sync], **fields: Any) -> AsyncExecutionResult: ...
    @overload
    def submit(self: WorkflowFunction[Async], **fields: Any) -> Coroutine[Any, Any, AsyncExecutionResult]: ...
    @overload
    def submit(self: WorkflowFunction[RawSync], **fields: Any) -> APIResponse[AsyncExecutionResult]: ...
    @overload
    def submit(
        self: WorkflowFunction[RawAsync], **fields: Any
    ) -> Coroutine[Any, Any, APIResponse[AsyncExecutionResult]]: ...
    def submit(self, **fields: Any) -> Any:
        """Queue the workflow to run in the background (``client.workflows.submit``)."""
        ...

    @overload
    def stream(self: WorkflowFunction[Sync] | WorkflowFunction[RawSync], **fields: Any) -> Stream[StreamEvent]: ...
    @overload
    def stream(
        self: WorkflowFunction[Async] | WorkflowFunction[RawAsync], **fields: Any
    ) -> AsyncStreamManager[StreamEvent]: ...
    def stream(self, **fields: Any) -> Any:
        """Run the workflow and receive its text while it runs (``client.workflows.stream``)."""
        ...

    @overload
    def map(
        self: WorkflowFunction[Sync] | WorkflowFunction[RawSync], inputs: Inputs, **options: Any
    ) -> Batch[WorkflowExecutionResult]: ...
    @overload
    def map(
        self: WorkflowFunction[Async] | WorkflowFunction[RawAsync], inputs: Inputs, **options: Any
    ) -> AsyncBatch[WorkflowExecutionResult]: ...
    @with_hints
    def map(self, inputs: Inputs, **options: Any) -> Any:
        """Run the workflow over many inputs, with the options of ``client.workflows.map``."""
        ...


def make_function(
    workflows: APIResource[M], description: WorkflowDescription, selected_outputs: Sequence[str] | None
) -> WorkflowFunction[M]:
    """Make the function of a workflow for the mode of a client."""
    methods: Any = workflows
    name = _function_name(description)
    signature, text = Signature(_parameters(description)), docstring_of(description)

    def function_of(method: Any, qualname: str, **options: Any) -> Any:
        options["check"] = description

        def call(**fields: Any) -> Any:
            return method(description.id, fields, **options)

        async def call_async(**fields: Any) -> Any:
            return await method(description.id, fields, **options)

        function = call_async if inspect.iscoroutinefunction(method) else call
        return _shape(function, qualname, signature, method, text)

    def map(inputs: Inputs, **options: Any) -> Any:  # noqa: A001 - the name of the method
        return methods.map(description.id, inputs, **{"check": description, **options})

    made = function_of(methods.execute, name)
    made.submit = function_of(methods.submit, f"{name}.submit")
    made.stream = function_of(methods.stream, f"{name}.stream", selected_outputs=selected_outputs)
    options = [each for each in inspect.signature(methods.map).parameters.values() if each.name != "workflow_id"]
    made.map = _shape(map, f"{name}.map", Signature(options), methods.map, methods.map.__doc__)
    made.description = description
    return cast("WorkflowFunction[M]", made)


def docstring_of(description: WorkflowDescription) -> str:
    """The description of a workflow and of the fields of its input, as a docstring."""
    text = description.description if isinstance(description.description, str) else ""
    lines = [text.strip() or f"Run the workflow {description.name or description.id}."]
    words = {name: _words_of(field) for name, field in description.fields.items()}
    if any(words.values()):
        lines += ["", "Args:", *(f"    {' '.join(name.split())}: {said}" for name, said in words.items() if said)]
    return "\n".join(lines)


def _words_of(field: WorkflowInput) -> str:
    """The line of a docstring for a field: its description and default."""
    said = " ".join(field.description.split()) if isinstance(field.description, str) else ""
    if _known_default(field) is None:
        return said
    default = json.dumps(field.default, ensure_ascii=False)
    if len(default) > _LONGEST_DEFAULT:
        default = f"{default[:_LONGEST_DEFAULT]}…"
    return f"{said} Default: {default}".lstrip()


def _shape(function: Any, qualname: str, signature: Signature, method: Any, text: str | None) -> Any:
    """Give a function the signature of a workflow and the result of a method."""
    returns = inspect.signature(method).return_annotation
    function.__name__, function.__qualname__ = qualname.rpartition(".")[2], qualname
    function.__signature__ = signature.replace(return_annotation=returns)
    function.__annotations__ = {
        each.name: each.annotation for each in signature.parameters.values() if each.annotation is not Parameter.empty
    }
    function.__annotations__["return"] = returns
    function.__doc__ = text
    return function


def _parameters(description: WorkflowDescription) -> list[Parameter]:
    """The fields as parameters. Fields whose names are no Python names, and undeclared ones, are ``**fields``."""
    fields = description.fields
    named = {name: field for name, field in fields.items() if is_name(name)}
    found = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=_default_of(field), annotation=_annotation_of(field))
        for name, field in named.items()
    ]
    if not fields or len(named) < len(fields):
        rest = next(name for name in ("fields", "_fields", "__fields") if name not in named)
        found.append(Parameter(rest, Parameter.VAR_KEYWORD, annotation=Any))
    return found


def _annotation_of(field: WorkflowInput) -> Any:
    known = FIELD_TYPES.get(field.type) if isinstance(field.type, str) else None
    return Any if known is None else known.annotation


def _default_of(field: WorkflowInput) -> Any:
    if field.required is True:
        return Parameter.empty
    default = _known_default(field)
    return UNSET if default is None else default


def _known_default(field: WorkflowInput) -> Any:
    """The default of a field; None if it has none, or a secret one, which generated code and help do not show."""
    given = {field.name: field.default}
    return field.default if hide_secrets(given) == given and not find_keys(json.dumps(field.default)) else None


def _function_name(description: WorkflowDescription) -> str:
    name = description.name if isinstance(description.name, str) else description.id
    return re.sub(r"\W+", "_", name).strip("_") or "workflow"
