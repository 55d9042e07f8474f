"""The transfer of a file's bytes in an upload session, which files and documents of knowledge bases share.

The server decides whether the bytes go in one request or in parts. They go to the addresses that it names, often those
of another host, with exactly the headers that it names and without the API key. A part can be sent again; one request
cannot, so that a lost answer is settled by completing the session: only the completion shows whether the bytes arrived.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar
from urllib.parse import urlsplit

import attrs

from simstudio.core.failures import add_advice, status_error
from simstudio.core.options import Unset, check_timeout
from simstudio.core.secret_arguments import redact_secrets
from simstudio.core.session import Service
from simstudio.errors import (
    APIConnectionError,
    ConflictError,
    InvalidInputError,
    InvalidResponseError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    SimStudioError,
)
from simstudio.transport.deadline import Budget
from simstudio.transport.flow import Call, Flow, Gather, Sleep
from simstudio.transport.message import Headers, Request, Resend, Response
from simstudio.transport.retry import Backoff
from simstudio.transport.secret import Secret

if TYPE_CHECKING:
    from simstudio.core.resource import APIResource
    from simstudio.core.sections import SectionedFile
    from simstudio.models.v2.table_transfers import TableExportDownload
    from simstudio.models.v2.uploads import UploadPart, UploadPartUrls, UploadTransfer

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

CONCURRENCY = 4
"""Parts that are sent at a time, unless the caller says otherwise."""
_AT_ONCE = 16
"""Parts whose addresses are requested at once: the addresses expire after an hour."""


class NewUpload(Protocol):
    """A new upload session, as the server describes it."""

    @property
    def session(self) -> Any:
        """Id and size of the session."""
        ...

    @property
    def upload_token(self) -> str:
        """Secret of the session."""
        ...

    @property
    def transfer(self) -> UploadTransfer:
        """The way in which the bytes are sent."""
        ...


@attrs.frozen
class UploadProgress:
    """Progress of an upload. It can be passed as ``session=`` to resume the upload.

    Attributes:
        upload: The upload session, with the secret that it needs.
        sent: Bytes that the server has.
        size: Bytes of the file.
        parts: Numbers of the parts that the server has, from 1. What goes in one request is one part.
    """

    upload: NewUpload
    sent: int
    size: int
    parts: frozenset[int] = frozenset()


class Steps(Protocol[T_co]):
    """The calls of one upload session that need the API key."""

    def part_urls(self, numbers: Sequence[int]) -> Flow[UploadPartUrls]:
        """Request the addresses of parts."""
        ...

    def complete(self) -> Flow[T_co]:
        """Complete the session, as often as necessary, and return its outcome; a conflict if bytes are missing."""
        ...

    def abort(self) -> Flow[Any]:
        """Give the session up."""
        ...


class Transfer(Generic[T]):
    """Sends the bytes of a file in an upload session and completes it.

    Args:
        resource: Gives the connections and options of the client.
        session: The new session, or the progress of an earlier transfer.
        steps: The other calls of the session.
        concurrency: Number of parts that are sent at a time.
        timeout: Seconds without progress after which sending fails; None for no limit; default: the client's timeout.
        on_progress: Called with an :class:`UploadProgress` before the transfer and after each part, never by two
            threads at a time.

    Raises:
        InvalidInputError: The file does not have the size of the session, or an argument is invalid.
    """

    def __init__(
        self,
        resource: APIResource[Any],
        session: NewUpload | UploadProgress,
        file: SectionedFile,
        steps: Steps[T],
        *,
        concurrency: int = CONCURRENCY,
        timeout: float | Unset | None,
        on_progress: Callable[[UploadProgress], Any] | None = None,
    ) -> None:
        check_concurrency(concurrency)
        self._context = resource._context
        self._upload = session.upload if isinstance(session, UploadProgress) else session
        self._arrived = set(session.parts) if isinstance(session, UploadProgress) else set()
        self._file = file
        self._steps = steps
        self._concurrency = concurrency
        self._timeout = self._context.options.timeout if isinstance(timeout, Unset) else check_timeout(timeout)
        self._on_progress = on_progress
        self._lock = threading.Lock()
        self._lost: SimStudioError | None = None
        if self._upload.session.size != file.size:
            raise InvalidInputError(
                f"The upload session is for {self._upload.session.size:,} bytes, and the file has {file.size:,}."
            )

    def run(self, *, abort: bool) -> Flow[T]:
        """Send the missing parts and complete the session.

        Args:
            abort: Whether a failure gives the session up. Otherwise it can be resumed.

        Raises:
            SimStudioError: The bytes could not be sent, or the session could not be completed.
        """
        return redact_secrets(self._guard(abort=abort), Secret([self._upload.upload_token]))

    def _guard(self, *, abort: bool) -> Flow[T]:
        try:
            return (yield from self._run())
        except GeneratorExit:
            raise
        except BaseException as failure:
            advice = self._advice_to_resume(failure)
            if abort:
                # A lost connection otherwise says that its request may have been carried out.
                lost = isinstance(failure, APIConnectionError)
                advice = "The upload was aborted; nothing of the file stays on the server." if lost else ""
                try:
                    yield from self._steps.abort()
                except ConflictError:  # the session is completed already
                    if failure is self._lost:
                        with suppress(SimStudioError):
                            return (yield from self._steps.complete())
                        advice = "The server has completed the upload: look for the outcome before you upload again."
                except SimStudioError:
                    advice = f"The upload session could not be aborted either; it ends by itself{self._expiry}."
            if isinstance(failure, SimStudioError):
                add_advice(failure, advice)
            raise

    def _advice_to_resume(self, failure: BaseException) -> str:
        if isinstance(failure, (ConflictError, NotFoundError)):
            return ""  # the session is over
        progress = "the last progress of on_progress"
        return f"The upload session stays open{self._expiry}: pass {progress} as session= to resume the upload."

    @property
    def _expiry(self) -> str:
        expires: str | None = getattr(self._upload.session, "expires_at", None)
        return f" until {expires}" if expires else ""

    def _complete(self) -> Flow[T]:
        try:
            return (yield from self._steps.complete())
        except (APIConnectionError, InvalidResponseError, ServerError) as error:
            self._lost = error  # the session may be completed all the same
            raise

    def _run(self) -> Flow[T]:
        self._check_parts()
        yield from self._report()
        if self._upload.transfer.method == "put":
            return (yield from self._put())
        numbers = range(1, -(-self._file.size // self._part_size) + 1)
        skipped = [number for number in numbers if number in self._arrived]
        try:
            yield from self._send_parts(number for number in numbers if number not in self._arrived)
        except ConflictError as conflict:
            return (yield from self._settle(conflict))
        try:
            return (yield from self._complete())
        except ConflictError:
            if not skipped:
                raise
        # The server lacks parts that an earlier transfer is said to have sent, and does not say which.
        yield from self._send_parts(skipped)
        return (yield from self._complete())

    def _settle(self, conflict: ConflictError) -> Flow[T]:
        """Return the outcome of a session that takes no more bytes, if it was completed before."""
        try:
            return (yield from self._complete())
        except ConflictError:
            raise conflict from None

    def _check_parts(self) -> None:
        transfer, size = self._upload.transfer, self._file.size
        if transfer.method == "put":
            return
        if transfer.method != "multipart":
            raise InvalidResponseError(f"The server asks for the bytes by {transfer.method!r}, which is unknown here.")
        part, count = transfer.part_size, transfer.part_count
        if not (isinstance(part, int) and part > 0 and count == -(-size // part)):
            raise InvalidResponseError(f"The server asks for {size:,} bytes in {count} parts of {part} bytes.")

    # -- one request ---------------------------------------------------------------------------------------------------

    def _put(self) -> Flow[T]:
        attempt = 0
        while True:
            attempt += 1
            failure: SimStudioError | None = None
            try:
                yield from self._send(self._upload.transfer, 1, "never")
            except ConflictError as conflict:
                return (yield from self._settle(conflict))
            except (APIConnectionError, RateLimitError, ServerError) as error:
                if isinstance(error, APIConnectionError) and not error.sent:
                    raise
                failure = error
            try:
                done = yield from self._complete()
            except ConflictError as conflict:  # no bytes have arrived
                if failure is None:
                    raise
                if attempt > self._context.options.max_retries:
                    raise failure from conflict
            else:
                yield from self._report(1)
                return done
            yield Sleep(Backoff().delay(attempt, random=random.random()))  # noqa: S311 - jitter

    # -- parts ---------------------------------------------------------------------------------------------------------

    def _send_parts(self, numbers: Iterable[int]) -> Flow[None]:
        left = list(numbers)
        while left:
            batch, left = left[:_AT_ONCE], left[_AT_ONCE:]
            urls = yield from self._part_urls(batch)
            yield Gather([self._send_part(part) for part in urls], self._concurrency, self._file.stop)

    def _part_urls(self, numbers: list[int]) -> Flow[list[UploadPart]]:
        parts = (yield from self._steps.part_urls(numbers)).parts
        if sorted(part.part_number for part in parts) != sorted(numbers):
            raise InvalidResponseError(f"The server did not give the addresses of the parts {numbers}.")
        return parts

    def _send_part(self, part: UploadPart) -> Flow[None]:
        number = part.part_number
        try:
            yield from self._send(part, number, "read")
        except PermissionDeniedError:  # the address has expired
            (fresh,) = yield from self._part_urls([number])
            yield from self._send(fresh, number, "read")
        yield from self._report(number)

    # -- both ----------------------------------------------------------------------------------------------------------

    @property
    def _part_size(self) -> int:
        size = self._upload.transfer.part_size
        return self._file.size if size is None else size

    def _size_of(self, number: int) -> int:
        return min(self._part_size, self._file.size - (number - 1) * self._part_size)

    def _send(self, target: UploadTransfer | UploadPart, number: int, resend: Resend) -> Flow[Response]:
        """Send a part to an address of the server."""
        check_address(target)
        options = self._context.options
        request = Request(
            "PUT",
            target.url or "",
            Headers({"User-Agent": self._context.defaults["User-Agent"], **(target.headers or {})}),
            self._file.section((number - 1) * self._part_size, self._size_of(number)),
            resend,
            budget=Budget(idle=self._timeout, connect=options.timeout),
            max_retries=options.max_retries,
            anonymous=True,
        )
        response = yield from self._context.session.send(request)
        for found in (response, *(attempt.response for attempt in response.history)):
            if found is not None:
                found.url = found.url.partition("?")[0]  # the query permits the upload
        if not response.ok:
            session = self._context.session
            raise status_error(response, session.credentials, Service(session.service.error_codes, _advise))
        return response

    def _report(self, *arrived: int) -> Flow[None]:
        with self._lock:
            self._arrived.update(arrived)
        if self._on_progress is not None:
            yield Call(self._call_alone, self._on_progress)

    def _call_alone(self, on_progress: Callable[[UploadProgress], Any]) -> Any:
        with self._lock:
            sent = sum(map(self._size_of, self._arrived))
            return on_progress(UploadProgress(self._upload, sent, self._file.size, frozenset(self._arrived)))


def _advise(response: Response) -> str | None:
    """Advice about a refusal of bytes, which are sent without the API key, often to another host than Sim."""
    if response.status != 403:
        return None
    return "The permission for these bytes has expired or is not accepted; a new upload gets another."


def check_address(target: UploadTransfer | UploadPart | TableExportDownload) -> None:
    """Raise if the address of a file's bytes is no address; the message does not show it.

    Raises:
        InvalidResponseError: The address is no http(s) address.
    """
    try:
        parts = urlsplit(target.url or "")
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
    except ValueError:
        usable = False
    if not usable:
        raise InvalidResponseError("The server named no http(s) address for the bytes of the file.")


def check_concurrency(value: object) -> None:
    """Raise if a number of parts at a time cannot be used.

    Raises:
        InvalidInputError: The value is no whole number from 1 to 64.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 64:
        raise InvalidInputError(f"concurrency must be a whole number from 1 to 64, not {value!r}.")
