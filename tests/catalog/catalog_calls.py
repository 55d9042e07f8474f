"""Calling operations of the catalogue on a client whose HTTP library answers by itself, and what it was asked."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from email import message_from_bytes
from typing import Any
from urllib.parse import parse_qsl

import attrs
import httpx

from simstudio import AsyncPager, AsyncSimStudioClient, Pager, SimStudioClient
from simstudio.catalog import Operation

KEY = "sk-sim-test-Catalog4711"


@attrs.frozen
class Sent:
    """A request, as it left the HTTP library."""

    verb: str
    path: str
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    content: bytes

    @classmethod
    def of(cls, request: httpx.Request) -> Sent:
        path, _, query = request.url.raw_path.decode("ascii").partition("?")
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
        return cls(request.method, path, pairs, dict(request.headers), request.read())

    @property
    def json(self) -> Any:
        """The JSON body; None where there is no body."""
        if not self.content:
            return None
        assert self.headers["content-type"] == "application/json"
        return json.loads(self.content)

    @property
    def parts(self) -> dict[str, bytes]:
        """The parts of a form, by name."""
        head = f"Content-Type: {self.headers['content-type']}\r\n\r\n".encode()
        found: dict[str, bytes] = {}
        for part in message_from_bytes(head + self.content).get_payload():
            name = part.get_param("name", header="content-disposition")  # type: ignore[union-attr]
            assert name not in found
            found[str(name)] = part.get_payload(decode=True)  # type: ignore[union-attr, assignment]
        return found


@attrs.define
class Server:
    """Answers every request alike."""

    status: int = 400
    body: Any = attrs.field(factory=lambda: {"error": "not today"})
    sent: list[Sent] = attrs.field(factory=list)

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(Sent.of(request))
        if isinstance(self.body, bytes):
            return httpx.Response(self.status, content=self.body)
        return httpx.Response(self.status, json=self.body)

    async def answer_later(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        return self.answer(request)


class Caller:
    """Calls operations on a sync or on an async client."""

    def __init__(self, mode: str) -> None:
        self.asynchronous = mode == "async"

    def client(self, server: Server) -> Any:
        """A client of a server."""
        if self.asynchronous:
            later = httpx.AsyncClient(transport=httpx.MockTransport(server.answer_later), trust_env=False)
            return AsyncSimStudioClient(KEY, "https://sim.test", max_retries=0, http_client=later)
        now = httpx.Client(transport=httpx.MockTransport(server.answer), trust_env=False)
        return SimStudioClient(KEY, "https://sim.test", max_retries=0, http_client=now)

    async def __call__(self, operation: Operation, server: Server, arguments: Mapping[str, Any]) -> Any:
        """The result of an operation; of a list its first page."""
        result = operation.of(self.client(server))(**arguments)
        if isinstance(result, (Pager, AsyncPager)):
            assert isinstance(result, AsyncPager if self.asynchronous else Pager)
            result = result.page()
        return await result if inspect.isawaitable(result) else result
