from __future__ import annotations

import copy
import inspect
import pickle
from typing import Any

import cloudpickle
import pytest

import simstudio
from simstudio import errors
from simstudio.errors import SimStudioError, status_error_class
from simstudio.models.execution import WorkflowExecutionResult
from simstudio.models.jobs import Job
from simstudio.transport.message import Attempt
from tests.driving import answer

CLASSES = sorted(
    (kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, SimStudioError)),
    key=lambda kind: kind.__name__,
)
each = pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)


def full(kind: type[SimStudioError]) -> SimStudioError:
    """One with everything an error of its class may have."""
    response = answer(500, {"error": "x"}, headers={"X-Request-Id": "r1"})
    error = kind(
        "It failed",
        "CODE",
        500,
        details=[{"a": 1}],
        server_code="ITS_OWN",
        response=response,
        history=(Attempt(1, answer(429), None, 0.5), Attempt(2, None, errors.APIConnectionError("dropped"), 1.0)),
    )
    error.task_id = "t1"
    for name, value in {
        "host": "sim.test",
        "port": 443,
        "sent": False,
        "partial": "Hel",
        "retry_after": 5.0,
        "result": WorkflowExecutionResult(False, error="x"),
        "job": Job("t1", "failed"),
    }.items():
        if hasattr(error, name):
            setattr(error, name, value)
    return error


@each
@pytest.mark.parametrize(
    "through",
    [lambda e: pickle.loads(pickle.dumps(e)), lambda e: pickle.loads(cloudpickle.dumps(e)), copy.copy, copy.deepcopy],
    ids=["pickle", "cloudpickle", "copy", "deepcopy"],
)
def test_each_comes_back_with_all_it_says(kind: type[SimStudioError], through: Any) -> None:
    error = full(kind)
    made = through(error)
    assert type(made) is kind
    assert (str(made), made.code, made.status, made.details, made.server_code) == (
        "It failed",
        "CODE",
        500,
        [{"a": 1}],
        "ITS_OWN",
    )
    assert (made.request_id, made.task_id, made.response.json()) == ("r1", "t1", {"error": "x"})
    assert [(attempt.number, attempt.status, attempt.delay) for attempt in made.history] == [
        (1, 429, 0.5),
        (2, None, 1.0),
    ]
    for name in ("host", "port", "sent", "partial", "retry_after", "result", "job"):
        assert getattr(made, name, None) == getattr(error, name, None), name


@each
def test_each_is_made_of_a_message_a_code_and_a_status(kind: type[SimStudioError]) -> None:
    error = kind("It failed")
    assert str(error) == "It failed"
    assert (error.status, error.details, error.response, error.request_id, error.history) == (
        None,
        None,
        None,
        None,
        (),
    )
    error = kind("It failed", "CODE", 500)
    assert (error.code, error.status) == ("CODE", 500)
    assert kind("It failed", code="CODE", status=500).code == "CODE"


@each
def test_each_is_documented_and_public(kind: type[SimStudioError]) -> None:
    assert kind.__doc__
    assert getattr(simstudio, kind.__name__) is kind
    assert kind.__name__ in simstudio.__all__


def test_the_tree() -> None:
    parents = {kind.__name__: [base.__name__ for base in kind.__bases__] for kind in CLASSES}
    status = ["APIStatusError"]
    assert parents == {
        "SimStudioError": ["Exception"],
        "ConfigurationError": ["SimStudioError"],
        "InvalidInputError": ["SimStudioError", "ValueError"],
        "APIConnectionError": ["SimStudioError"],
        "APITimeoutError": ["APIConnectionError"],
        "APIStatusError": ["SimStudioError"],
        "AuthenticationError": status,
        "UsageLimitExceededError": status,
        "PermissionDeniedError": status,
        "NotFoundError": status,
        "APIVersionError": ["NotFoundError"],
        "ConflictError": status,
        "InvalidRequestError": status,
        "LockedError": status,
        "RateLimitError": status,
        "ServerError": status,
        "ExecutionError": ["SimStudioError"],
        "ExecutionTimeoutError": ["ExecutionError", "APITimeoutError"],
        "JobFailedError": ["ExecutionError"],
        "JobCancelledError": ["JobFailedError"],
        "JobExecutionTimeoutError": ["JobFailedError", "ExecutionTimeoutError"],
        "DeploymentFailedError": ["SimStudioError"],
        "DeploymentTimeoutError": ["JobTimeoutError"],
        "BulkWriteError": ["SimStudioError"],
        "JobNotDoneError": ["SimStudioError"],
        "JobTimeoutError": ["SimStudioError"],
        "StreamError": ["SimStudioError"],
        "InvalidResponseError": ["SimStudioError"],
        "MissingFieldError": ["SimStudioError", "AttributeError"],
        "LedgerError": ["SimStudioError"],
        "InputChangedError": ["LedgerError"],
        "ResultsError": ["SimStudioError"],
        "TooManyFailuresError": ["SimStudioError"],
        "BudgetError": ["SimStudioError"],
    }


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.APITimeoutError, "TIMEOUT"),
        (errors.ExecutionTimeoutError, "TIMEOUT"),
        (errors.JobTimeoutError, "TIMEOUT"),
        (errors.ExecutionError, "EXECUTION_ERROR"),
        (errors.JobFailedError, "EXECUTION_ERROR"),
        (errors.JobCancelledError, "EXECUTION_ERROR"),
        (errors.JobExecutionTimeoutError, "TIMEOUT"),
        (errors.StreamError, None),
        (errors.SimStudioError, None),
    ],
)
def test_documented_codes_are_the_classes_own(kind: type[SimStudioError], code: str | None) -> None:
    assert kind("x").code == code


def test_each_status_has_a_class() -> None:
    for status in range(100, 600):
        kind = status_error_class(status)
        assert issubclass(kind, errors.APIStatusError)
        assert (kind is errors.ServerError) is (status >= 500)


def test_an_error_can_be_raised_and_caught_as_the_standard_ones_it_stands_for() -> None:
    with pytest.raises(ValueError, match="bad"):
        raise errors.InvalidInputError("bad")
    with pytest.raises(errors.APITimeoutError):
        raise errors.ExecutionTimeoutError("late")


def test_a_cause_survives_notes_and_reraising() -> None:
    error = errors.StreamError("broke off", partial="Hel")
    error.__cause__ = errors.APIConnectionError("dropped")
    with pytest.raises(errors.StreamError) as caught:
        raise error
    assert caught.value is error
    assert isinstance(caught.value.__cause__, errors.APIConnectionError)
