"""``client.workflows``: what a workflow takes, and workflows as functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from simstudio.core.conversion import structure
from simstudio.core.errors import APIVersionError
from simstudio.core.failures import read_error
from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.core.resource import APIResource
from simstudio.resources.advice import lacks_route
from simstudio.resources.dialects import Dialects
from simstudio.resources.settings import APIVersion
from simstudio.transport.endpoint import segment
from simstudio.transport.errors import (
    APIStatusError,
    InvalidInputError,
    InvalidResponseError,
    PermissionDeniedError,
)
from simstudio.transport.flow import Flow

if TYPE_CHECKING:
    from simstudio.models.descriptions import WorkflowDescription
    from simstudio.resources.workflow_functions import WorkflowFunction

_KEPT: Final = ("id", "name", "description", "isDeployed", "inputs")


class WorkflowDescriptions(APIResource[M]):
    """The part of ``client.workflows`` that describes workflows."""

    _dialects: Dialects[M]

    @operation
    def describe(self, workflow_id: str) -> Flow[WorkflowDescription]:
        """Retrieve what a workflow takes: the names and types of its input fields, and a line that calls it.

        The version of the API that the client uses is asked first, then the other one if the server lacks the first or
        refuses the API key there.

        Returns:
            The description. With v2 it has the number of the live version, which costs a second request.

        Raises:
            NotFoundError: No workflow has this id, or the server is older than April 2026 and describes none.
            PermissionDeniedError: The API key may not see the workflow.

        Example:
            >>> print(client.workflows.describe("greet").call)  # doctest: +SKIP
            client.workflows.execute("greet", {"name": ...})
        """
        return (yield from self._describe(workflow_id))

    @operation
    def function(self, workflow_id: str, *, selected_outputs: Sequence[str] | None = None) -> Flow[WorkflowFunction[M]]:
        """Make a function of a workflow, whose parameters are the input fields. The workflow is described once, here.

        ``greet(name="Ada")`` is :meth:`execute`; ``greet.stream``, ``greet.submit`` and ``greet.map`` are the methods
        of these names. Each checks its input as ``check=`` of :meth:`execute` does, before a request is sent. On the
        async client, await this method and the function that it returns.

        Args:
            selected_outputs: Outputs for ``greet.stream``, as ``blockName.path``; without it only the final event
                arrives.

        Returns:
            A function with the signature and docstring of the workflow. Like any function that is made at run time it
            cannot be pickled: in another process, make it again, or generate a module (``simstudio codegen``).

        Raises:
            NotFoundError: No workflow has this id, or the server is older than April 2026 and describes none.

        Example:
            >>> greet = client.workflows.function("greet")  # doctest: +SKIP
            >>> greet(name="Ada").output  # doctest: +SKIP
            {'greeting': 'Hello, Ada!'}
        """
        from simstudio.resources.workflow_functions import make_function

        description = yield from self._describe(workflow_id)
        return make_function(self, description, selected_outputs)

    def _check(self, workflow_id: str, data: Any, check: bool | WorkflowDescription) -> Flow[None]:  # noqa: FBT001
        """The ``check=`` of an execution."""
        if check is False:
            return
        from simstudio.models.descriptions import WorkflowDescription
        from simstudio.resources.input_checks import check_input

        description = (yield from self._describe(workflow_id)) if check is True else check
        if not isinstance(description, WorkflowDescription):
            raise InvalidInputError(f"check must be True, False or a WorkflowDescription, not {check!r}.")
        check_input(description, data)

    def _describe(self, workflow_id: str) -> Flow[WorkflowDescription]:
        first: APIVersion = "v2" if self._dialects.version == "v2" else "v1"
        try:
            return (yield from self._describe_in(first, workflow_id))
        except APIStatusError as error:
            if not (_lacks_route(error) or isinstance(error, PermissionDeniedError)):
                raise
            refused = error
        try:
            return (yield from self._describe_in("v1" if first == "v2" else "v2", workflow_id))
        except APIStatusError as error:
            missing = _lacks_route(error)
            # A refusal says more than a missing route. Of two missing routes v1's is the one that advises nothing else.
            raise error if _lacks_route(refused) and (not missing or first == "v2") else refused from None

    def _describe_in(self, version: APIVersion, workflow_id: str) -> Flow[WorkflowDescription]:
        from simstudio.core.endpoint import extract
        from simstudio.models.descriptions import WorkflowDescription

        path = f"/api/{version}/workflows/{segment(workflow_id, 'workflow_id')}"
        response = yield from self._call_explained(self._request("GET", path, resend="read"))
        data = extract(response, ("data",))
        if isinstance(data, dict):
            data = {name: data[name] for name in _KEPT if name in data}
            if version == "v2" and data.get("isDeployed") is True:
                data["version"] = yield from self._live_version(path)
        return structure(data, WorkflowDescription, response=response, fallbacks={"id": workflow_id})

    def _live_version(self, path: str) -> Flow[Any]:
        """The number of the live version; None if the server does not tell."""
        from simstudio.core.endpoint import extract

        try:
            response = yield from self._call(self._request("GET", f"{path}/deployment", resend="read"))
            return extract(response, ("data", "activeDeployment", "version"))
        except (APIStatusError, InvalidResponseError):
            return None


def _lacks_route(error: APIStatusError) -> bool:
    if isinstance(error, APIVersionError):
        return True
    return error.response is not None and lacks_route(error.response, read_error(error.response))
