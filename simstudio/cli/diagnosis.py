"""The checks of ``simstudio doctor``, each independent of what the others found."""

from __future__ import annotations

import os
import platform
import socket
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import attrs

from simstudio._version import __version__
from simstudio.cli.access import Access, find_access, find_address, find_key, find_profile
from simstudio.cli.deadline import within
from simstudio.cli.failures import CommandError, describe
from simstudio.errors import APIStatusError, ConfigurationError, SimStudioError
from simstudio.transport.secret import Secret

if TYPE_CHECKING:
    from simstudio.cli.invocation import Invocation
    from simstudio.cli.profile_file import Profile
    from simstudio.client import SimStudioClient
    from simstudio.transport.message import Response

_SKEW = 60.0
"""Seconds by which the clocks may differ without harm."""


@attrs.frozen
class Check:
    """One line of the diagnosis.

    Attributes:
        name: Subject of the check.
        state: ``ok``, ``problem``, or ``note`` for what can be neither.
        text: The finding; of a problem also the advice.
    """

    name: str
    state: Literal["ok", "problem", "note"]
    text: str


def _ok(name: str, text: str) -> Check:
    return Check(name, "ok", text)


def _problem(name: str, text: str) -> Check:
    return Check(name, "problem", text)


def _note(name: str, text: str) -> Check:
    return Check(name, "note", text)


@attrs.define
class Diagnosis:
    """A run of all checks.

    Attributes:
        invocation: The run of the command line.
        base_url: ``--base-url``.
        timeout: Seconds that a check may take.
    """

    invocation: Invocation
    base_url: str | None
    timeout: float
    _profile: Profile | None = None
    _address: str | None = None

    def run(self) -> Iterator[Check]:
        """The checks, as they are made."""
        yield _versions()
        yield self._check_profile()
        yield self._check_address()
        yield _check_certificates()
        if self._address is not None:
            yield from self._check_network(self._address)
            key, check = self._check_key_setting()
            yield check
            yield from self._check_server(self._address, key)

    def _check_profile(self) -> Check:
        try:
            self._profile = find_profile(self.invocation)
        except CommandError as error:
            return _problem("profile", str(error))
        if self._profile is None:
            return _note("profile", "none in use")
        return _ok("profile", f"{self._profile.name}, for {self._profile.base_url}")

    def _check_address(self) -> Check:
        try:
            self._address, source = find_address(self.base_url, self._profile)
        except ConfigurationError as error:
            return _problem("address", str(error).replace("base_url", "The address (--base-url, SIM_BASE_URL)", 1))
        return _ok("address", f"{self._address}, from {source}")

    def _check_key_setting(self) -> tuple[Secret[str] | None, Check]:
        """Whether there is a key."""
        try:
            access: Access = within(self.timeout, lambda: find_access(self.invocation, self.base_url))
            key = find_key(self.invocation, access)
        except (CommandError, ConfigurationError) as error:
            return None, _problem("key", str(error))
        except TimeoutError as error:
            return None, _problem("key", f"The keyring does not answer: {error}. Unlock it, or set SIM_API_KEY.")
        return key, _ok("key", f"from {access.key_source}")

    def _check_network(self, address: str) -> Iterator[Check]:
        """The proxy, or the host: its name, a connection, its certificate."""
        from simstudio.transport.wire.routes import environment_proxy

        try:
            proxy = environment_proxy(address)
        except ConfigurationError as error:
            yield _problem("proxy", str(error))
            return
        yield _note("proxy", "none" if proxy is None else f"through {proxy}")
        parts = urlsplit(address if proxy is None else proxy.url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        what = "the address" if proxy is None else f"the proxy ({proxy.variable})"
        try:
            found = within(self.timeout, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            yield _problem("name", f"{host} is not found: {_reason(error)}. Check {what} and the network's DNS.")
            return
        yield _ok("name", f"{host} is {', '.join(dict.fromkeys(str(each[4][0]) for each in found[:4]))}")
        begun = time.monotonic()
        try:
            connection = socket.create_connection((host, port), self.timeout)
        except OSError as error:
            yield _problem(
                "connection", f"none to {host}:{port}: {_reason(error)}. Check {what}, the port and firewalls."
            )
            return
        with connection:
            yield _ok("connection", f"to {host}:{port} in {(time.monotonic() - begun) * 1000:.0f} ms")
            if parts.scheme == "https":
                yield _check_tls(connection, host)

    def _check_server(self, address: str, key: Secret[str] | None) -> Iterator[Check]:
        """Check the server's responses: for the key, its clock, its version, its v2 API."""
        from simstudio import ANONYMOUS
        from simstudio.cli.connection import log_bodies
        from simstudio.client import SimStudioClient

        middleware = log_bodies if self.invocation.verbosity > 1 else None
        try:
            client = SimStudioClient(
                ANONYMOUS if key is None else key.reveal(),
                address,
                timeout=self.timeout,
                max_retries=0,
                middleware=middleware,
            )
        except ConfigurationError as error:
            yield _problem("server", str(error))
            return
        with client:
            response, refusal = _ask(client, "/api/users/me/usage-limits")
            if response is None or not isinstance(_body(response), Mapping):
                odd = f"{address} answers, but not as Sim does. Check the address."
                yield _problem("server", odd if refusal is None else self._describe(refusal))
                return
            meta, _ = _ask(client, "/api/v2/meta")
        yield _ok("server", _generation(response, meta))
        yield _check_clock(response)
        if refusal is None:
            yield _ok("key", "accepted by the server")
            yield _check_v2(meta)
        elif key is not None:
            yield _problem("key", self._describe(refusal))

    def _describe(self, error: SimStudioError | None) -> str:
        failure = None if error is None else describe(error, self.invocation)
        return failure.line if failure is not None else str(error)


def _ask(client: SimStudioClient, path: str) -> tuple[Response | None, SimStudioError | None]:
    """The response to a GET, whatever its status, and the error that it became."""
    try:
        return client.with_raw_response.request("GET", path).response, None
    except SimStudioError as error:
        return (error.response if isinstance(error, APIStatusError) else None), error


def _versions() -> Check:
    parts = [f"simstudio {__version__}", f"Python {platform.python_version()}"]
    for name in ("httpx", "httpcore", "keyring"):
        try:
            parts.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            return _problem("versions", f"{name} is not installed: pip install {name}")
    return _ok("versions", ", ".join([*parts, platform.platform(terse=True)]))


def _check_certificates() -> Check:
    from simstudio.transport.wire.routes import Trust

    named = next((name for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if os.environ.get(name)), None)
    try:
        Trust().context()
    except SimStudioError as error:
        return _problem("certificates", f"{error} Mend {named}, or unset it." if named else str(error))
    return _ok("certificates", f"authorities of {named}={os.environ[named]}" if named else "those of certifi")


def _check_tls(connection: socket.socket, host: str) -> Check:
    import ssl

    from simstudio.transport.wire.routes import Trust

    try:
        with Trust().context().wrap_socket(connection, server_hostname=host) as secured:
            certificate: Mapping[str, Any] = secured.getpeercert() or {}
            return _ok("TLS", f"{secured.version()}, certificate valid until {certificate.get('notAfter', '?')}")
    except SimStudioError:
        return _note("TLS", "not checked, as the trusted certificates cannot be read")
    except ssl.SSLCertVerificationError as error:
        advice = "If a proxy of your organisation signs certificates, name its authority in SSL_CERT_FILE."
        return _problem("TLS", f"the certificate is not trusted: {error.verify_message}. {advice}")
    except OSError as error:
        return _problem("TLS", f"{_reason(error)}. Check the port, and whether the server uses https.")


def _check_clock(response: Response) -> Check:
    try:
        theirs = parsedate_to_datetime(str(response.headers.get("date"))).timestamp()
    except (ValueError, TypeError, OverflowError):
        return _note("clock", "not checked, as the server does not say its time")
    ahead = time.time() - theirs
    if abs(ahead) <= _SKEW:
        return _ok("clock", f"within {_SKEW:.0f} s of the server's")
    direction = "ahead of" if ahead > 0 else "behind"
    return _problem(
        "clock",
        f"{abs(ahead):.0f} s {direction} the server's. Set this machine's clock: certificates and signatures of "
        "webhooks are checked against it.",
    )


def _generation(limits: Response, meta: Response | None) -> str:
    """The release of Sim, recognised by responses that only it sends."""
    found = None if meta is None else _body(meta)
    if _at(found, "data") is not None or _at(found, "error", "code") is not None:
        return "Sim v0.8 or later"
    window = _at(_body(limits), "rateLimit", "sync")
    if isinstance(window, Mapping):
        return "Sim v0.6 or later" if "requestsPerMinute" in window else "Sim v0.4"
    return "answers; its release cannot be told without a key that it accepts"


def _check_v2(meta: Response | None) -> Check:
    enabled = None if meta is None else _at(_body(meta), "data", "v2Enabled")
    if enabled is True:
        return _ok("v2", "on: --api-version v2 can be used")
    state = "switched off (the server's V2_API)" if enabled is False else "not there"
    if os.environ.get("SIM_API_VERSION", "").strip() == "v2":
        return _problem("v2", f"{state}, and SIM_API_VERSION asks for it. Unset SIM_API_VERSION.")
    return _note("v2", f"{state}; v1 does without it")


def _body(response: Response) -> Any:
    try:
        return response.json()
    except SimStudioError:
        return None


def _at(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error or type(error).__name__)
