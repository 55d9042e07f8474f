"""The settings of a client: where they come from, and what is refused."""

from __future__ import annotations

import logging
import os
import platform
from collections.abc import Mapping
from typing import Final, Literal, cast

import attrs

from simstudio._version import __version__
from simstudio.transport.auth import Anonymous, Credentials
from simstudio.transport.endpoint import check_base_url
from simstudio.transport.errors import ConfigurationError, InvalidInputError
from simstudio.transport.message import Headers
from simstudio.transport.retry import check_max_retries

DEFAULT_BASE_URL: Final = "https://sim.ai"
DEFAULT_TIMEOUT: Final = 30.0
DEFAULT_MAX_RETRIES: Final = 2
LONGEST_TIMEOUT: Final = 1e9
"""Seconds (31 years). Sockets and clocks of some systems overflow beyond."""

APIVersion = Literal["v1", "v2"]


class Unset:
    """The type of :data:`UNSET`."""

    def __repr__(self) -> str:
        return "UNSET"

    def __reduce__(self) -> str:
        return "UNSET"


UNSET: Final = Unset()
"""In place of an argument: leave it as the client has it. (None means something: no limit, or JSON's null.)"""


def user_agent() -> str:
    """What the client calls itself. Sim refuses requests without a User-Agent (recording 025)."""
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
        raise InvalidInputError("The header User-Agent is empty; Sim refuses such requests. Leave it out instead.")
    return dict(checked.pairs())


def resolve_api_key(api_key: str | Anonymous | None) -> str | Anonymous:
    """The given key, or that of ``SIM_API_KEY``.

    Raises:
        ConfigurationError: There is none, or it cannot be sent.
    """
    if api_key is None:
        api_key = os.environ.get("SIM_API_KEY")
        if not api_key:
            raise ConfigurationError(
                "No API key. Set the environment variable SIM_API_KEY, or pass api_key= "
                "(api_key=simstudio.ANONYMOUS calls public workflows without one)."
            )
    return Credentials.check(api_key)


def resolve_base_url(base_url: str | None) -> str:
    """The given base address, or that of ``SIM_BASE_URL``, or Sim's own."""
    return check_base_url(base_url if base_url is not None else os.environ.get("SIM_BASE_URL") or DEFAULT_BASE_URL)


def resolve_api_version(api_version: str | None) -> APIVersion:
    """The given version, or that of ``SIM_API_VERSION``, or ``v1``.

    Raises:
        ConfigurationError: It is neither ``v1`` nor ``v2``.
    """
    version = api_version if api_version is not None else os.environ.get("SIM_API_VERSION") or "v1"
    if version not in ("v1", "v2"):
        raise ConfigurationError(f'api_version must be "v1" or "v2", not {version!r}.')
    return cast("APIVersion", version)


def warn_of_ignored_settings() -> None:
    """Log that ``SIM_WIRE`` is set, which chose a wire in version 0.1 and means nothing now."""
    if os.environ.get("SIM_WIRE"):
        logging.getLogger("simstudio.transport").warning(
            "SIM_WIRE is ignored: there is one wire. Pass http_client= to send with another HTTP client."
        )
