"""The facts about Sim that its client passes to ``core`` and ``transport``, and its environment variables."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from simstudio.core.options import from_environment
from simstudio.core.session import Service
from simstudio.resources.advice import advise
from simstudio.transport.errors import ConfigurationError
from simstudio.transport.secret import Secret

if TYPE_CHECKING:
    from simstudio.core.resource import APIResource
    from simstudio.transport.errors import NotFoundError
    from simstudio.transport.flow import Flow

DEFAULT_BASE_URL: Final = "https://sim.ai"
LOG_VARIABLE: Final = "SIM_LOG"
KEY_HEADER: Final = "X-API-Key"
KEY_PATTERN: Final = r"\b(?:sk-)?sim[_-][A-Za-z0-9_-]{8,}"
"""Regular expression that matches Sim's API keys, to redact them in logs and errors."""
KEEP_ALIVE_SECONDS: Final = 4.0
"""Seconds for which an idle connection is kept; Sim closes idle connections after 5 s."""

SHOWN_HEADERS: Final = frozenset({"x-execution-id", "x-execution-mode", "x-run-id", "x-stream-response"})
"""Sim's headers whose values may be logged."""

APIVersion = Literal["v1", "v2"]


def _explain_not_found(resource: APIResource[Any], error: NotFoundError) -> Flow[None]:
    from simstudio.resources.v2.gate import explain_not_found

    return explain_not_found(resource, error)


SIM: Final = Service(
    error_codes={401: "UNAUTHORIZED", 402: "USAGE_LIMIT_EXCEEDED", 429: "RATE_LIMIT_EXCEEDED"},
    advice=advise,
    explain_not_found=_explain_not_found,
    key_header=KEY_HEADER,
)


def check_api_key(api_key: Secret[Any]) -> Secret[Any]:
    """Return the API key if it is not empty.

    Raises:
        ConfigurationError: The key is empty.
    """
    if isinstance(api_key.reveal(), str) and not api_key.reveal().strip():
        raise ConfigurationError(
            "api_key is empty. Set SIM_API_KEY, pass api_key=, or pass api_key=simstudio.ANONYMOUS."
        )
    return api_key


def resolve_api_key(api_key: Secret[Any]) -> Secret[Any]:
    """The given API key, or else the value of ``SIM_API_KEY``.

    Raises:
        ConfigurationError: No key is set, or the key is empty.
    """
    if api_key.reveal() is None:
        api_key = from_environment(api_key, "SIM_API_KEY")
        if api_key.reveal() is None:
            raise ConfigurationError(
                "No API key. Set the environment variable SIM_API_KEY, or pass api_key= "
                "(api_key=simstudio.ANONYMOUS calls public workflows without one)."
            )
    return check_api_key(api_key)


def resolve_base_url(base_url: Secret[Any]) -> Secret[Any]:
    """The given base URL, or else the value of ``SIM_BASE_URL``, or else ``https://sim.ai``; unchecked."""
    return from_environment(base_url, "SIM_BASE_URL", DEFAULT_BASE_URL)


def resolve_api_version(api_version: str | None) -> APIVersion:
    """The given API version, or else the value of ``SIM_API_VERSION``, or else ``v1``.

    Raises:
        ConfigurationError: The version is neither ``v1`` nor ``v2``.
    """
    version = from_environment(Secret(api_version), "SIM_API_VERSION", "v1").reveal()
    if version not in ("v1", "v2"):
        raise ConfigurationError(f'api_version must be "v1" or "v2", not {version!r}.')
    return cast("APIVersion", version)


def warn_of_ignored_settings() -> None:
    """Log a warning if ``SIM_WIRE`` is set: version 0.1 read it, this version does not."""
    if os.environ.get("SIM_WIRE"):
        logging.getLogger("simstudio.transport").warning(
            "SIM_WIRE is ignored: there is one wire. Pass http_client= to send with another HTTP client."
        )
