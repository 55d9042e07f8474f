"""A local VectorVein, with the extra ``[sandbox]``.

Its workflows are Python functions; agents, access keys, files and workspaces are kept in memory. Every endpoint that
:mod:`simstudio.services.vectorvein` calls answers, in the shape that VectorVein's own package decodes.

Example:
    >>> from simstudio.sandbox.services.vectorvein import VectorVeinSandbox
    >>> sandbox = VectorVeinSandbox(polls=0)
    >>> @sandbox.workflow("greet")
    ... def greet(inputs):
    ...     return {"Greeting": f"Hello, {inputs['Name']}!"}
    >>> with sandbox.serve() as server, server.client() as client:
    ...     field = {"node_id": "node-1", "field_name": "Name", "value": "Ada"}
    ...     client.workflows.run("greet", [field]).data[0].value
    'Hello, Ada!'
"""

from __future__ import annotations

import base64
import inspect
import json
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from simstudio.sandbox.http import Reply, json_reply
from simstudio.sandbox.local_service import LocalService
from simstudio.sandbox.services.vectorvein_records import Body, Envelope, Problem, Workflow
from simstudio.sandbox.services.vectorvein_service import Service
from simstudio.sandbox.serving import SandboxExtra, Served, direct, random_key

if TYPE_CHECKING:
    from os import PathLike

    from starlette.applications import Starlette
    from starlette.requests import Request

    from simstudio.services.vectorvein import AsyncVectorVeinClient, VectorVeinClient

_READING = re.compile(r"/(?:check-status|(?:download|get|list|read|zip)[^/]*|[^/]*list)$")
"""The last words of paths that change nothing."""
_GET = ("vapp/access-key/get", "user/validate-api-key", "user-info/get")

_VERSION = "20240508"

W = TypeVar("W", bound=Workflow)

PREFIX = "/api/v1/open-api"
KEY = "vectorvein-sandbox-key-32-bytes!"
"""The key that a sandbox accepts by default; as long as VApp links need it."""


class VectorVeinSandbox(LocalService):
    """A VectorVein of your own. It comes with one workflow, ``hello`` (field ``Name``).

    Args:
        api_key: The only key that it accepts.
        polls: Number of polls at which a run, or a task of an agent, is still running.
        seed: Any number, with which times are the same in every run, as those of :class:`simstudio.sandbox.Sandbox`.
        state: Path of an SQLite file that keeps runs, agents, access keys, files … over restarts; None keeps them in
            memory.
        clock: Epoch seconds.
    """

    service = "vectorvein"

    def __init__(
        self,
        api_key: str = KEY,
        *,
        polls: int = 1,
        seed: int | None = None,
        state: str | PathLike[str] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(clock, seed, state)
        self.api_key = api_key
        self._polls = polls
        self._functions: dict[str, Workflow] = {}
        self._access_keys: dict[str, str] = {}
        self._service = Service(self.clock, polls, self._save_soon)

    @property
    def uploads(self) -> dict[str, bytes]:
        """Contents of uploaded files, by ``oss_path``."""
        return dict(self._service.uploads)

    def workflow(self, wid: str) -> Callable[[W], W]:
        """Register a function as a workflow.

        A plain function runs in a thread, an async one on the server's event loop, and runs go on side by side. It gets
        the inputs by field name (``inputs["Name"]``) and by node and field (``inputs["node-1", "Name"]``), and returns
        the outputs: by title, or as a list of ``{type, title, value}``. What it raises is the failure of the run.
        """

        def register(function: W) -> W:
            self._functions[wid] = function
            self._service.add_workflow(wid, function)
            return function

        return register

    def add_access_key(self, access_key: str, app_id: str) -> None:
        """Have an access key of a known name; those that callers make get names of their own."""
        self._access_keys[access_key] = app_id
        self._service.add_access_key({"access_key_type": "L", "app_id": app_id}, access_key)

    def _is_read(self, method: str, path: str) -> bool:
        return super()._is_read(method, path) or _READING.search(path) is not None

    def _refuse_call(self, seconds: int) -> Reply:
        del seconds  # VectorVein does not tell them
        return json_reply({"status": 429, "msg": "too many calls", "data": None}, 429)

    @property
    def functions(self) -> list[str]:
        """Names of the workflows."""
        return list(self._service.workflows)

    async def use_functions_of(self, other: VectorVeinSandbox) -> None:
        """Replace the workflows by those of another sandbox, and keep everything else."""
        for wid in set(self._functions) - set(other._functions):
            self._service.remove_workflow(wid)
        for wid, function in other._functions.items():
            self._service.add_workflow(wid, function)
        self._functions = dict(other._functions)

    def _save(self) -> dict[str, Any]:
        return self._service.save()

    def _load(self, data: Mapping[str, Any]) -> None:
        self._service.load(data)

    async def _forget(self) -> None:
        self._service.stop()
        self._service = Service(self.clock, self._polls, self._save_soon)
        for wid, function in self._functions.items():
            self._service.add_workflow(wid, function)
        for access_key, app_id in self._access_keys.items():
            self.add_access_key(access_key, app_id)

    @cached_property
    def app(self) -> Starlette:
        """The ASGI application.

        Raises:
            ConfigurationError: The extra ``sandbox`` is not installed.
        """
        with SandboxExtra():
            from starlette.applications import Starlette
            from starlette.routing import Route
        return Starlette(
            routes=[
                Route(f"{PREFIX}/{{endpoint:path}}", self._answer, methods=["GET", "POST"]),
                Route("/public/v-app/{app_id:path}", self._open_vapp, methods=["GET"]),
            ],
            middleware=self._middleware(),
        )

    def serve(self, host: str = "127.0.0.1", port: int = 0) -> VectorVeinServer:
        """A server for this sandbox; it starts in a ``with`` block, or by ``start()``."""
        return VectorVeinServer(self, host, port)

    async def _answer(self, request: Request) -> Any:
        content = await request.body()
        try:
            return json_reply(await self._wrap(request, content))
        except Problem as problem:
            return json_reply({"status": problem.status, "msg": problem.msg, "data": None})
        except KeyError as error:
            return json_reply({"status": 400, "msg": f"bad request: {error} is missing", "data": None})
        except (LookupError, ValueError, TypeError, AttributeError, ArithmeticError) as error:
            return json_reply({"status": 400, "msg": f"bad request: {error}", "data": None})

    async def _wrap(self, request: Request, content: bytes) -> Body:
        if request.headers.get("vectorvein-api-key") != self.api_key:
            raise Problem(401, "invalid API key")
        if request.headers.get("vectorvein-api-version") != _VERSION:
            raise Problem(400, f"unknown API version: send the header VECTORVEIN-API-VERSION: {_VERSION}")
        endpoint = request.path_params["endpoint"]
        method = "GET" if endpoint in _GET else "POST"
        if request.method != method:
            raise Problem(405, "method not allowed")
        if endpoint == "file-upload/upload":
            data = self._service.answer(endpoint, request.headers["content-type"], content)
        else:
            body: Body = dict(request.query_params) if method == "GET" else _object(content)
            body["_vapp"] = request.headers.get("vectorvein-api-key-type") == "VAPP"
            data = self._service.answer(endpoint, body)
        if inspect.isawaitable(data):
            data = await data
        return data if isinstance(data, Envelope) else {"status": 200, "msg": "success", "data": data}

    async def _open_vapp(self, request: Request) -> Any:
        """The page that a VApp link leads to: it shows the content of the token until it expires."""
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        try:
            sealed = base64.b64decode(request.query_params["token"], validate=True)
            cipher = Cipher(algorithms.AES(self.api_key.encode()), modes.CBC(sealed[:16])).decryptor()
            padded = cipher.update(sealed[16:]) + cipher.finalize()
            app_id, access_key, made, seconds = padded[: -padded[-1]].decode().split(":")
            alive = int(made) + int(seconds) >= self.clock()
        except (LookupError, ValueError) as error:
            return Reply(403, f"no valid token: {error!r}".encode())
        if not alive or app_id != request.path_params["app_id"]:
            return Reply(403, b"the link is over")
        return json_reply({"app_id": app_id, "access_key": access_key, "key_id": request.query_params["key_id"]})


def _object(content: bytes) -> Body:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Problem(400, "bad request: the body is not JSON") from error
    if not isinstance(found, dict):
        raise Problem(400, "bad request: the body is no object")
    return found


class VectorVeinServer(Served["VectorVeinSandbox"]):
    """A sandbox being served on this machine, by a thread of its own. Made by `VectorVeinSandbox.serve`."""

    @property
    def site(self) -> str:
        """Address of the site, for VApp links."""
        return self.origin

    @property
    def base_url(self) -> str:
        """Address of the API, without a trailing slash."""
        return f"{self.origin}{PREFIX}"

    def _replace_known_key(self) -> None:
        if self.sandbox.api_key == KEY:
            self.sandbox.api_key = random_key()

    def _before_stop(self) -> Callable[[], Awaitable[None]]:
        async def stop() -> None:
            self.sandbox.faults.end_sleep()
            self.sandbox._service.stop()
            self.sandbox._close_state()

        return stop

    @property
    def key(self) -> str:
        """The API key."""
        return self.sandbox.api_key

    @property
    def environ(self) -> dict[str, str]:
        """The environment variables with which a program uses this server, key included."""
        return {"VECTORVEIN_API_KEY": self.sandbox.api_key, "VECTORVEIN_BASE_URL": self.base_url}

    def client(self, **options: Any) -> VectorVeinClient:
        """A client with the sandbox's key and address.

        Args:
            **options: Further arguments of `VectorVeinClient`.
        """
        from simstudio.services.vectorvein import VectorVeinClient

        return direct(VectorVeinClient(**self._options(options)))

    def async_client(self, **options: Any) -> AsyncVectorVeinClient:
        """An async client with the sandbox's key and address.

        Args:
            **options: Further arguments of `AsyncVectorVeinClient`.
        """
        from simstudio.services.vectorvein import AsyncVectorVeinClient

        return direct(AsyncVectorVeinClient(**self._options(options)))

    def _options(self, options: dict[str, Any]) -> dict[str, Any]:
        return {"api_key": self.sandbox.api_key, "base_url": self.base_url, **options}
