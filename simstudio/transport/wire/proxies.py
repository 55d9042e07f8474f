"""The proxy that the environment names for an address, as httpx users expect it."""

from __future__ import annotations

import os
import sys
from urllib.parse import urlsplit

from simstudio.transport.errors import ConfigurationError


def environment_proxy(url: str) -> str | None:
    """The proxy for an address from ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY`` (either case).

    Raises:
        ConfigurationError: It is no address.

    Example:
        >>> environment_proxy("http://127.0.0.1") is None  # without such variables
        True
    """
    if sys.platform not in ("darwin", "win32") and not any(name.lower().endswith("_proxy") for name in os.environ):
        return None  # and nothing is imported for it
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    if not any(name in proxies for name in ("http", "https", "all")):
        return None
    parts = urlsplit(url)
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    named = {parts.netloc.rpartition("@")[2], parts.hostname or ""}  # an IPv6 address with its brackets, and without
    exempt = "*" in (entry.strip() for entry in proxies.get("no", "").split(","))
    if not proxy or exempt or any(map(proxy_bypass, named)):
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    try:
        host = urlsplit(proxy).hostname if urlsplit(proxy).port != 0 else None
    except ValueError:
        host = None
    if not host:
        raise ConfigurationError(
            "The proxy of the environment (HTTP_PROXY, HTTPS_PROXY or ALL_PROXY) is no address with a host and port: "
            "use http://host:port, or unset it."
        )
    return proxy
