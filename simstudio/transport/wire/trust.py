"""Trust in certificates of servers."""

from __future__ import annotations

import errno
import os
from threading import Lock
from typing import TYPE_CHECKING

from simstudio.transport.errors import APIConnectionError, ConfigurationError
from simstudio.transport.fork import no_fork, renew_after_fork

if TYPE_CHECKING:
    import ssl


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
        """In a forked child: whatever its environment says then, and a lock that no vanished thread holds."""
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
        if error.errno in (errno.EMFILE, errno.ENFILE):  # which passes, and is no matter of the settings
            raise APIConnectionError(
                f"The certificates cannot be read: {error}. Nothing was sent.", sent=False
            ) from error
        named = "that SSL_CERT_FILE or SSL_CERT_DIR names" if file or directory else "of certifi"
        raise ConfigurationError(f"The certificates {named} cannot be read: {error}.") from error
    context.set_alpn_protocols(["http/1.1"])
    return context
