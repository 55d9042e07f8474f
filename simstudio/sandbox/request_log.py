"""Log records of a sandbox, of the logger ``simstudio.sandbox`` at level INFO: requests, and failures of functions.

A record of a request has ``service``, ``method``, ``path`` (without its query, which may hold a token), ``status``
(None if no response began) and ``elapsed`` in seconds. ``pytest --log-level=INFO`` shows the records of a test that
fails.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOGGER = logging.getLogger("simstudio.sandbox")

_PACKAGE = str(Path(__file__).parents[1])


class RequestLog:
    """ASGI middleware that logs each request at the end of its response."""

    def __init__(self, app: ASGIApp, service: str) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or not LOGGER.isEnabledFor(logging.INFO):
            await self._app(scope, receive, send)
            return
        status: int | None = None
        ended = False
        began = time.perf_counter()

        async def send_and_note(message: Message) -> None:
            nonlocal status, ended
            if message["type"] == "http.response.start":
                status = message["status"]
            elif not message.get("more_body", False):
                # Before the client has the response, so that a test finds the record.
                ended = True
                self._log(scope, status, str(status), time.perf_counter() - began)
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        finally:
            if not ended:
                words = "no response" if status is None else f"{status}, broken off"
                self._log(scope, status, words, time.perf_counter() - began)

    def _log(self, scope: Scope, status: int | None, words: str, elapsed: float) -> None:
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        path = raw.partition(b"?")[0].decode("ascii", "backslashreplace")
        method = scope["method"]
        facts = {"service": self._service, "method": method, "path": path, "status": status, "elapsed": elapsed}
        LOGGER.info("%s %s %s (%.0f ms)", method, path, words, elapsed * 1000, extra=facts)


def failure_text(error: BaseException) -> str:
    """The message of what a user's function raised; with the class for a KeyError, whose message is only the key."""
    message = str(error)
    name = type(error).__name__
    return f"{name}: {message}" if message and isinstance(error, KeyError) else message or name


def log_failure(name: str, error: BaseException) -> None:
    """Log the exception of a user's function, with the traceback from the function on.

    Args:
        name: of the workflow, block or flow.
        error: what the function raised.
    """
    if LOGGER.isEnabledFor(logging.INFO):
        LOGGER.info("%s failed", name, exc_info=(type(error), error, _own_frames(error.__traceback__)))


def _own_frames(traceback: TracebackType | None) -> TracebackType | None:
    """The part of a traceback that begins with a frame outside of this package."""
    while traceback is not None and traceback.tb_frame.f_code.co_filename.startswith(_PACKAGE):
        traceback = traceback.tb_next
    return traceback
