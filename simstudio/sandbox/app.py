"""The ASGI application of a sandbox."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from simstudio.sandbox.faults import FaultInjector, Faults
from simstudio.sandbox.http import Reply
from simstudio.sandbox.routes import v1, v1_audit, v1_files, v1_knowledge, v1_logs, v1_tables
from simstudio.sandbox.routes.account import usage_limits, workflow_status
from simstudio.sandbox.routes.endpoint import Endpoint, Handler
from simstudio.sandbox.routes.execute import Execute
from simstudio.sandbox.routes.resume import get_context, get_paused, list_paused, resume
from simstudio.sandbox.routes.runs import cancel, get_execution, get_job
from simstudio.sandbox.traffic import ReceivedRequest, Recorder
from simstudio.sandbox.v2 import routes as v2

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from simstudio.sandbox.core import Core
    from simstudio.sandbox.engine import Engine

_SUSPICIOUS = ("..", "<script", "sqlmap", "nikto")
_BLOCKED = Reply(
    403,
    headers=(
        ("content-type", "text/plain"),
        ("cache-control", "no-store, no-cache, must-revalidate, proxy-revalidate"),
        ("pragma", "no-cache"),
        ("expires", "0"),
    ),
)
_NOT_FOUND = '<!DOCTYPE html><html lang="en"><head><title>404</title></head><body><h1>Page not found</h1></body></html>'


def build(core: Core, faults: Faults, requests: deque[ReceivedRequest]) -> Starlette:
    """The application: recorder, then faults, then what Sim's own proxy layer does, then the routes."""
    engine = core.engine

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        del app
        engine.start()
        try:
            yield
        finally:
            await engine.stop()

    app = Starlette(
        routes=_routes(core),
        middleware=[
            Middleware(Recorder, kept=requests),
            Middleware(FaultInjector, faults=faults),
            Middleware(Edge, engine=engine),
        ],
        exception_handlers={404: _not_found, 405: _not_allowed},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # Sim answers 308, see Edge
    return app


def _routes(core: Core) -> list[Route]:
    options = core.dialect.options
    routes = [
        Route("/api/workflows/{id}/execute", Execute(core), methods=core.dialect.execute_methods),
        _route(core, "/api/workflows/{id}/status", workflow_status),
        _route(core, "/api/jobs/{job}", get_job),
        _route(core, "/api/users/me/usage-limits", usage_limits),
    ]
    if "cancel" in options:
        path = "/api/workflows/{id}/executions/{execution}/cancel"
        routes.append(Route(path, Endpoint(core, cancel), methods=["POST"]))
    if "executions" in options:
        routes.append(_route(core, "/api/workflows/{id}/executions/{execution}", get_execution))
    if "hitl" in options:
        paused, context = "/api/workflows/{id}/paused", "/api/resume/{id}/{execution}/{context}"
        routes.append(_route(core, paused, list_paused))
        routes.append(_route(core, f"{paused}/{{execution}}", get_paused))
        routes.append(_route(core, "/api/resume/{id}/{execution}", get_paused))
        routes.append(_route(core, context, get_context))
        routes.append(Route(context, Endpoint(core, resume), methods=["POST"]))
    if "v1" in options:
        for data in (v1, v1_logs, v1_tables, v1_files, v1_knowledge, v1_audit):
            routes.extend(data.routes(core))
        routes.extend(v2.all_routes(core))
    return routes


def _route(core: Core, path: str, handler: Handler) -> Route:
    return Route(path, Endpoint(core, handler), methods=["GET"])


class Edge:
    """What happens before any route: trailing slashes, the User-Agent rule. Starts the engine where no lifespan did."""

    def __init__(self, app: ASGIApp, engine: Engine) -> None:
        self._app = app
        self._engine = engine

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        answer = self._app
        if scope["type"] == "http":
            self._engine.start()
            path: str = scope["path"]
            if path != "/" and path.endswith("/"):
                answer = _without_slash(scope)
            elif _is_suspicious(scope):
                answer = _BLOCKED
        await answer(scope, receive, send)


def _without_slash(scope: Scope) -> Reply:
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    target = raw.decode("ascii", "replace").partition("?")[0].rstrip("/")
    query: bytes = scope["query_string"]
    if query:
        target = f"{target}?{query.decode('ascii', 'replace')}"
    return Reply(308, target.encode(), (("location", target), ("refresh", f"0;url={target}")))


def _is_suspicious(scope: Scope) -> bool:
    agent = next((value for name, value in scope["headers"] if name == b"user-agent"), b"")
    text = agent.decode("latin-1").strip().lower()
    return not text or any(part in text for part in _SUSPICIOUS)


async def _not_found(request: Request, error: Exception) -> Response:
    del request, error
    return HTMLResponse(_NOT_FOUND, 404, {"cache-control": "no-store, must-revalidate"})


async def _not_allowed(request: Request, error: Exception) -> Response:
    del request, error
    return Response(status_code=405)
