"""Routes to origins: direct, or through the proxy that the environment names, and the certificates to trust there."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpcore
import httpx

from simstudio.transport.errors import APIConnectionError, ConfigurationError
from simstudio.transport.fork import no_fork, renew_after_fork

if TYPE_CHECKING:
    import ssl


class EnvironmentProxy:
    """A proxy of the environment. Its text and its ``repr`` show no password.

    Attributes:
        url: Its address, which may hold a password.
        variable: The environment variable that names it.
    """

    __slots__ = ("url", "variable")

    def __init__(self, url: str, variable: str) -> None:
        self.url = url
        self.variable = variable

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EnvironmentProxy) and (other.url, other.variable) == (self.url, self.variable)

    def __hash__(self) -> int:
        return hash((self.url, self.variable))

    def __repr__(self) -> str:
        return f"EnvironmentProxy({self})"

    def __str__(self) -> str:
        return f"{urlsplit(self.url).netloc.rpartition('@')[2]} ({self.variable})"


class Route:
    """The way to some origins; each has a transport of its own.

    Args:
        scheme: ``http`` or ``https``, of the origins.
        proxy: The proxy to go through, or None.
    """

    __slots__ = ("proxy", "scheme")

    def __init__(self, scheme: str, proxy: EnvironmentProxy | None) -> None:
        self.scheme = scheme
        self.proxy = proxy

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Route) and (other.scheme, other.proxy) == (self.scheme, self.proxy)

    def __hash__(self) -> int:
        return hash((self.scheme, self.proxy))

    @property
    def shown_proxy(self) -> str | None:
        """The proxy as it may be shown, None when there is none."""
        return None if self.proxy is None else str(self.proxy)

    def maker(
        self,
        kinds: tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]],
        ssl_context: ssl.SSLContext | None,
        keep_alive: float,
    ) -> Callable[[Any], Any]:
        """The factory of a pool of httpcore over a network backend.

        Args:
            kinds: Makers of direct connections, and of those through an HTTP and through a SOCKS proxy.
            ssl_context: The certificates to trust, None for http.
            keep_alive: Seconds that an idle connection is kept.

        Raises:
            ConfigurationError: The proxy cannot be used.
        """
        direct, http_proxy, socks_proxy = kinds
        common = {"ssl_context": ssl_context, "keepalive_expiry": keep_alive}
        if self.proxy is None:
            return lambda network: direct(network_backend=network, **common)
        kind = self.proxy.url.partition(":")[0]
        try:
            proxy = httpx.Proxy(self.proxy.url)
        except (ValueError, httpx.InvalidURL) as error:
            raise ConfigurationError(f"The proxy of the environment cannot be used: {error}") from error
        from importlib.util import find_spec

        if kind in ("http", "https"):
            maker = http_proxy
        elif find_spec("socksio") is not None:
            maker = socks_proxy
        else:
            raise ConfigurationError(
                f"The {kind} proxy of the environment needs another package: install httpx[socks]."
            )
        address = httpcore.URL(
            scheme=proxy.url.raw_scheme, host=proxy.url.raw_host, port=proxy.url.port, target=proxy.url.raw_path
        )
        return lambda network: maker(address, proxy_auth=proxy.raw_auth, network_backend=network, **common)


def environment_proxy(url: str) -> EnvironmentProxy | None:
    """The proxy for an address from ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY`` (either case).

    Raises:
        ConfigurationError: The variable holds no address.

    Example:
        >>> environment_proxy("http://127.0.0.1") is None  # without such variables
        True
    """
    if sys.platform not in ("darwin", "win32") and not any(name.lower().endswith("_proxy") for name in os.environ):
        return None  # and nothing is imported for it
    proxy = _find_proxy(url)
    if proxy is not None and not _has_host_and_port(proxy.url):
        raise ConfigurationError(
            "The proxy of the environment (HTTP_PROXY, HTTPS_PROXY or ALL_PROXY) is no address with a host and port: "
            "use http://host:port, or unset it."
        )
    return proxy


def _find_proxy(url: str) -> EnvironmentProxy | None:
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    parts = urlsplit(url)
    scheme = parts.scheme if proxies.get(parts.scheme) else "all"
    if not proxies.get(scheme) or "*" in (entry.strip() for entry in proxies.get("no", "").split(",")):
        return None
    named = {parts.netloc.rpartition("@")[2], parts.hostname or ""}  # an IPv6 address with its brackets, and without
    if any(map(proxy_bypass, named)):
        return None
    address = proxies[scheme]
    return EnvironmentProxy(address if "://" in address else f"http://{address}", f"{scheme.upper()}_PROXY")


def _has_host_and_port(url: str) -> bool:
    try:
        return bool(urlsplit(url).hostname) and urlsplit(url).port != 0
    except ValueError:
        return False


class Trust:
    """Trust as httpx 0.28 has it: ``SSL_CERT_FILE``, ``SSL_CERT_DIR``, else certifi's authorities."""

    def __init__(self) -> None:
        self._context: ssl.SSLContext | None = None
        self._lock = Lock()
        renew_after_fork(self)

    def context(self) -> ssl.SSLContext:
        """The TLS context that checks certificates; made once, as that takes longer than many a call.

        Raises:
            ConfigurationError: The certificates cannot be read.
            APIConnectionError: There are no file descriptors left to read them with.
        """
        if self._context is None:
            with self._lock, no_fork:
                self._context = self._context or _context()
        return self._context

    def after_fork(self) -> None:
        """Begin anew in a forked child: with its own environment, and a lock that no thread of the parent holds."""
        self._context, self._lock = None, Lock()


def _context() -> ssl.SSLContext:
    import ssl

    file, directory = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    try:
        if file:
            context = ssl.create_default_context(cafile=file)
        elif directory:
            context = ssl.create_default_context(capath=directory)
        else:
            import certifi

            context = ssl.create_default_context(cafile=certifi.where())
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE):  # a shortage passes, and is no fault of the settings
            raise APIConnectionError(
                f"The certificates cannot be read: {error}. Nothing was sent.", sent=False
            ) from error
        named = "that SSL_CERT_FILE or SSL_CERT_DIR names" if file or directory else "of certifi"
        raise ConfigurationError(f"The certificates {named} cannot be read: {error}.") from error
    context.set_alpn_protocols(["http/1.1"])
    return context
