"""``client.applets``: blocks with preset inputs. Another server than that of the tasks lists them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.core.options import user_agent
from simstudio.services.oomol.credentials import of_applets
from simstudio.services.oomol.errors import ApiNotFoundError
from simstudio.services.oomol.inputs import InputValues, with_presets
from simstudio.services.oomol.models import Applet, RunResult
from simstudio.services.oomol.options import PollingOptions, polling
from simstudio.services.oomol.resources.task_flows import TaskFlows
from simstudio.transport.deadline import Budget
from simstudio.transport.errors import InvalidInputError
from simstudio.transport.message import Headers, Request

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from simstudio.transport.endpoint import Endpoint
    from simstudio.transport.flow import Flow

List: TypeAlias = list[Applet]  # the resource has a method of the name

# The version at the end of a package's id, prereleases and builds included. The search takes quadratic time, so it gets
# the last characters only.
_VERSION = re.compile(r"-\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$")
_LONGEST_VERSION = 200


class Applets(TaskFlows[M]):
    """Applets: list them, and run them as tasks."""

    @property
    def _endpoint(self) -> Endpoint:
        return of_applets(self._context.session.endpoint)

    @operation
    def list(self) -> Flow[List]:
        """List the applets.

        The request goes to ``applets_url``. It carries the client's token only if ``applets_url`` or ``applets_token``
        was given, and the client's headers only if the host is that of ``base_url``.

        Raises:
            ApiError: The server refused the request, or sent no answer.

        Example:
            >>> [applet.data.title for applet in client.applets.list()]  # doctest: +SKIP
        """
        return (yield from self._all())

    @operation
    def run(
        self,
        /,
        applet_id: str | Applet,
        input_values: InputValues | None = None,
        polling_options: Mapping[str, Any] | None = None,
        **options: Unpack[PollingOptions],
    ) -> Flow[RunResult]:
        """Run an applet, wait until it has completed, and take its result.

        Args:
            applet_id: Id of the applet, for which the whole list is fetched; or an :class:`Applet` of an earlier list.
            input_values: Inputs in one of the three forms; they win over the applet's presets.
            polling_options: Options of the wait as a dict, see :class:`PollingOptions`.
            **options: The same as keywords; they win.

        Returns:
            The same as ``tasks.run``.

        Raises:
            ApiError: No applet has this id (404), or the server refused a request or sent no answer.
            TaskFailedError: The task failed.
            TaskStoppedError: The task was stopped.
            TimeoutError: The task was not done in time; it goes on at the server.

        Example:
            >>> client.applets.run("84dc8cac", {"indent": 4}).result  # doctest: +SKIP
        """
        chosen = polling(polling_options, **options)
        with_presets({}, input_values)  # so that wrong inputs are refused before anything is sent
        applet = applet_id if isinstance(applet_id, Applet) else (yield from self._find(applet_id))
        block_id = _block_id(applet)
        presets: object = applet.data.preset_inputs
        nodes = with_presets(presets if isinstance(presets, Mapping) else {}, input_values)
        request = {"blockId": block_id, "inputValues": nodes}
        created = yield from self._begin_run(lambda: self._create(request), chosen)
        return (yield from self._finish(created.id, chosen))

    def _find(self, applet_id: str) -> Flow[Applet]:
        if not isinstance(applet_id, str) or not applet_id:
            raise InvalidInputError(f"applet_id must be an applet's id or an Applet, not {applet_id!r}.")
        applets = yield from self._all()
        for applet in applets:
            if isinstance(applet, Applet) and getattr(applet, "applet_id", None) == applet_id:
                return applet
        said = f"Applet not found: {applet_id}"
        known = f"Applets in the list of {self._endpoint.base_url}: {len(applets)}."
        raise ApiNotFoundError(f"{said}. {known}", 404, said=said)

    def _all(self) -> Flow[List]:
        context = self._context
        url = self._endpoint.url("/rpc/listApplets")
        same = context.session.endpoint.owns(url)
        headers = (
            context.defaults.copy() if same else Headers({"User-Agent": user_agent(), "Accept": "application/json"})
        )
        headers.put("Content-Type", "application/json")
        options = context.options
        request = Request(
            "POST",
            url,
            headers,
            b"{}",
            resend="read",  # it changes nothing
            budget=Budget(options.timeout),
            max_retries=options.max_retries,
        )
        response = yield from self._call(request)
        return self._model(self._data(response), List, response)

    def _advice(self, status: int) -> str:
        if status in (401, 403):
            return (
                f"The token is sent to {self._endpoint.origin} only if the client says so: pass applets_url= or "
                "applets_token=."
            )
        return super()._advice(status)


def _block_id(applet: Applet) -> str:
    """The block id of an applet: its package without the version, and its block.

    Raises:
        InvalidInputError: The applet names no package or no block.
    """
    data: object = getattr(applet, "data", None)
    package, block = getattr(data, "package_id", None), getattr(data, "block_name", None)
    if not (isinstance(package, str) and isinstance(block, str)):
        raise InvalidInputError(f"The applet does not name the block that it runs. It has: {applet.to_dict()}")
    begin, end = package[:-_LONGEST_VERSION], package[-_LONGEST_VERSION:]
    return f"{begin}{_VERSION.sub('', end)}::{block}"
