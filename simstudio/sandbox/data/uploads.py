"""Upload sessions: the bytes of a file that are sent in one request or in parts.

Files, documents of knowledge bases and imports of tables share this form. A session holds the bytes until it is
completed; the operation that completes it makes the file, document or table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, TypeVar

import attrs

from simstudio.sandbox.http import Refusal
from simstudio.sandbox.seeding import new_token, new_uuid

T = TypeVar("T")
Purpose = Literal["file", "document", "import"]

PART_SIZE = 8 * 1024 * 1024
_DAY = 24 * 3600.0
_MOST_OPEN = 10_000


@attrs.define(eq=False)
class Upload:
    """One upload session.

    Attributes:
        token: Secret of the session.
        size: Bytes that the file has.
        part_size: Bytes of each part except the last; a file that is not larger is sent in one request.
        expires: Epoch seconds.
        facts: Values that the opening operation stores for the completing one.
        error: Reason of the last completion that failed.
        outcome: Result of the completion: a file, a document or an import.
    """

    purpose: Purpose
    workspace_id: str
    name: str
    content_type: str
    size: int
    part_size: int
    expires: float
    clock: Callable[[], float]
    facts: Mapping[str, Any] = MappingProxyType({})
    id: str = attrs.field(factory=lambda: str(new_uuid()))
    token: str = attrs.field(factory=lambda: new_token(32), repr=False)
    status: Literal["uploading", "completed", "aborted"] = "uploading"
    error: str | None = None
    outcome: Any = None
    _parts: dict[int, bytes] = attrs.field(factory=dict, repr=False)

    @property
    def in_parts(self) -> bool:
        """Whether the bytes are sent in parts."""
        return self.size > self.part_size

    @property
    def part_count(self) -> int:
        """Number of parts; 1 if the bytes are sent in one request."""
        return max(1, -(-self.size // self.part_size))

    def receive(self, content: bytes, content_type: str) -> None:
        """Store the bytes of a file that is sent in one request.

        Raises:
            Refusal: 400, another media type or number of bytes; 409, the session is over; 500, they were sent before.
        """
        self._check_open()
        if content_type != self.content_type:
            raise Refusal(400, f"Content-Type must be {self.content_type}")
        if len(content) != self.size:
            raise Refusal(400, f"Upload must contain exactly {self.size} bytes")
        if self._parts:
            raise Refusal(500, "Internal server error")  # the storage refuses to write a file twice
        self._parts[1] = content

    def receive_part(self, number: int, content: bytes) -> None:
        """Store a part, or replace it.

        Raises:
            Refusal: 400, another number of bytes, or no such part; 409, the session is over.
        """
        self.check_parts([number])
        size = min(self.part_size, self.size - (number - 1) * self.part_size)
        if len(content) != size:
            raise Refusal(400, f"Part {number} must contain exactly {size} bytes")
        self._parts[number] = content

    def check_parts(self, numbers: Sequence[int]) -> None:
        """Check that parts can be sent.

        Raises:
            Refusal: 400, there are no such parts; 409, the session is over, or has no parts.
        """
        self._check_open()
        if not self.in_parts:
            raise Refusal(409, "PUT upload sessions do not have multipart parts")
        if len(set(numbers)) < len(numbers):
            raise Refusal(400, "partNumbers must not contain duplicates")
        if not all(1 <= number <= self.part_count for number in numbers):
            raise Refusal(400, f"partNumber must be between 1 and {self.part_count}")

    def complete(self, make: Callable[[bytes], T]) -> T:
        """Return the outcome, which the first call makes of the bytes. Missing bytes can still be sent.

        Raises:
            Refusal: 409, bytes are missing, or the session is over.
        """
        if self.status != "completed":
            self._check_open()
            if len(self._parts) < self.part_count:
                self.error = self._find_missing()
                raise Refusal(409, self.error)
            self.outcome = make(b"".join(self._parts[number] for number in sorted(self._parts)))
            self.status, self.error = "completed", None
            self._parts.clear()
        outcome: T = self.outcome
        return outcome

    def abort(self) -> None:
        """Abort the session and drop its bytes; an expired session as well.

        Raises:
            Refusal: 409, it is completed.
        """
        if self.status == "completed":
            raise Refusal(409, "Completed upload sessions cannot be aborted")
        self.status = "aborted"
        self._parts.clear()

    def _find_missing(self) -> str:
        if self.in_parts:
            return f"Expected {self.part_count} uploaded parts; provider returned {len(self._parts)}"
        return "Uploaded object not found"

    def _check_open(self) -> None:
        if self.status != "uploading":
            raise Refusal(409, f"Upload session is {self.status}")
        if self.clock() >= self.expires:
            raise Refusal(409, "Upload session has expired")


class Uploads:
    """The upload sessions of a sandbox, the newest 10 000."""

    def __init__(self, clock: Callable[[], float], part_size: int) -> None:
        self._clock = clock
        self._part_size = part_size
        self._uploads: dict[str, Upload] = {}

    def __iter__(self) -> Iterator[Upload]:
        return iter(tuple(self._uploads.values()))

    def open(
        self, purpose: Purpose, workspace_id: str, name: str, content_type: str, size: int, **facts: object
    ) -> Upload:
        """Open a session for 24 hours."""
        expires = self._clock() + _DAY
        made = Upload(purpose, workspace_id, name, content_type, size, self._part_size, expires, self._clock, facts)
        self._uploads[made.id] = made
        if len(self._uploads) > _MOST_OPEN:
            del self._uploads[next(iter(self._uploads))]
        return made

    def get(self, purpose: Purpose, upload_id: str, token: str, workspace_id: str) -> Upload:
        """One session, for a caller with its token.

        Raises:
            Refusal: 404.
        """
        found = self._uploads.get(upload_id)
        if found is None or (found.purpose, found.token, found.workspace_id) != (purpose, token, workspace_id):
            raise Refusal(404, "Upload session not found")
        return found

    def for_bytes(self, upload_id: str, token: str, *, in_parts: bool) -> Upload:
        """The session whose bytes are sent.

        Raises:
            Refusal: 403.
        """
        found = self._uploads.get(upload_id)
        if found is None or found.token != token:
            raise Refusal(403, "Invalid or expired upload token")
        if found.in_parts != in_parts:
            raise Refusal(403, "Upload URL does not match this session")
        return found
