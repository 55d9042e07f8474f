"""From a handler that returns an answer, or raises one, to an ASGI application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from simstudio.sandbox.core import Core
from simstudio.sandbox.http import Refusal, Reply

if TYPE_CHECKING:
    from simstudio.sandbox.dialects.base import Area
    from simstudio.sandbox.workflow import Workflow

Handler = Callable[[Core, Request], Awaitable[ASGIApp]]


class Endpoint:
    """Runs a handler; `Refusal` is an answer too."""

    def __init__(self, core: Core, handler: Handler) -> None:
        self._core = core
        self._handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        answer: ASGIApp
        try:
            answer = await self._handler(self._core, Request(scope, receive))
        except Refusal as refusal:
            answer = refusal.reply
        if isinstance(answer, Reply):
            answer = answer.with_headers(self._core.dialect.announce(self._core.limiter(), "sync"))
        await answer(scope, receive, send)


def readable_workflow(core: Core, request: Request, area: Area) -> Workflow:
    """The workflow named in the path, for a caller who may see it.

    Raises:
        Refusal: 401, 404 or 403.
    """
    key = core.key_state(request)
    if key != "outsider":
        core.dialect.check_key(area, key)
    workflow = core.workflows.get(request.path_params["id"])
    if workflow is None:
        write = core.dialect.error if area == "cancel" else core.dialect.coded_error
        raise Refusal(write(404, "Workflow not found"))
    core.dialect.check_key(area, key)
    return workflow
