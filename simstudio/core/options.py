"""The options of a call and of a client: timeout, retries, headers, and what is refused of them."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import Final

import attrs

from simstudio._version import __version__
from simstudio.transport.errors import ConfigurationError, InvalidInputError
from simstudio.transport.message import Headers
from simstudio.transport.retry import check_max_retries

DEFAULT_TIMEOUT: Final = 30.0
DEFAULT_MAX_RETRIES: Final = 2
LONGEST_TIMEOUT: Final = 1e9
"""Seconds (31 years). Sockets and clocks of some systems overflow beyond."""


class Unset:
    """The type of :data:`UNSET`."""

    def __repr__(self) -> str:
        return "UNSET"

    def __reduce__(self) -> str:
        return "UNSET"


UNSET: Final = Unset()
"""In place of an argument: leave it as the client has it. (None means something: no limit, or JSON's null.)"""


def user_agent() -> str:
    """The User-Agent of requests whose caller sets none."""
    return f"simstudio-sdk/{__version__} {platform.python_implementation()}/{platform.python_version()}"


@attrs.frozen(repr=False)
class Options:
    """What may differ between a client and its clones (``client.with_options``).

    Attributes:
        timeout: Seconds for one logical HTTP call, None for no end.
        max_retries: Repetitions after the first attempt.
        headers: Sent with every request.
    """

    timeout: float | None = DEFAULT_TIMEOUT
    max_retries: int = DEFAULT_MAX_RETRIES
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)

    @classmethod
    def checked(cls, *, timeout: float | None, max_retries: int, headers: Mapping[str, str] | None) -> Options:
        """Options, when they can be used.

        Raises:
            ConfigurationError: One cannot; the message says which.
        """
        try:
            seconds = check_timeout(timeout)
            sent = check_headers(headers)
        except InvalidInputError as error:
            raise ConfigurationError(str(error)) from None
        return cls(seconds, check_max_retries(max_retries), sent)


def check_timeout(value: object, name: str = "timeout") -> float | None:
    """Seconds, when they can be waited; None means no end.

    Raises:
        InvalidInputError: No number, not finite, or not above 0.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidInputError(f"{name} must be seconds as a number, or None for no limit, not {value!r}.")
    if not 0 < value <= LONGEST_TIMEOUT:
        raise InvalidInputError(f"{name} must be above 0 seconds and finite, not {value!r}. Use None for no limit.")
    return float(value)


def check_headers(headers: Mapping[str, str] | None) -> dict[str, str]:
    """Headers as a dict, when they can be sent.

    Raises:
        InvalidInputError: A name or value cannot; the message names the header and shows no value.
    """
    if headers is None:
        return {}
    if not isinstance(headers, Mapping):
        raise InvalidInputError(f"headers must be a mapping of str to str, not {type(headers).__name__}.")
    checked = Headers(headers)
    if "user-agent" in checked and not checked["user-agent"].strip():
        raise InvalidInputError("The header User-Agent is empty. Leave it out instead.")
    return dict(checked.pairs())
