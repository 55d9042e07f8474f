"""Logging: a middleware that logs each request and each response on the logger ``simstudio.transport``.

Records have the level DEBUG and the attributes ``method``, ``path``, ``status``, ``attempt``, ``elapsed`` (seconds),
``request_id`` and ``headers``. Only headers on an allow-list show their values
(:data:`~simstudio.transport.message.SHOWN_HEADERS`): keys, cookies and signatures never appear. Bodies are logged only
on request, without keys, ``data:`` URLs, and what has the name of a secret (``"clientSecret": "…"``,
:mod:`~simstudio.transport.secret_names`); no body of a call that has a secret argument is logged.
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
    """Middleware: log each attempt, with one record for the request and one for the response or the failure.

    Args:
        bodies: Whether to log also the first 4,096 characters of bodies.
        credentials: Hold the key that is removed from records.
        shown_headers: Names in lower case of further headers whose values are logged.
        clock: Returns monotonic seconds.
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
        """Log an attempt."""
        if not logger.isEnabledFor(logging.DEBUG):
            return (yield from call_next(request))
        method, path, attempt = request.method, request.path, request.attempt
        common = {"method": method, "path": path, "attempt": attempt}
        logger.debug(
            "%s %s (attempt %d)%s", method, path, attempt, self._body(request, request.content),
            extra={**common, "status": None, "elapsed": None, "request_id": None, "headers": self._mask(request)},
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
            self._body(request, response.content),
            extra={
                **common,
                "status": response.status,
                "elapsed": elapsed,
                "request_id": self._redact(response.request_id),
                "headers": self._mask(response),
            },
        )  # fmt: skip
        return response

    def _mask(self, message: Request | Response) -> dict[str, str]:
        return {name: self._redact(value) or "" for name, value in message.headers.mask(self.shown_headers).items()}

    def _redact(self, text: str | None) -> str | None:
        return self.credentials.redact(text) if text and self.credentials is not None else text

    def _body(self, request: Request, content: bytes | Content) -> str:
        if not self.bodies or request.confidential or not isinstance(content, bytes) or not content:
            return ""
        from simstudio.transport.secret_fields import redact_fields  # few programs log bodies

        text = self._redact(content.decode("utf-8", "replace")) or ""
        text = re.sub(_KEY, "***", re.sub(_DATA_URL, "data:***", text, flags=re.IGNORECASE))
        text = redact_fields(text, lambda _: "***")
        if self.credentials is not None and self.credentials.pattern is not None:
            text = re.sub(self.credentials.pattern, "***", text)
        return f" {text[:_LONGEST_BODY]}{'…' if len(text) > _LONGEST_BODY else ''}"


def configure_from_environment(variable: str) -> None:
    """Set the level of the logger ``simstudio`` from an environment variable. The root logger is not changed.

    Args:
        variable: Name of the variable, which holds ``debug``, ``info`` …; unset or empty it changes nothing.

    Raises:
        ConfigurationError: The variable holds no level.
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
        from simstudio.transport.log_handler import make_handler

        package.addHandler(make_handler())
