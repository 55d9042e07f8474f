"""A VectorVein with its limiter, as a middleware: no sockets."""

from __future__ import annotations

import itertools
import json
import time
from collections import deque
from typing import Any

from simstudio.transport.flow import Flow, Sleep
from simstudio.transport.message import Request, Response


class LimitedVectorVein:
    """Answers ``workflow/run`` and ``workflow/check-status``, and no more calls in a window than it allows.

    Args:
        calls: Calls allowed in a window.
        window: Seconds.
    """

    def __init__(self, calls: int, window: float) -> None:
        self.calls, self.window = calls, window
        self.ran: list[Any] = []
        self.refused = 0
        self._granted: deque[float] = deque()
        self._numbers = itertools.count()

    def __call__(self, request: Request, call_next: Any) -> Flow[Response]:
        del call_next
        yield Sleep(0.001)
        now = time.monotonic()
        while self._granted and self._granted[0] <= now - self.window:
            self._granted.popleft()
        if len(self._granted) >= self.calls:
            self.refused += 1
            return self._reply(request, {"status": 429, "msg": "too many calls", "data": None})
        self._granted.append(now)
        body = request.json()
        if request.path.endswith("workflow/run"):
            self.ran.append(body["input_fields"][0]["value"])
            return self._reply(request, {"status": 200, "msg": "", "data": {"rid": f"rid-{next(self._numbers)}"}})
        outputs = [{"type": "Text", "title": "Text", "value": body["rid"]}]
        return self._reply(request, {"status": 200, "msg": "", "data": outputs})

    @staticmethod
    def _reply(request: Request, data: Any) -> Response:
        return Response(200, content=json.dumps(data).encode(), method=request.method, url=request.url)


def fields(value: Any) -> list[dict[str, Any]]:
    """The input fields of a workflow with one field."""
    return [{"node_id": "n", "field_name": "Name", "value": value}]
