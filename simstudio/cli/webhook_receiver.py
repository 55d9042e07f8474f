"""A local receiver of webhooks: verifies each delivery, and forwards those that are Sim's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timezone
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import attrs

from simstudio.cli.failures import CommandError, ExitCode, in_words
from simstudio.transport.secret import Secret

if TYPE_CHECKING:
    import httpx
    from starlette.requests import Request
    from starlette.responses import Response

    from simstudio.sandbox.server import LocalServer
    from simstudio.webhooks import Event

LARGEST_BODY = 32 * 2**20
"""Bytes of a body beyond which a delivery is refused."""
_FORWARDING = 30.0
"""Seconds that the address to forward to may take."""
_OF_A_CONNECTION = frozenset(
    b"connection content-length expect host keep-alive proxy-connection te trailer transfer-encoding upgrade".split()
)
"""Headers that belong to one connection, and not to the delivery."""


@attrs.frozen
class Delivery:
    """The outcome of one delivery.

    Attributes:
        time: Time of receipt, ISO 8601 UTC.
        verified: Whether it is Sim's, and unaltered.
        event: Its type, of a verified delivery.
        id: The execution's id, of a notification.
        size: Bytes of the body.
        status: The status that the sender got.
        forwarded: The status from the address to forward to; None if there was none.
        elapsed_ms: Milliseconds that forwarding took.
        error: Cause for which it was refused, or not forwarded.
    """

    time: str
    verified: bool = False
    event: str | None = None
    id: str | None = None
    size: int = 0
    status: int = 200
    forwarded: int | None = None
    elapsed_ms: int | None = None
    error: str | None = None


class Receiver:
    """Answers deliveries in a thread of its own: 400 if they are not Sim's, else as the address to forward to does.

    Args:
        secret: Signing secret of the webhook or data drain.
        forward_to: The address that gets verified deliveries; None only reports them.
        signature_header: Header of the signature, of a data drain with one of its own.
        report: Called with each delivery, from the receiver's thread.
    """

    def __init__(
        self,
        secret: Secret[str],
        forward_to: str | None,
        signature_header: str | None,
        report: Callable[[Delivery], None],
    ) -> None:
        self._secret = secret
        self._forward_to = forward_to
        self._signature_header = signature_header
        self._report = report
        self._client: httpx.AsyncClient | None = None
        self._server: LocalServer | None = None

    def start(self, host: str, port: int) -> str:
        """Listen; the address is returned.

        Raises:
            CommandError: The port cannot be listened on.
        """
        from starlette.applications import Starlette
        from starlette.routing import Route

        from simstudio.sandbox.server import LocalServer, bind, url_of

        try:
            listener = bind(host, port)
        except OSError as error:
            reason = error.strerror or error
            raise CommandError(f"{host}:{port} cannot be listened on: {reason}. Give another --port.") from None
        address = url_of(listener)
        app = Starlette(routes=[Route("/{path:path}", self._answer, methods=["POST", "PUT"])])
        self._server = LocalServer(app, listener, self._close_client)
        self._server.start()
        return address

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()

    async def _answer(self, request: Request) -> Response:
        from starlette.requests import ClientDisconnect
        from starlette.responses import Response

        came = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        try:
            body = await _read(request)
        except ClientDisconnect:
            delivery = Delivery(came, status=400, error="the sender went away before the body had ended")
        else:
            delivery = Delivery(came, size=len(body))
            if len(body) > LARGEST_BODY:
                text = f"the body is larger than {LARGEST_BODY // 2**20} MiB"
                delivery = attrs.evolve(delivery, status=413, error=text)
            else:
                delivery = await self._handle(delivery, request, body)
        self._report(delivery)
        text = "" if delivery.error is None else f"{delivery.error}\n"
        return Response(text, delivery.status, media_type="text/plain")

    async def _handle(self, delivery: Delivery, request: Request, body: bytes) -> Delivery:
        from simstudio.webhooks import WebhookError, construct_event

        try:
            event = construct_event(
                body, request.scope["headers"], self._secret.reveal(), signature_header=self._signature_header
            )
        except WebhookError as error:
            return attrs.evolve(delivery, status=400, error=in_words(str(error)))
        kind, execution = _describe(event)
        delivery = attrs.evolve(delivery, verified=True, event=kind, id=execution)
        return delivery if self._forward_to is None else await self._forward(delivery, request, body)

    async def _forward(self, delivery: Delivery, request: Request, body: bytes) -> Delivery:
        import httpx

        if self._client is None:
            # A proxy of the environment could not reach this machine.
            self._client = httpx.AsyncClient(timeout=_FORWARDING, trust_env=not _is_loopback(str(self._forward_to)))
        headers = [(name, value) for name, value in request.scope["headers"] if name not in _OF_A_CONNECTION]
        begun = time.monotonic()
        try:
            sent = httpx.Request(request.method, str(self._forward_to), headers=headers, content=body)
            response = await asyncio.wait_for(self._client.send(sent, stream=True), _FORWARDING)
            await response.aclose()
        except (httpx.HTTPError, httpx.InvalidURL, asyncio.TimeoutError) as error:
            reason = str(error) or type(error).__name__
            return attrs.evolve(delivery, status=502, error=f"{self._forward_to} cannot be reached: {reason}")
        elapsed = round((time.monotonic() - begun) * 1000)
        status = response.status_code
        return attrs.evolve(delivery, status=status, forwarded=status, elapsed_ms=elapsed)

    async def _close_client(self) -> None:
        if self._client is not None:
            await self._client.aclose()


async def _read(request: Request) -> bytes:
    """The body, or as much of it as shows that it is too large."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY:
            break
    return bytes(body)


def _describe(event: Event) -> tuple[str, str | None]:
    """The type of an event, and the id of its execution."""
    from simstudio.webhooks import DataDrainDelivery, GenericEvent

    if isinstance(event, DataDrainDelivery):
        rows = len(event.rows)
        return f"data drain, {rows} row{'' if rows == 1 else 's'}", None
    if isinstance(event, GenericEvent):
        return event.type or "a payload", None
    execution: Any = event.data.execution_id
    return event.type, execution if isinstance(execution, str) else None


def check_target(url: str) -> str:
    """An address to forward to.

    Raises:
        CommandError: The value is no http(s) address.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise CommandError(f"--forward-to {url!r} is no address: use http://host[:port]/path.", ExitCode.USAGE)
    return url


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
