"""One log record a request, one a response (or a failure), each attempt, on the logger ``simstudio.transport``.

Records are of level DEBUG and carry ``method``, ``path``, ``status``, ``attempt``, ``elapsed`` (seconds) and
``request_id`` as attributes. Headers are shown by allow-list (:data:`~simstudio.transport.message.SHOWN_HEADERS`):
the key, cookies and signatures appear at no level. Bodies only when asked for, without data: URLs and key-like texts.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from simstudio.transport.errors import ConfigurationError, SimStudioError

if TYPE_CHECKING:
    from simstudio.transport.auth import Credentials
    from simstudio.transport.flow import Flow
    from simstudio.transport.message import Content, Request, Response
    from simstudio.transport.stack import Handler

logger = logging.getLogger("simstudio.transport")

_DATA_URL = r"data:(?:[\w.+-]+\\?/[\w.+-]+)?[^\"'\s,]{0,100},[A-Za-z0-9+/=_%\\-]*"
_KEY = r"\bsk-[A-Za-z0-9_-]{8,}"
_LONGEST_BODY = 4096


class Logging:
    """Middleware: log each attempt.

    Args:
        bodies: Whether to log request and response bodies too (their first 4,096 characters).
        credentials: Whose key is taken out of bodies.
        shown_headers: Names in lower case of further headers whose values are logged.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        *,
        bodies: bool = False,
        credentials: Credentials | None = None,
        shown_headers: Collection[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.bodies = bodies
        self.credentials = credentials
        self.shown_headers = shown_headers
        self.clock = clock

    def __call__(self, request: Request, call_next: Handler) -> Flow[Response]:
        """Log one attempt."""
        if not logger.isEnabledFor(logging.DEBUG):
            return (yield from call_next(request))
        method, path, attempt = request.method, request.path, request.attempt
        common = {"method": method, "path": path, "attempt": attempt}
        logger.debug(
            "%s %s (attempt %d)%s", method, path, attempt, self._body(request.content),
            extra={**common, "status": None, "elapsed": None, "request_id": None, "headers": self._headers(request)},
        )  # fmt: skip
        started = self.clock()
        try:
            response = yield from call_next(request)
        except SimStudioError as error:
            elapsed = self.clock() - started
            logger.debug(
                "%s %s (attempt %d) failed after %.3f s: %s", method, path, attempt, elapsed, type(error).__name__,
                extra={**common, "status": None, "elapsed": elapsed, "request_id": None},
            )  # fmt: skip
            raise
        elapsed = self.clock() - started
        logger.debug(
            "%s %s (attempt %d) answered %d in %.3f s%s", method, path, attempt, response.status, elapsed,
            self._body(response.content),
            extra={
                **common,
                "status": response.status,
                "elapsed": elapsed,
                "request_id": self._text(response.request_id),
                "headers": self._headers(response),
            },
        )  # fmt: skip
        return response

    def _headers(self, message: Request | Response) -> dict[str, str]:
        return {name: self._text(value) or "" for name, value in message.headers.shown(self.shown_headers).items()}

    def _text(self, text: str | None) -> str | None:
        """A text without the key, which a server may echo anywhere."""
        return self.credentials.redact(text) if text and self.credentials is not None else text

    def _body(self, content: bytes | Content) -> str:
        if not self.bodies or not isinstance(content, bytes) or not content:
            return ""
        text = self._text(content.decode("utf-8", "replace")) or ""
        text = re.sub(_KEY, "***", re.sub(_DATA_URL, "data:***", text, flags=re.IGNORECASE))
        if self.credentials is not None and self.credentials.pattern is not None:
            text = re.sub(self.credentials.pattern, "***", text)
        return f" {text[:_LONGEST_BODY]}{'…' if len(text) > _LONGEST_BODY else ''}"


def configure_from_environment(variable: str) -> None:
    """Set the package's logger to the level that an environment variable names, leaving the root logger alone.

    Args:
        variable: Its name. ``debug``, ``info`` … are levels; unset or empty changes nothing.

    Raises:
        ConfigurationError: The variable names no level.
    """
    name = os.environ.get(variable, "").strip()
    if not name:
        return
    level = getattr(logging, name.upper(), None)
    if not isinstance(level, int):
        raise ConfigurationError(
            f"{variable}={name!r} names no log level: use debug, info, warning, error or unset it."
        )
    package = logging.getLogger("simstudio")
    package.setLevel(level)
    if not package.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
        package.addHandler(handler)
