"""A local server that answers like SpeedPix: its workflows are Python functions, and it checks every signature.

Example:
    >>> from simstudio.sandbox.services.speedpix import Media, SpeedPixSandbox
    >>> sandbox = SpeedPixSandbox()
    >>> @sandbox.workflow("paint")
    ... def paint(input: dict) -> dict:
    ...     return {"images": {"url": Media(input["prompt"].encode(), "out.png")}}
    >>> with sandbox.serve() as server, server.client() as client:
    ...     client.run("paint", {"prompt": "a cat"})["images"]["url"].read()
    b'a cat'
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from simstudio.sandbox import jsontext
from simstudio.sandbox.http import Reply, json_reply
from simstudio.sandbox.local_service import LocalService
from simstudio.sandbox.request_log import failure_text
from simstudio.sandbox.seeding import new_hex
from simstudio.sandbox.services.functions import Functions, has_ended
from simstudio.sandbox.services.speedpix_gateway import Gateway
from simstudio.sandbox.services.speedpix_storage import FileStorage
from simstudio.sandbox.serving import Served, direct, random_key

if TYPE_CHECKING:
    from os import PathLike

    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from simstudio.services.speedpix import AsyncSpeedPixClient, SpeedPixClient

F = TypeVar("F", bound=Callable[..., Any])

KNOWN_KEY, KNOWN_SECRET = "app-key-sandbox", "app-secret-sandbox"
_POLLS = ("/scc/comfy_get_progress", "/scc/comfy_get_result")


@attrs.frozen
class Media:
    """A file in the output of a workflow. The response has its URL.

    Attributes:
        content: Content of the file.
        name: File name.
        content_type: Media type; by default guessed from the name.
    """

    content: bytes = attrs.field(repr=False)
    name: str = "output.png"
    content_type: str | None = None


class WorkflowFailed(Exception):  # noqa: N818 - raised by workflows to say how they fail
    """Raised by a workflow to fail with a code.

    Args:
        message: ``subErrMessage`` of the response.
        code: ``subErrCode`` of the response.
    """

    def __init__(self, message: str, code: str = "NODE_FAILED") -> None:
        super().__init__(message)
        self.code = code


@attrs.define
class _Task:
    """A run.

    Attributes:
        states: States that the next polls see.
        failure: Code and message; None if it has not failed.
        run: Runs the function; None of a run of an earlier server.
    """

    states: list[str]
    output: Any = None
    failure: tuple[str, str] | None = None
    has_ended: bool = False
    run: asyncio.Task[None] | None = None

    def save(self) -> dict[str, Any]:
        """The run for a state file."""
        return {"states": self.states, "output": self.output, "failure": self.failure, "has_ended": self.has_ended}

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> _Task:
        """A run of a state file. One that had not ended has failed."""
        task = cls(**data)
        if not task.has_ended:
            task.failure = ("SERVER_RESTARTED", "The server was restarted while this task was running")
            task.has_ended = True
        return task


class SpeedPixSandbox(LocalService):
    """A local SpeedPix.

    It has the workflows ``echo`` (returns its inputs) and ``fail`` (fails with ``message`` and ``code``).

    Args:
        app_key: The only key that it accepts.
        app_secret: Secret of that key.
        states: States that the first polls of a run see, before its end.
        seed: Any number, with which ids and times are the same in every run, as those of
            :class:`simstudio.sandbox.Sandbox`.
        state: Path of an SQLite file that keeps predictions and files over restarts; None keeps them in memory.
        clock: Returns epoch seconds, to check signatures.

    Attributes:
        states: The same; a new value applies to later runs.
    """

    service = "speedpix"
    _limited_path = "/scc/"

    def __init__(
        self,
        app_key: str = KNOWN_KEY,
        app_secret: str = KNOWN_SECRET,
        *,
        states: tuple[str, ...] = ("waiting", "running"),
        seed: int | None = None,
        state: str | PathLike[str] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(clock, seed, state)
        self.app_key = app_key
        # Clients sign with the real time, whatever the clock of the sandbox says.
        self._signing_clock = clock
        self._use_secret(app_secret)
        self.states = states
        self._workflows: dict[str, Callable[..., Any]] = {}
        self._tasks: dict[str, _Task] = {}
        self._storage = FileStorage(self.clock)
        self._functions = Functions(self._save_soon)
        self.workflow("echo")(_echo)
        self.workflow("fail")(_fail)

    def _use_secret(self, app_secret: str) -> None:
        self.app_secret = app_secret
        self._gateway = Gateway(self.app_key, app_secret, self._signing_clock)

    @property
    def uploads(self) -> dict[str, bytes]:
        """The files uploaded so far, by their storage key."""
        return self._storage.uploads

    def workflow(self, workflow_id: str) -> Callable[[F], F]:
        """Register a function of the inputs as a workflow, in place of an earlier one with this id. It may be async.

        Its return value is the output, in which a `Media` becomes a URL. An exception is the reason of the failure;
        `WorkflowFailed` has a code.

        Example:
            >>> @sandbox.workflow("paint")
            ... def paint(input):
            ...     return {"images": {"url": Media(b"...", "out.png")}}
        """

        def register(function: F) -> F:
            self._workflows[workflow_id] = function
            return function

        return register

    def store(self, content: bytes, name: str = "file.bin", content_type: str | None = None) -> str:
        """Keep a file, and return the URL from which it can be fetched."""
        return self._storage.store(content, name, content_type)

    @cached_property
    def app(self) -> Starlette:
        """The ASGI application.

        Raises:
            ConfigurationError: The extra ``sandbox`` is not installed.
        """
        from simstudio.sandbox.serving import SandboxExtra

        with SandboxExtra():
            from starlette.applications import Starlette
            from starlette.routing import Route
        routes = [
            Route("/scc/comfy_prompt", _Endpoint(partial(self._answer_signed, self._submit)), methods=["POST"]),
            Route("/scc/comfy_get_progress", _Endpoint(partial(self._answer_signed, self._progress)), methods=["POST"]),
            Route("/scc/comfy_get_result", _Endpoint(partial(self._answer_signed, self._result)), methods=["POST"]),
            Route(
                "/scc/sp_create_temp_file_upload_sign",
                _Endpoint(partial(self._answer_signed, self._reserve)),
                methods=["POST"],
            ),
            Route("/scc/{name:path}", _Endpoint(partial(self._answer_signed, self._anything))),
            Route("/bucket/{key:path}", _Endpoint(self._storage.put), methods=["PUT"]),
            Route("/files/{key:path}", _Endpoint(self._storage.get), methods=["GET"]),
        ]
        return Starlette(routes=routes, middleware=self._middleware())

    def serve(self, host: str = "127.0.0.1", port: int = 0) -> SpeedPixServer:
        """Make a server for this sandbox. A ``with`` block or ``start()`` starts it.

        Args:
            host: Address to listen on.
            port: Port; 0 for a free one.
        """
        return SpeedPixServer(self, host, port)

    @property
    def functions(self) -> list[str]:
        """Names of the workflows."""
        return list(self._workflows)

    async def use_functions_of(self, other: SpeedPixSandbox) -> None:
        """Replace the workflows by those of another sandbox, and keep everything else."""
        self._workflows = dict(other._workflows)

    async def _forget(self) -> None:
        self._functions.stop()
        self._tasks.clear()
        self._storage.clear()

    async def _stop(self) -> None:
        self.faults.end_sleep()
        self._functions.stop()
        self._close_state()

    def _save(self) -> dict[str, Any]:
        return {
            "tasks": {task_id: task.save() for task_id, task in self._tasks.items()},
            "places": self._storage.places,
            "files": self._storage.files,
            "origin": self._storage.origin,
        }

    def _load(self, data: Mapping[str, Any]) -> None:
        self._tasks = {task_id: _Task.load(each) for task_id, each in data["tasks"].items()}
        storage = self._storage
        storage.places, storage.files, storage.origin = data["places"], data["files"], data["origin"]

    def _move(self, origin: str) -> None:
        """Listen at another address: files in the outputs of earlier runs are there as well."""
        before, self._storage.origin = self._storage.origin, origin
        for task in self._tasks.values() if before is not None else ():
            task.output = jsontext.copy_value(
                task.output,
                lambda value: (
                    value.replace(f"{before}/files/", f"{origin}/files/") if isinstance(value, str) else value
                ),
            )

    def _is_read(self, method: str, path: str) -> bool:
        return super()._is_read(method, path) or path in _POLLS

    async def _answer_signed(self, handler: Callable[[dict[str, Any]], Awaitable[Reply]], request: Request) -> Reply:
        body = await request.body()
        query: bytes = request.scope["query_string"]
        raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
        target = raw.partition(b"?")[0].decode("ascii", "replace") + (f"?{query.decode('ascii')}" if query else "")
        refusal = self._gateway.check(request.method, target, request.headers, body)
        if refusal is not None:
            return refusal
        try:
            data = await request.json() if body else {}
        except (ValueError, RecursionError):
            return self._envelope(20, errCode="INVALID_PARAMETER", errMessage="the body is not JSON")
        if not isinstance(data, dict):
            return self._envelope(20, errCode="INVALID_PARAMETER", errMessage="the body is no object")
        return await handler(data)

    def _answer(self, data: object) -> Reply:
        return self._envelope(status=10, data=data)

    def _envelope(self, status: int, data: object = None, **error: object) -> Reply:
        empty = dict.fromkeys(("errCode", "errMessage", "subErrCode", "subErrMessage"))
        return json_reply({"status": status, **empty, "apiInvokeId": f"inv-{new_hex(8)}", "data": data, **error})

    async def _submit(self, body: dict[str, Any]) -> Reply:
        function, inputs = self._workflows.get(str(body.get("workflow_id"))), body.get("inputs")
        if function is None:
            return self._envelope(20, errCode="WORKFLOW_NOT_FOUND", errMessage="workflow not found")
        if not isinstance(inputs, dict):
            return self._envelope(20, errCode="INVALID_PARAMETER", errMessage="inputs must be an object")
        task = _Task(list(self.states))
        task_id = f"task-{len(self._tasks) + 1}"
        self._tasks[task_id] = task
        task.run = self._functions.begin(self._run(task, function, inputs))
        first = task.states[0] if task.states else "waiting"
        return self._answer({"taskId": task_id, "status": first, "estimatedDurationInSeconds": 1.0})

    async def _run(self, task: _Task, function: Callable[..., Any], inputs: dict[str, Any]) -> None:
        try:
            task.output = jsontext.plain(
                jsontext.copy_value(await self._functions.call(function, inputs), self._store_media)
            )
        except Exception as error:  # noqa: BLE001 - the run's failure
            task.failure = (
                error.code if isinstance(error, WorkflowFailed) else type(error).__name__,
                failure_text(error),
            )
        task.has_ended = True

    async def _progress(self, body: dict[str, Any]) -> Reply:
        task = self._tasks.get(str(body.get("taskId")))
        if task is None:
            return self._envelope(20, errCode="TASK_NOT_FOUND", errMessage="task not found")
        status = task.states.pop(0) if task.states else await self._status_of(task)
        progress = 0.5 if status in ("waiting", "running") else 1.0
        return self._answer({"taskId": body["taskId"], "progress": progress, "etaRelative": 1, "status": status})

    async def _status_of(self, task: _Task) -> str:
        """The final status of a run, or ``running``."""
        if not await has_ended(task.run):
            return "running"
        return "succeeded" if task.failure is None else "failed"

    async def _result(self, body: dict[str, Any]) -> Reply:
        task = self._tasks.get(str(body.get("taskId")))
        if task is None:
            return self._envelope(20, errCode="TASK_NOT_FOUND", errMessage="task not found")
        if await self._status_of(task) == "running":
            return self._envelope(20, errCode="TASK_NOT_FINISHED", errMessage="task is running")
        if task.failure is not None:
            code, message = task.failure
            return self._envelope(
                20, errCode="TASK_FAILED", errMessage="task failed", subErrCode=code, subErrMessage=message
            )
        return self._answer({"taskId": body["taskId"], "status": "succeeded", "result": task.output})

    async def _reserve(self, body: dict[str, Any]) -> Reply:
        return self._answer(self._storage.reserve(str(body.get("originalFilename")), str(body.get("contentType"))))

    async def _anything(self, body: dict[str, Any]) -> Reply:
        return self._answer(body)

    def _store_media(self, value: Any) -> Any:
        """The address of a file in an output; any other value as it is."""
        return self.store(value.content, value.name, value.content_type) if isinstance(value, Media) else value


class _Endpoint:
    """Runs a handler of a request."""

    def __init__(self, handler: Callable[[Request], Awaitable[Reply]]) -> None:
        self._handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        from starlette.requests import Request

        answer: ASGIApp = await self._handler(Request(scope, receive))
        await answer(scope, receive, send)


def _echo(input: dict[str, Any]) -> dict[str, Any]:
    return input


def _fail(input: dict[str, Any]) -> None:
    raise WorkflowFailed(str(input.get("message", "it failed")), str(input.get("code", "NODE_FAILED")))


class SpeedPixServer(Served["SpeedPixSandbox"]):
    """A sandbox that a thread serves on this machine; made by :meth:`SpeedPixSandbox.serve`."""

    @property
    def environ(self) -> dict[str, str]:
        """The environment variables with which a program uses this server, secret included."""
        return {
            "SPEEDPIX_APP_KEY": self.sandbox.app_key,
            "SPEEDPIX_APP_SECRET": self.sandbox.app_secret,
            "SPEEDPIX_ENDPOINT": self.base_url,
        }

    def client(self, **options: Any) -> SpeedPixClient:
        """Make a client with the sandbox's keys and address."""
        from simstudio.services.speedpix import SpeedPixClient

        return direct(SpeedPixClient(**self._options(options)))

    def async_client(self, **options: Any) -> AsyncSpeedPixClient:
        """Make an async client with the sandbox's keys and address."""
        from simstudio.services.speedpix import AsyncSpeedPixClient

        return direct(AsyncSpeedPixClient(**self._options(options)))

    def _options(self, options: dict[str, Any]) -> dict[str, Any]:
        own = {"app_key": self.sandbox.app_key, "app_secret": self.sandbox.app_secret, "endpoint": self.base_url}
        return {**own, **options}

    def _use_origin(self, origin: str) -> None:
        self.sandbox._move(origin)

    def _replace_known_key(self) -> None:
        if self.sandbox.app_secret == KNOWN_SECRET:
            self.sandbox._use_secret(random_key())

    def _before_stop(self) -> Callable[[], Awaitable[None]]:
        return self.sandbox._stop

    @property
    def key(self) -> str:
        """The secret of the app's key."""
        return self.sandbox.app_secret
