"""A directory with the exchanges that a proxy recorded: one cassette of vcrpy, to which exchanges are added."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from os import SEEK_END
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import attrs

from simstudio.testing import matchers
from simstudio.testing.cassettes import scrub_request, scrub_response
from simstudio.testing.scrubbing import Scrubber

if TYPE_CHECKING:
    from os import PathLike

    from vcr.request import Request  # type: ignore[import-untyped]

FILE = "recording.yaml"
"""Name of the cassette in the directory: ``make_vcr(directory).use_cassette("recording")`` replays it."""

_OF_SECRETS = re.compile(r"/(?:secrets|environment)(?:[/?]|$)")
_VALUE = re.compile(rb'("value"\s*:\s*")(?:[^"\\]|\\.)*"')
_HEAD = "version: 1\ninteractions:\n"
_FIRST, _LAST = "interactions:\n", "version: 1\n"


@attrs.frozen
class Answer:
    """A recorded response.

    Attributes:
        url: address of the request that it answered.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    url: str


@attrs.frozen
class Difference:
    """The recorded request that is nearest to one that was sent.

    Attributes:
        request: its method, path and query.
        what: what differs: ``method``, ``path``, ``query``, ``body`` or ``mode``, each with the words of its matcher.
    """

    request: str
    what: dict[str, str]


class Writer:
    """Adds exchanges to a new recording, without the secrets in them.

    Args:
        directory: made where it is missing.
        secrets: further texts to replace.

    Raises:
        ConfigurationError: vcrpy is missing, or the directory cannot be made or holds a recording.
    """

    def __init__(self, directory: str | PathLike[str], secrets: tuple[str, ...] = ()) -> None:
        _vcr()
        self.path = Path(directory) / FILE
        self._scrubber = Scrubber(secrets, thorough=True)
        self.count = 0
        if self.path.exists():
            raise _configuration_error(f"{self.path} exists: remove it to record again, or replay it")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _configuration_error(f"{directory} cannot be used for a recording: {error}") from error

    def add(
        self,
        method: str,
        url: str,
        sent: tuple[list[tuple[str, str]], bytes],
        status: tuple[int, str],
        received: tuple[list[tuple[str, str]], bytes],
    ) -> None:
        """Add one exchange.

        Args:
            method: of the request.
            url: the address that was asked.
            sent: headers and body of the request.
            status: code and phrase of the response.
            received: headers and body of the response.
        """
        from vcr.request import Request
        from vcr.serialize import serialize  # type: ignore[import-untyped]
        from vcr.serializers import yamlserializer  # type: ignore[import-untyped]

        request = scrub_request(Request(method, url, _without_values(url, sent[1]), dict(sent[0])), self._scrubber)
        headers: dict[str, list[str]] = {}
        for name, value in received[0]:
            headers.setdefault(name, []).append(value)
        code, message = status
        response = {
            "status": {"code": code, "message": message},
            "headers": headers,
            "body": {"string": _without_values(url, received[1])},
        }
        response = scrub_response(response, self._scrubber)
        text = serialize({"requests": [request], "responses": [response]}, yamlserializer)
        text = text.removeprefix(_FIRST).removesuffix(_LAST)
        self._append((text if self.count else _HEAD + text).encode())
        self.count += 1

    def _append(self, data: bytes) -> None:
        """Write an exchange, whole or not at all: a half would make the others unreadable.

        Raises:
            OSError: The file cannot be written, as on a full disk.
        """
        with self.path.open("ab", buffering=0) as file:
            size = file.seek(0, SEEK_END)
            left = memoryview(data)
            try:
                while left:
                    left = left[file.write(left) :]
            except OSError:
                file.truncate(size)
                raise


class Reader:
    """The exchanges of a recording, found by request.

    A request that was recorded several times gets its responses in their order, and then the last one again.

    Args:
        directory: where a proxy recorded.

    Raises:
        ConfigurationError: vcrpy is missing, or there is no readable recording.
    """

    def __init__(self, directory: str | PathLike[str]) -> None:
        _vcr()
        from vcr.serialize import deserialize
        from vcr.serializers import yamlserializer

        path = Path(directory) / FILE
        if not path.is_file():
            raise _configuration_error(f"{directory} holds no recording: there is no file {FILE}")
        try:
            requests, responses = deserialize(path.read_text(encoding="utf-8"), yamlserializer)[:2]
        except (AttributeError, LookupError, TypeError) as error:
            raise _configuration_error(f"{path} cannot be read as a recording: it is no cassette of vcrpy") from error
        except Exception as error:
            raise _configuration_error(f"{path} cannot be read as a recording: {error}") from error
        self._requests: list[Request] = requests
        self._answers = [_answer(request, response) for request, response in zip(requests, responses, strict=True)]
        self._places: dict[tuple[str, str], list[int]] = {}
        for index, request in enumerate(requests):
            self._places.setdefault(_place(request), []).append(index)
        self._scrubber = Scrubber(thorough=True)
        self._played: set[int] = set()

    def __len__(self) -> int:
        return len(self._answers)

    @property
    def origin(self) -> str:
        """Scheme and host of the recorded server; empty if nothing was recorded."""
        parts = urlsplit(self._answers[0].url if self._answers else "")
        return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""

    def rewind(self) -> None:
        """Begin again with the first response to each request."""
        self._played.clear()

    def find(self, method: str, target: str, headers: list[tuple[str, str]], body: bytes) -> Answer | Difference | None:
        """The response to a request, or what differs from the nearest one; None if nothing was recorded.

        Args:
            method: of the request.
            target: its path and query.
            headers: of the request, whose credentials are replaced in its body, as they were when it was recorded.
            body: of the request.
        """
        from vcr.request import Request

        body = _without_values(target, body)
        sent = scrub_request(Request(method, f"http://sent{target}", body, dict(headers)), self._scrubber)
        near = self._places.get(_place(sent), ())
        found = [index for index in near if not _differences(sent, self._requests[index])]
        if found:
            index = next((each for each in found if each not in self._played), found[-1])
            self._played.add(index)
            return self._answers[index]
        if not self._requests:
            return None
        nearest = max(self._requests, key=lambda each: _likeness(sent, each))
        return Difference(f"{nearest.method} {_target(nearest)}", _differences(sent, nearest))


def _without_values(url: str, body: bytes) -> bytes:
    """A body without the values of a workspace's secrets, whose field is just called ``value``."""
    return _VALUE.sub(rb'\1REDACTED"', body) if _OF_SECRETS.search(url) else body


def _answer(request: Request, response: dict[str, Any]) -> Answer:
    headers = tuple((name, value) for name, values in response["headers"].items() for value in values)
    body = response["body"].get("string") or b""
    return Answer(response["status"]["code"], headers, body, request.uri)


def _differences(sent: Request, recorded: Request) -> dict[str, str]:
    """Differences between two requests, by part."""
    found = {}
    if sent.method != recorded.method:
        found["method"] = f"sent {sent.method}, recorded {recorded.method}"
    for matcher in matchers.MATCHERS.values():
        try:
            matcher(sent, recorded)
        except AssertionError as difference:
            found[matcher.__name__] = str(difference)
            if matcher is matchers.path:  # the rest means nothing then
                break
    return found


def _likeness(sent: Request, recorded: Request) -> tuple[float, float]:
    """Similarity of two requests: of their methods and paths first, then of the rest."""
    if _place(sent) == _place(recorded):
        return 2.0, -len(_differences(sent, recorded))
    return SequenceMatcher(None, f"{sent.method} {_target(sent)}", f"{recorded.method} {_target(recorded)}").ratio(), 0


def _place(request: Request) -> tuple[str, str]:
    """Method and path."""
    return request.method, urlsplit(request.uri).path or "/"


def _target(request: Request) -> str:
    parts = urlsplit(request.uri)
    return f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"


def _vcr() -> None:
    """Check that vcrpy is installed.

    Raises:
        ConfigurationError: The package is not installed.
    """
    try:
        import vcr  # type: ignore[import-untyped]  # noqa: F401
    except ImportError as error:
        raise _configuration_error("recordings need vcrpy, which is not installed: pip install vcrpy") from error


def _configuration_error(message: str) -> Exception:
    from simstudio.errors import ConfigurationError

    return ConfigurationError(message)
