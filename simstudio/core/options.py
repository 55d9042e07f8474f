"""Options of a client and of a call (timeout, retries, headers), the checks of their values, and their variables."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from simstudio._version import __version__
from simstudio.transport.errors import ConfigurationError, InvalidInputError
from simstudio.transport.message import Headers
from simstudio.transport.retry import check_max_retries
from simstudio.transport.secret import Secret

DEFAULT_TIMEOUT: Final = 30.0
DEFAULT_MAX_RETRIES: Final = 2
LONGEST_TIMEOUT: Final = 1e9
"""Seconds (31 years). Sockets and clocks of some systems overflow on more."""


class Unset:
    """The type of :data:`UNSET`."""

    def __repr__(self) -> str:
        return "UNSET"

    def __reduce__(self) -> str:
        return "UNSET"


UNSET: Final = Unset()
"""Default of arguments for which None has a meaning of its own (no limit, or JSON's null): use the client's value."""


def user_agent() -> str:
    """Return the User-Agent header of this package and interpreter."""
    return f"simstudio-sdk/{__version__} {platform.python_implementation()}/{platform.python_version()}"


class Options:
    """The settings in which a client and its clones (``client.with_options``) may differ.

    Args:
        timeout: Seconds for one logical HTTP call; None for no limit.
        max_retries: Retries after the first attempt.
        headers: Headers of every request.
    """

    __slots__ = ("headers", "max_retries", "timeout")

    def __init__(
        self,
        timeout: float | None = DEFAULT_TIMEOUT,
        max_retries: int = DEFAULT_MAX_RETRIES,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.timeout = timeout
        self.max_retries = max_retries
        self.headers = headers

    @classmethod
    def of(cls, *, timeout: float | None, max_retries: int, headers: Secret[Any], key_header: str = "") -> Options:
        """Make options from arguments. ``key_header`` is that of :func:`check_headers`.

        Raises:
            ConfigurationError: An argument cannot be used; the message names it.
        """
        retries = check_max_retries(max_retries)
        try:
            return cls(check_timeout(timeout), retries, check_headers(headers, key_header))
        except InvalidInputError as error:
            raise ConfigurationError(str(error)) from None


def from_environment(given: Secret[Any], variable: str, default: object = None) -> Secret[Any]:
    """The given setting; if it is None, the value of an environment variable, or else the default.

    An argument wins over its variable, even where the argument is empty; an empty variable counts as unset.

    Example:
        >>> from_environment(Secret(None), "NO_SUCH_VARIABLE", "https://sim.ai").reveal()
        'https://sim.ai'
    """
    return given if given.reveal() is not None else Secret(os.environ.get(variable) or default)


def check_timeout(value: object, name: str = "timeout", *, none: str = "no limit") -> float | None:
    """Return a timeout in seconds, or None for no limit.

    Args:
        none: Meaning of None, for messages.

    Raises:
        InvalidInputError: The value is no number, not finite, or not above 0.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidInputError(f"{name} must be seconds as a number, or None for {none}, not {value!r}.")
    if not 0 < value <= LONGEST_TIMEOUT:
        raise InvalidInputError(f"{name} must be above 0 seconds and finite, not {value!r}. Use None for {none}.")
    return float(value)


def check_interval(value: object, name: str = "poll_interval") -> float | None:
    """Return the seconds between polls, or None for growing pauses.

    Raises:
        InvalidInputError: The value is no number, not finite, or not above 0.
    """
    return check_timeout(value, name, none="growing pauses")


def check_headers(headers: Mapping[str, str] | Secret[Any] | None, key_header: str = "") -> dict[str, str]:
    """Return headers as a dict.

    Args:
        headers: Headers of the user.
        key_header: Name of the header that carries the client's key, which is no place for another key: errors and logs
            are cleared of the client's key only.

    Raises:
        InvalidInputError: A name or a value cannot be sent; the message names the header and shows no value.
    """
    given: Secret[Any] = Secret(headers)
    del headers
    if given.reveal() is None:
        return {}
    if not isinstance(given.reveal(), Mapping):
        raise InvalidInputError(f"headers must be a mapping of str to str, not {type(given.reveal()).__name__}.")
    checked = Headers(given.reveal())
    if key_header and key_header in checked:
        raise InvalidInputError(
            f"The header {key_header} carries the client's key. Pass the key to the client, not in headers=; "
            "for another key make another client."
        )
    if "user-agent" in checked and not checked["user-agent"].strip():
        raise InvalidInputError("The header User-Agent is empty. Leave it out instead.")
    return dict(checked.pairs())
