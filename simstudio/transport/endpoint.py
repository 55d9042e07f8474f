"""The base address of a service, and the redirects that calls follow.

Following every redirect would turn a POST into a GET and send the key wherever a response says. Following none would
break base addresses that their own server redirects. So each call follows at most one redirect, if it is a 308 to the
same origin (as for a trailing slash), or a 301, 307 or 308 from https to https with the same port and host. If the
service allows it, the new host may also be the old one with ``www.`` in front; later calls then use the new base
address. Every other redirect is an error.
"""

from __future__ import annotations

import functools
import re
import string
from typing import TYPE_CHECKING
from urllib.parse import quote, urljoin, urlsplit

from simstudio.transport.errors import ConfigurationError, InvalidInputError
from simstudio.transport.secret import Secret

if TYPE_CHECKING:
    from simstudio.transport.flow import Flow
    from simstudio.transport.message import Request, Response
    from simstudio.transport.stack import Handler

_HOST = frozenset(string.ascii_letters + string.digits + ".-_")
_UNSAFE = frozenset([*map(chr, range(0x21)), "\x7f", "\\"])
_PORTS = {"http": 80, "https": 443}
_encode_segment = functools.lru_cache(maxsize=1024)(functools.partial(quote, safe=""))


class Endpoint:
    """The base address, to which the paths of requests are appended.

    Args:
        base_url: ``https://host[:port][/prefix]``; trailing slashes are removed.
        follow_to_www: Whether to follow a redirect to the same host with ``www.`` in front.

    Raises:
        ConfigurationError: The value is no http(s) address, or holds credentials, a query or a fragment.

    Example:
        >>> Endpoint("https://example.com/sim/").url("/api/x")
        'https://example.com/sim/api/x'
    """

    __slots__ = ("base_url", "follow_to_www", "origin", "prefix")

    def __init__(self, base_url: str | Secret[str], *, follow_to_www: bool = False) -> None:
        given = Secret(base_url)
        del base_url  # one that is refused may hold a key or a password
        self.follow_to_www = follow_to_www
        self.move(given)

    def move(self, base_url: Secret[str]) -> None:
        """Change the base address; the argument is that of the class."""
        self.base_url: str = check_base_url(base_url)
        parts = urlsplit(self.base_url)
        self.origin: str = f"{parts.scheme}://{parts.netloc}"
        self.prefix: str = parts.path

    def url(self, path: str) -> str:
        """Return the address of a path."""
        return self.base_url + path

    def owns(self, url: str) -> bool:
        """Return whether an address has the configured origin (scheme, host and port)."""
        return _lies_on(url, self.origin)

    def follow(self, request: Request, call_next: Handler) -> Flow[Response]:
        """Send a request, and follow one of the redirects that the module describes."""
        base = self.base_url  # another call may change it meanwhile
        response = yield from call_next(request)
        if not 300 <= response.status <= 399:
            return response
        parts = urlsplit(base)
        origin, prefix = f"{parts.scheme}://{parts.netloc}", parts.path
        target = self._target(request.url, origin, response)
        if target is None:
            return response
        path = request.url[len(base) :]
        if self.base_url == base and not _lies_on(target, origin) and target.endswith(prefix + path):
            self.move(Secret(target[: -len(path)]))
        request.url = target
        return (yield from call_next(request))

    def _target(self, url: str, origin: str, response: Response) -> str | None:
        location = response.headers.get("location")
        if not location or not _lies_on(url, origin) or not _UNSAFE.isdisjoint(location) or not location.isascii():
            return None
        try:
            target = urlsplit(urljoin(url, location))
            asked = urlsplit(url)
            port, asked_port = target.port or _PORTS.get(target.scheme), asked.port or _PORTS[asked.scheme]
        except ValueError:
            return None
        if target.username is not None or target.password is not None or target.hostname is None or port != asked_port:
            return None
        same_host = target.hostname == asked.hostname
        # The host is spelt as in the base address: origins are compared letter by letter.
        written = target._replace(netloc=asked.netloc if same_host else f"www.{asked.netloc}", fragment="").geturl()
        if response.status == 308 and target.scheme == asked.scheme and same_host:
            return written
        if response.status in (301, 307, 308) and target.scheme == asked.scheme == "https":
            same_place = (target.path, target.query) == (asked.path, asked.query)
            to_www = self.follow_to_www and same_place and target.hostname == f"www.{asked.hostname}"
            return written if same_host or to_www else None
        return None


def _lies_on(url: str, origin: str) -> bool:
    return url.startswith(origin) and url[len(origin) : len(origin) + 1] in ("/", "?", "")


def check_base_url(base_url: str | Secret[str]) -> str:
    """Return a base address in normal form, without trailing slashes; raises like :class:`Endpoint`."""
    given = Secret(base_url)
    del base_url
    normal = _normalize(given.reveal())
    if isinstance(normal, ConfigurationError):
        raise normal
    return normal


def _normalize(base_url: object) -> str | ConfigurationError:
    """Check an address, and return an error instead of raising it: its traceback would hold the address."""
    if not isinstance(base_url, str):
        return ConfigurationError(f"base_url must be a str, not {type(base_url).__name__}.")
    text = base_url.strip()
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        return ConfigurationError("base_url is not an address: use https://host[:port][/prefix].")
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        return ConfigurationError("base_url has credentials in it. Take them out; the key goes into api_key=.")
    if parts.scheme.lower() not in _PORTS or not host:
        return ConfigurationError(
            f"base_url {text!r} has no http(s) scheme and host: use https://host[:port][/prefix]."
        )
    netloc = parts.netloc
    name = netloc.rpartition(":")[0] if port is not None else netloc.rstrip(":")
    try:
        name = name if name.isascii() else name.encode("idna").decode("ascii")
    except UnicodeError:
        return ConfigurationError(f"base_url {text!r} has a host name that does not exist.")
    if not _is_host(name) or not _UNSAFE.isdisjoint(text):
        return ConfigurationError(f"base_url {text!r} has a character in it that no address has.")
    if parts.query or parts.fragment or text.endswith(("?", "#")):
        return ConfigurationError("base_url has a query or a fragment: give only https://host[:port][/prefix].")
    path = quote(parts.path, safe="/%:@!$&'()*+,;=~-._").rstrip("/")
    if any(segment in (".", "..") for segment in path.split("/")):
        return ConfigurationError(f"base_url {text!r} has dot segments in its path: write it out.")
    scheme = parts.scheme.lower()
    port_text = "" if port is None or port == _PORTS[scheme] else f":{port}"
    return f"{scheme}://{name.lower()}{port_text}{path}"


def _is_host(name: str) -> bool:
    """Whether an ASCII name is a valid host name, or an IPv6 address in brackets."""
    if name.startswith("["):
        return re.fullmatch(r"\[[0-9A-Fa-f:.]+(%25[A-Za-z0-9._~-]+)?\]", name) is not None
    *labels, last = name.split(".")  # after the dot of an absolute name, the last label is empty
    return name != "" and all(labels) and max(map(len, (*labels, last))) < 64 and _HOST.issuperset(name)


def segment(value: object, name: str) -> str:
    """Percent-encode an identifier as one segment of a path.

    Raises:
        InvalidInputError: The identifier is no str, is empty, ``.`` or ``..``, or cannot be encoded.

    Example:
        >>> segment("a/b", "workflow_id")
        'a%2Fb'
    """
    if not isinstance(value, str):
        raise InvalidInputError(f"{name} must be a str, not {type(value).__name__}.")
    if not value.strip() or value in (".", ".."):
        raise InvalidInputError(f"{name} is {value!r}, which names nothing: pass the id that the service shows.")
    try:
        return _encode_segment(value)
    except UnicodeEncodeError as error:
        raise InvalidInputError(f"{name} holds a character that cannot be encoded: {value!r}.") from error


def check_path(path: object) -> str:
    """Return a path that can be appended to the base address; it may hold a query.

    Raises:
        InvalidInputError: The path is no str, names a host, or holds a character that no address may hold.
    """
    if not isinstance(path, str) or not path:
        raise InvalidInputError(f"path must be a non-empty str beginning with '/', not {path!r}.")
    if "://" in path.split("?", 1)[0] or path.startswith("//"):
        raise InvalidInputError(f"path {path[:80]!r} names a host. Give a path such as /api/…; the host is base_url's.")
    if not _UNSAFE.isdisjoint(path):
        raise InvalidInputError(f"path {path!r} holds a space, a backslash or a control character: percent-encode it.")
    try:
        encoded = quote(path.partition("#")[0], safe="/%?:@!$&'()*+,;=~-._[]|")
    except UnicodeEncodeError as error:
        raise InvalidInputError(f"path {path!r} holds a character that cannot be encoded.") from error
    return encoded if encoded.startswith("/") else f"/{encoded}"
