"""Keys and endpoint from the environment, and the two forms in which options of a run are passed."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping
from typing import Any

from simstudio.core.options import check_interval, from_environment
from simstudio.services.speedpix.errors import SpeedPixConfigurationError
from simstudio.transport.endpoint import check_base_url
from simstudio.transport.errors import ConfigurationError, InvalidInputError
from simstudio.transport.secret import Secret

DEFAULT_ENDPOINT = "https://openai.edu-aliyun.com"

_VARIABLES = {"app_key": "SPEEDPIX_APP_KEY", "app_secret": "SPEEDPIX_APP_SECRET"}


def setting(name: str, given: Secret[Any]) -> Secret[Any]:
    """The given key, else the environment variable.

    Raises:
        SpeedPixConfigurationError: The key is missing.
    """
    variable = _VARIABLES[name]
    value = from_environment(given, variable)
    if not value.reveal():
        raise SpeedPixConfigurationError(
            f"{name} is missing: set the environment variable {variable}, or pass {name}=."
        )
    return value


def check_endpoint(given: Secret[Any]) -> str:
    """The given base address, else the environment variable, else the address of the service.

    Raises:
        SpeedPixConfigurationError: The text is no base address.
    """
    try:
        return check_base_url(from_environment(given, "SPEEDPIX_ENDPOINT", DEFAULT_ENDPOINT))
    except ConfigurationError as error:
        raise SpeedPixConfigurationError(str(error).replace("base_url", "endpoint")) from None


def one_interval(polling_interval: float | None, poll_interval: float | None) -> float | None:
    """The pause between polls, from the service's own argument or the one of all services.

    Raises:
        InvalidInputError: Both are given, or the value is no number of seconds.
    """
    if polling_interval is not None and poll_interval is not None:
        raise InvalidInputError("polling_interval and poll_interval are the same: give one of them.")
    if polling_interval is not None:
        return check_interval(polling_interval, "polling_interval")
    return check_interval(poll_interval)


def unwrap(input: Any, **options: Any) -> dict[str, Any]:
    """Return the input and options of a run in either documented form.

    Args:
        input: Input of the workflow, or ``{"input": {…}, "alias_id": …}``.
        **options: Options that were given as keywords.
    """
    if not _holds_options(input, options):
        return {**options, "input": input}
    warnings.warn(
        'The input is taken for options, as it is {"input": {…}, …}: pass input= and the options by keywords. (A '
        'workflow with a field "input" of its own: nest it once more.)',
        DeprecationWarning,
        stacklevel=_callers_level(),
    )
    return {**options, **input}


def _holds_options(input: Any, options: Mapping[str, Any]) -> bool:
    if not isinstance(input, Mapping) or not isinstance(input.get("input"), dict):
        return False
    return all(name == "input" or name in options for name in input)


def _callers_level() -> int:
    """The stack level of the first frame outside this package, to which a warning refers."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("simstudio."):
        level, frame = level + 1, frame.f_back
    return level
