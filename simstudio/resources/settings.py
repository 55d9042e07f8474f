"""Sim's settings: the facts about Sim that its client hands down to `core` and `transport`, and its environment."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from simstudio.core.service import Service
from simstudio.errors import ConfigurationError
from simstudio.transport.auth import Anonymous, Credentials
from simstudio.transport.endpoint import check_base_url

if TYPE_CHECKING:
    from simstudio.core.resource import APIResource
    from simstudio.transport.errors import NotFoundError
    from simstudio.transport.flow import Flow

DEFAULT_BASE_URL: Final = "https://sim.ai"
LOG_VARIABLE: Final = "SIM_LOG"
KEY_PATTERN: Final = r"\b(?:sk-)?sim[_-][A-Za-z0-9_-]{8,}"
"""What looks like one of Sim's API keys."""
KEEP_ALIVE_SECONDS: Final = 4.0
"""How long an idle connection is kept: Sim closes its own after 5 s."""

SHOWN_HEADERS: Final = frozenset({"x-execution-id", "x-execution-mode", "x-run-id", "x-stream-response"})
"""Headers of Sim whose values may be logged."""

APIVersion = Literal["v1", "v2"]


def _explain_not_found(resource: APIResource[Any], error: NotFoundError) -> Flow[None]:
    from simstudio.resources.v2.gate import explain

    return explain(resource, error)


SIM: Final = Service(
    error_codes={401: "UNAUTHORIZED", 402: "USAGE_LIMIT_EXCEEDED", 429: "RATE_LIMIT_EXCEEDED"},
    advice={
        401: "Check the API key (api_key= or SIM_API_KEY) and that it belongs to this server.",
        402: "Raise the limit or wait for the next period; client.usage.limits() shows both.",
        403: "Check that the workflow is deployed and that the key may use it.",
        404: "Check the id and base_url.",
        405: "Check the method and the path.",
        413: "Send less; Sim takes 10 MiB.",
    },
    explain_not_found=_explain_not_found,
)


def check_api_key(api_key: str | Anonymous) -> str | Anonymous:
    """Return the key if it can be sent.

    Raises:
        ConfigurationError: The key is empty or holds characters that no header may hold.
    """
    if isinstance(api_key, str) and not api_key.strip():
        raise ConfigurationError(
            "api_key is empty. Set SIM_API_KEY, pass api_key=, or pass api_key=simstudio.ANONYMOUS."
        )
    return Credentials.check(api_key)


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
    return check_api_key(api_key)


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
