"""The exceptions of a service that are also those of the shared tree."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from simstudio.core.error_family import ErrorFamily, combine, translate
from simstudio.transport.errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    InvalidResponseError,
    NotFoundError,
    RateLimitError,
    SimStudioError,
)


class ThingError(SimStudioError):
    """Base of a service's errors."""


class ThingStatusError(ThingError, APIStatusError):
    """An error status."""


class ThingLimitError(ThingStatusError, RateLimitError):
    """429."""


class ThingConnectionError(ThingError, APIConnectionError):
    """No answer."""


class ThingTimeoutError(ThingConnectionError, APITimeoutError):
    """No answer in time."""


class AccountError(ThingError):
    """About an account, whatever the status."""


FAMILY = ErrorFamily(ThingError, ThingStatusError)


class LaterError(ThingError, NotFoundError):
    """Made by a user of the service's client."""


@pytest.mark.parametrize(
    ("status", "kind"),
    [(429, ThingLimitError), (404, ThingStatusError), (500, ThingStatusError), (418, ThingStatusError)],
)
def test_a_status_has_the_class_of_the_service_or_its_class_for_all_others(status: int, kind: type[ThingError]):
    assert FAMILY.status_class(status) is kind


def test_a_connection_error_is_raised_as_the_service_s_own_with_all_it_knows():
    error = APITimeoutError("late", host="h", port=1, sent=False)
    error.task_id = "t"

    with pytest.raises(ThingTimeoutError, match="late") as caught, FAMILY.raise_own():
        raise error
    found = caught.value
    assert (found.host, found.port, found.sent, found.code, found.task_id) == ("h", 1, False, "TIMEOUT", "t")
    assert found.__cause__ is error


class OwnError(APIConnectionError):
    """Of a middleware."""


@pytest.mark.parametrize(
    "error",
    [OwnError("mine"), InvalidResponseError("no class of the service"), ThingConnectionError("own"), KeyError("x")],
)
def test_what_the_family_does_not_know_stays_what_it_is(error: Exception):
    with pytest.raises(type(error)) as caught, FAMILY.raise_own():
        raise error
    assert caught.value is error


def test_a_translated_error_keeps_its_own_defaults_where_nothing_is_known():
    found = translate(APIConnectionError("dropped"), ThingTimeoutError, "The thing: dropped")

    assert (str(found), found.code, found.sent) == ("The thing: dropped", "TIMEOUT", True)


@pytest.mark.parametrize(("family", "name"), [(ThingError, "ThingErrorRateLimitError"), (AccountError, "AccountError")])
def test_a_combined_error_is_both_and_is_copied_with_its_class(family: type[ThingError], name: str):
    kind: Any = combine(family, RateLimitError)
    error = kind("slow", status=429)
    error.retry_after = 3.0

    for made in (error, copy.copy(error), copy.deepcopy(error), pickle.loads(pickle.dumps(error))):
        assert type(made) is kind is combine(family, RateLimitError)
        assert (type(made).__name__, str(made), made.status, made.retry_after) == (name, "slow", 429, 3.0)
        assert isinstance(made, family)
    assert combine(ThingLimitError, RateLimitError) is ThingLimitError
