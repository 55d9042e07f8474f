"""Uploads to URLs that were signed in advance, and downloads: requests without credentials.

They go through the client's middleware (retries, logging, the user's own), but are not signed, and carry none of the
client's headers but its User-Agent. The client's ``timeout`` bounds each pause of the connection, not the whole
transfer, because a large file takes long.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from simstudio.core.context import Context
from simstudio.core.failures import redact_error
from simstudio.core.modes import Async, Sync
from simstudio.core.options import Options
from simstudio.core.session import Session
from simstudio.services.speedpix.credentials import SpeedPixCredentials
from simstudio.services.speedpix.envelope import status_error
from simstudio.services.speedpix.errors import FAMILY, UnsafeURLError
from simstudio.services.speedpix.urls import Zone, check_fetchable, next_hop, without_query, zone_of_url
from simstudio.transport.deadline import Budget
from simstudio.transport.endpoint import Endpoint
from simstudio.transport.errors import SimStudioError
from simstudio.transport.flow import FromBody
from simstudio.transport.hints import RateLimits
from simstudio.transport.logging import Logging
from simstudio.transport.message import Headers, Request
from simstudio.transport.retry import Retry

if TYPE_CHECKING:
    from simstudio.transport.flow import Flow
    from simstudio.transport.message import Response
    from simstudio.transport.upload import Upload

T = TypeVar("T")

MOST_HOPS = 5
"""Largest number of redirects that a download follows."""


class Transfers:
    """Uploads and downloads of one client.

    Args:
        context: Context of the client.
        insecure: Whether a download may be redirected from https to http.
    """

    def __init__(self, context: Context, *, insecure: bool = False) -> None:
        self._context = context
        self._insecure = insecure

    @property
    def zone(self) -> Zone | None:
        """The zone of the service, in which its files may lie."""
        return zone_of_url(self._context.session.endpoint.base_url)

    def run(self, flow: Flow[T]) -> T:
        """Run a flow, blocking."""
        return Sync.run(self._context.session, flow)

    async def arun(self, flow: Flow[T]) -> T:
        """Run a flow, awaited."""
        return await Async.run(self._context.session, flow)

    def put(self, url: str, upload: Upload, content_type: str) -> Flow[None]:
        """Send a file.

        Args:
            url: URL, already checked; used unchanged.
            upload: Content of the file.
            content_type: Media type that was declared in the request for the URL.

        Raises:
            SpeedPixStatusError: The storage refused the file.
            SpeedPixConnectionError: The file did not arrive.
        """
        request = self._request("PUT", url, upload)
        request.headers["Content-Type"] = content_type
        response = yield from self._exchange(request)
        if not response.ok:
            raise status_error(response, self._context.session.credentials, stored=True)

    def open(self, url: str, zone: Zone | None) -> Flow[Response]:
        """Begin to fetch a file, and return a response whose body is unread.

        Args:
            url: URL of the file.
            zone: Zone in which the file may be, beside the public network.

        Raises:
            UnsafeURLError: The URL, or one that it redirects to, is unencrypted, in another network, or no URL.
            SpeedPixStatusError: The storage refused the request.
            SpeedPixConnectionError: No answer arrived.
        """
        check_fetchable(url, zone)
        for _ in range(MOST_HOPS + 1):
            request = self._request("GET", url)
            request.headers["Accept-Encoding"] = "identity"
            request.streamed = True
            response = yield from self._exchange(request)
            if response.ok:
                return response
            if response.status not in (301, 302, 303, 307, 308):
                raise status_error(response, self._context.session.credentials, stored=True)
            url = next_hop(url, response.headers.get("location"), insecure=self._insecure, zone=zone)
        raise UnsafeURLError(f"{without_query(url)} was not fetched: it comes after more than {MOST_HOPS} redirects.")

    def fetch(self, url: str, zone: Zone | None) -> Flow[bytes]:
        """Fetch a whole file, with the arguments of :meth:`open`."""
        response = yield from self.open(url, zone)
        if response.body is not None:
            yield FromBody(response.body, "read")
        return response.content

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Raise errors as SpeedPix's own, without secrets."""
        try:
            with FAMILY.raise_own():
                yield
        except SimStudioError as error:
            redact_error(error, self._context.session.credentials)
            raise

    def run_guarded(self, flow: Flow[T]) -> Flow[T]:
        """Run a flow whose errors are SpeedPix's own and hold no secret."""
        with self.guard():
            return (yield from flow)

    def _exchange(self, request: Request) -> Flow[Response]:
        with FAMILY.raise_own():
            return (yield from self._context.session.exchange(request))

    def _request(self, method: str, url: str, content: bytes | Upload = b"") -> Request:
        options = self._context.options
        headers = Headers({
            "User-Agent": self._context.defaults["User-Agent"],
            "Accept": "*/*",
            "Accept-Encoding": "gzip, deflate",
        })  # fmt: skip
        budget = Budget(idle=options.timeout, connect=options.timeout)
        return Request(method, url, headers, content, resend="read", budget=budget, max_retries=options.max_retries)


_unclaimed: list[Transfers] = []


def default_transfers() -> Transfers:
    """The transfers for files of no client: ``FileOutput(url)`` made by hand, or unpickled."""
    if not _unclaimed:
        credentials = SpeedPixCredentials()
        session = Session(
            Endpoint("http://localhost"),
            credentials,
            RateLimits(),
            stack=[Retry(), Logging(credentials=credentials)],
        )
        _unclaimed.append(Transfers(Context(session, Options(), Sync, lambda _: default_transfers())))
    return _unclaimed[0]
