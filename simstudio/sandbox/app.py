"""The ASGI application of a sandbox."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, Response
from starlette.routing import Match, Route

from simstudio.sandbox.http import Reply
from simstudio.sandbox.operation import Operation, Served
from simstudio.sandbox.routes import (
    account,
    execute,
    resume,
    runs,
    v1,
    v1_audit,
    v1_documents,
    v1_files,
    v1_knowledge,
    v1_logs,
    v1_management,
    v1_rows,
    v1_tables,
)
from simstudio.sandbox.v2 import account as v2_account
from simstudio.sandbox.v2 import (
    audit,
    catalogue,
    chat,
    custom_tools,
    deployments,
    exchange,
    file_changes,
    file_folders,
    file_texts,
    file_uploads,
    file_versions,
    files,
    folders,
    knowledge,
    knowledge_chunks,
    knowledge_connectors,
    knowledge_documents,
    knowledge_tags,
    logs,
    mcp_servers,
    secrets,
    skill_editors,
    skills,
    table_folders,
    table_groups,
    table_rows,
    table_transfers,
    table_views,
    tables,
    uploads,
    versions,
    workflow_mcp_servers,
    workflows,
    workspaces,
)
from simstudio.sandbox.v2 import execute as v2_execute
from simstudio.sandbox.v2 import runs as v2_runs
from simstudio.sandbox.v2.absent import Absent, refuse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, MutableMapping

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
_MODULES = (
    account,
    execute,
    resume,
    runs,
    v1,
    v1_audit,
    v1_documents,
    v1_files,
    v1_knowledge,
    v1_logs,
    v1_management,
    v1_rows,
    v1_tables,
    v2_account,
    audit,
    catalogue,
    chat,
    custom_tools,
    deployments,
    exchange,
    file_changes,
    file_folders,
    file_texts,
    file_uploads,
    file_versions,
    files,
    v2_execute,
    folders,
    knowledge,
    knowledge_chunks,
    knowledge_connectors,
    knowledge_documents,
    knowledge_tags,
    logs,
    mcp_servers,
    secrets,
    skill_editors,
    skills,
    v2_runs,
    uploads,
    versions,
    workflow_mcp_servers,
    workflows,
    workspaces,
    table_folders,
    table_groups,
    table_rows,
    table_transfers,
    table_views,
    tables,
)
"""Modules with operations."""

_NOT_FOUND = '<!DOCTYPE html><html lang="en"><head><title>404</title></head><body><h1>Page not found</h1></body></html>'


def build(core: Core, middleware: list[Middleware]) -> Starlette:
    """The application: middleware of every sandbox, then what Sim's own proxy layer does, then routes."""
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
        middleware=[*middleware, Middleware(Edge, engine=engine)],
        exception_handlers={404: _not_found, 405: _not_allowed},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # Sim answers 308, see Edge
    return app


def _routes(core: Core) -> list[Route]:
    """The operations that this sandbox serves."""
    routes = []
    for operation, prototype in _prototypes():
        if operation.family.is_served(core):
            route = Route.__new__(Route)  # not by copy.copy, which takes 0.5 ms more for all of them
            vars(route).update(vars(prototype))
            route.endpoint = route.app = Served(core, operation)
            routes.append(route)
    return [*routes, UnknownV2(core)] if "v1" in core.dialect.options else routes


@cache
def _prototypes() -> list[tuple[Operation, Route]]:
    """All operations, each with a route to copy, because a path takes long to compile.

    Fixed words of a path come before parameters in their place.
    """
    members = [member for module in _MODULES for member in vars(module).values()]
    operations = [member for member in members if isinstance(member, Operation)]
    operations.sort(key=lambda each: [part.startswith("{") for part in each.path.split("/")])
    return [(each, Route(each.path, Absent(), methods=[each.verb])) for each in operations]


class UnknownV2(Route):
    """Responds to every path of v2 that has no route; another method of a known path stays 405."""

    def __init__(self, core: Core) -> None:
        super().__init__("/api/v2/{rest:path}", Absent() if core.settings.v2 else refuse(""), methods=None)

    def matches(self, scope: Scope) -> tuple[Match, MutableMapping[str, Any]]:
        """Match never better than a route that has another method."""
        match, child = super().matches(scope)
        return (Match.PARTIAL if match is Match.FULL else match), child


class Edge:
    """The app around all routes: trailing slashes, the User-Agent rule.

    It starts the engine where no lifespan did.
    """

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
