"""Secret arguments of a call are removed from whatever a server echoes."""

from __future__ import annotations

import json
import pickle
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from simstudio import SimStudioError
from simstudio.core.secret_arguments import SecretArguments, redact_secrets
from simstudio.transport.flow import Flow
from simstudio.transport.secret import Secret
from tests.driving import play

PASSWORD = 'Zebra 47"11/ü'


@pytest.mark.parametrize(
    "values",
    [PASSWORD, [PASSWORD], {"a": PASSWORD}, {"a": [{"b": ("x", PASSWORD)}]}, [None, 5, PASSWORD]],
    ids=["text", "list", "mapping", "nested", "beside others"],
)
@pytest.mark.parametrize(
    "spell",
    [
        str,
        lambda text: json.dumps(text)[1:-1],
        lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
        quote_plus,
        lambda text: quote(text, safe=""),
    ],
    ids=["plain", "JSON in ASCII", "JSON", "query", "path"],
)
def test_a_secret_is_found_wherever_it_was_given_and_however_it_is_spelt(values: Any, spell: Any) -> None:
    secrets = SecretArguments(Secret(values))
    echo = f"<{spell(PASSWORD)}>"
    assert secrets.redact(echo) == "<***>"
    assert secrets.redact_bytes(echo.encode()) == b"<***>"


@pytest.mark.parametrize(("secret", "redacted"), [("abc", "abcd abc"), ("abcd", "*** abc")])
def test_texts_of_three_characters_stay_because_they_are_everywhere(secret: str, redacted: str) -> None:
    assert SecretArguments(Secret([secret, "", "a"])).redact("abcd abc") == redacted


def test_a_secret_within_another_leaves_no_rest_of_it() -> None:
    assert SecretArguments(Secret(["zebra", "zebra-4711"])).redact("zebra-4711, zebra") == "***, ***"


def test_they_leave_the_errors_of_their_call() -> None:
    def failing() -> Flow[None]:
        raise SimStudioError(f"Wrong: {PASSWORD}", details=[{"password": PASSWORD}])
        yield

    secrets = Secret({"password": PASSWORD})
    error: Any = play(redact_secrets(failing(), secrets)).error
    assert (str(error), error.details) == ("Wrong: ***", [{"password": "***"}])
    assert b"Zebra" not in pickle.dumps(error)
    assert "Zebra" not in repr(SecretArguments(secrets))
