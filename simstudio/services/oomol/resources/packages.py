"""``client.packages``: installed packages, and installations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.core.options import UNSET, Unset
from simstudio.services.oomol.errors import InstallFailedError, TimeoutError  # noqa: A004 - the documented name
from simstudio.services.oomol.models import InstallTask, InstallTaskList, PackageList
from simstudio.services.oomol.options import Polling, PollingOptions, polling
from simstudio.services.oomol.requests import task_in
from simstudio.services.oomol.resource import OomolResource
from simstudio.services.oomol.waiting import call_back, describe_last, identify
from simstudio.transport.endpoint import segment
from simstudio.transport.errors import InvalidInputError

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from simstudio.transport.flow import Flow
    from simstudio.transport.message import Response


class Packages(OomolResource[M]):
    """The packages on the server. Their routes have no ``/v1``."""

    @operation
    def list(self) -> Flow[PackageList]:
        """List the installed packages.

        Raises:
            ApiError: The server refused the request, or sent no answer.

        Example:
            >>> [package.name for package in client.packages.list().packages]  # doctest: +SKIP
        """
        response = yield from self._get("/packages")
        return self._model(self._data(response), PackageList, response)

    @operation
    def install(self, name: str, version: str | None = None) -> Flow[InstallTask]:
        """Start installing a package.

        Args:
            name: Name of the package.
            version: Version of the package; the newest by default.

        Raises:
            ApiError: The server refused the request, or sent no usable answer (``error.task_id`` if it had the id).

        Example:
            >>> client.packages.install("audio-lab", "1.0.0").status  # doctest: +SKIP
            'pending'
        """
        return (yield from self._install(name, version))

    @operation
    def list_install_tasks(self) -> Flow[InstallTaskList]:
        """List the installations.

        Raises:
            ApiError: The server refused the request, or sent no answer.

        Example:
            >>> [task.status for task in client.packages.list_install_tasks().tasks]  # doctest: +SKIP
        """
        response = yield from self._get("/packages/install")
        return self._model(self._data(response), InstallTaskList, response)

    @operation
    def get_install_task(self, task_id: str | InstallTask) -> Flow[InstallTask]:
        """Retrieve the state of one installation.

        Args:
            task_id: Id of the installation, or an earlier state of it.

        Raises:
            ApiError: The server refused the request, or sent no answer.

        Example:
            >>> client.packages.get_install_task("i-1").status  # doctest: +SKIP
            'success'
        """
        return (yield from self._fetch(_id_of(task_id)))

    @operation
    def wait_for_install_completion(
        self,
        task_id: str | InstallTask,
        options: Mapping[str, Any] | None = None,
        **keywords: Unpack[PollingOptions],
    ) -> Flow[InstallTask]:
        """Wait until an installation has succeeded.

        Args:
            task_id: Id of the installation, or an earlier state of it.
            options: Options as a dict, see :class:`PollingOptions`.
            **keywords: The same as keywords; they win.

        Raises:
            InstallFailedError: The installation failed (``error.task.error``).
            TimeoutError: The installation was not done in time; it goes on at the server.
            ApiError: The polls failed (``error.task_id``).

        Example:
            >>> client.packages.wait_for_install_completion("i-1", timeout_ms=60_000).package_path  # doctest: +SKIP
        """
        chosen = polling(options, **keywords)
        return (yield from self._wait(_id_of(task_id), chosen))

    @operation
    def install_and_wait(
        self,
        /,
        name: str,
        version: str | None = None,
        polling_options: Mapping[str, Any] | None = None,
        **options: Unpack[PollingOptions],
    ) -> Flow[InstallTask]:
        """Install a package, and wait until it is installed.

        Args:
            name: Name of the package.
            version: Version of the package; the newest by default.
            polling_options: Options of the wait as a dict, see :class:`PollingOptions`.
            **options: The same as keywords; they win.

        Raises:
            InstallFailedError: The installation failed (``error.task.error``).
            TimeoutError: The installation was not done in time; it goes on at the server.
            ApiError: The server refused a request, or sent no answer (``error.task_id`` if the installation had begun).

        Example:
            >>> client.packages.install_and_wait("audio-lab", "1.0.0").package_path  # doctest: +SKIP
        """
        chosen = polling(polling_options, **options)
        begun = yield from self._begin_run(lambda: self._install(name, version), chosen)
        return (yield from self._wait(begun.id, chosen))

    def _install(self, name: str, version: str | None) -> Flow[InstallTask]:
        for value, what in ((name, "name"), (version, "version")):
            if (value is not None or what == "name") and not isinstance(value, str):
                raise InvalidInputError(f"{what} must be a str, not {type(value).__name__}.")
        if not name.strip():
            raise InvalidInputError("name is empty: give the name of a package.")
        body = {"name": name, "version": version} if version else {"name": name}
        response = yield from self._post("/packages/install", json=body)
        with identify(response):
            data = task_in(self._data(response))
            if isinstance(data, dict) and "taskId" in data and "id" not in data:  # a receipt without the installation
                data = {"status": "pending", **body, **data, "id": data["taskId"]}
            task = self._model(data, InstallTask, response)
            self._require(task, response, id=str)
            return task

    def _fetch(self, task_id: str) -> Flow[InstallTask]:
        task, _ = yield from self._ask_for(task_id)
        return task

    def _ask_for(self, task_id: str, timeout: float | Unset | None = UNSET) -> Flow[tuple[InstallTask, Response]]:
        response = yield from self._get(f"/packages/install/{segment(task_id, 'task_id')}", timeout=timeout)
        return self._model(task_in(self._data(response)), InstallTask, response, fallbacks={"id": task_id}), response

    def _wait(self, task_id: str, options: Polling) -> Flow[InstallTask]:
        segment(task_id, "task_id")
        again = f"packages.wait_for_install_completion({task_id!r})"

        def ask(timeout: float | Unset) -> Flow[InstallTask]:
            task, response = yield from self._ask_for(task_id, timeout)
            self._require(task, response, status=str)
            if options.on_progress is not None:
                yield from call_back(options.on_progress, task)
            return task

        def make_error(last: InstallTask | None) -> TimeoutError:
            return TimeoutError(
                f"The installation {task_id} was not done within {options.timeout:g} s ({describe_last(last)}). "
                f"It goes on; wait again with {again}.",
                task_id,
                last,
            )

        with identify(task_id):
            task = yield from self._follow(f"installation {task_id}", options, ask, expired=make_error, again=again)
            if task.status == "failed":
                raise _failure_of(task)
        return task


def _failure_of(task: InstallTask) -> InstallFailedError:
    found = task.error.get("message") if isinstance(task.error, Mapping) else task.error
    reason = f": {found}" if isinstance(found, str) and found else ", and the server gives no reason"
    return InstallFailedError(
        f"The installation {task.id} of {task.name or 'a package'} failed{reason}.", task.id, task
    )


def _id_of(task: object) -> str:
    if isinstance(task, InstallTask):
        return task.id
    if isinstance(task, str):
        return task
    raise InvalidInputError(f"task_id must be an installation's id or an InstallTask, not {type(task).__name__}.")
