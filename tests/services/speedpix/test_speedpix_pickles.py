"""Clones, pickles and copies: what they keep, and that none but a client's holds a secret."""

from __future__ import annotations

import asyncio
import base64
import builtins
import copy
import pickle
import traceback
from pathlib import Path
from typing import Any

import httpx
import pytest

import simstudio
from simstudio import APIResponse, ConfigurationError
from simstudio.sandbox.services.speedpix import SpeedPixSandbox, SpeedPixServer
from simstudio.services.speedpix import (
    AsyncClient,
    Client,
    PredictionError,
    SpeedPixPermissionDeniedError,
)
from tests.modes import both_modes
from tests.scripts import reached
from tests.services.speedpix.helpers import KEY, NONCE, SECRET, fixed_clock, fixed_nonce, keys, run

# --- clones, raw responses, pickles -----------------------------------------------------------------------------------


@both_modes
def test_a_clone_has_other_options_and_closes_nothing(mode: str, server: SpeedPixServer):
    def script(client: Any) -> Any:
        clone = client.with_options(timeout=5.0, headers={"X-Mine": "1"})
        yield clone.run("echo", {})
        yield clone.close()
        return (yield client.run("echo", {"a": 1})), clone.timeout

    assert run(mode, script, **keys(server)) == ({"a": 1}, 5.0)
    assert server.requests[0].headers["x-mine"] == "1"


@both_modes
def test_raw_responses_come_with_the_result(mode: str, server: SpeedPixServer):
    def script(client: Any) -> Any:
        return client.with_raw_response.run("echo", {"a": 1})

    raw = run(mode, script, **keys(server))

    assert isinstance(raw, APIResponse)
    assert (raw.status, raw.parse()) == (200, {"a": 1})


@both_modes
def test_a_pickled_client_works(mode: str, here: Path):
    with SpeedPixSandbox(clock=fixed_clock).serve() as server:
        check_a_pickled_client(mode, server, here)


def check_a_pickled_client(mode: str, server: SpeedPixServer, here: Path) -> None:
    kind: Any = {"sync": Client, "async": AsyncClient}[mode]
    client = kind(
        **keys(server), upload_root=here, upload_paths=False, user_agent="mine", clock=fixed_clock, nonce=fixed_nonce
    )
    copied = pickle.loads(pickle.dumps(client))

    assert type(copied) is kind
    assert (copied.endpoint, copied.user_agent) == (server.base_url, "mine")
    assert pickle.loads(pickle.dumps(client.predictions.get)).__name__ == "get"
    assert type(pickle.loads(pickle.dumps(client.with_raw_response))) is type(client.with_raw_response)
    begun = copied.predictions.create("echo", {"image": "./in.png"})
    assert (asyncio.run(begun) if mode == "async" else begun).id == "task-1"
    assert b'"./in.png"' in server.requests[0].body
    assert server.requests[0].headers["x-ca-nonce"] == NONCE


def test_a_client_that_cannot_be_pickled_says_why():
    with pytest.raises(ConfigurationError, match="this nonce= cannot be pickled"):
        pickle.dumps(Client(KEY, SECRET, nonce=lambda: "x"))
    with pytest.raises(ConfigurationError, match="http_client"):
        pickle.dumps(Client(KEY, SECRET, http_client=httpx.Client()))


def test_a_pickled_prediction_is_a_record_without_a_client(mode: str, server: SpeedPixServer):
    def script(client: Any) -> Any:
        prediction = yield client.predictions.create("paint", {"a": 1})
        return (yield prediction.wait())

    prediction = run(mode, script, **keys(server))
    data = pickle.dumps(prediction)
    record = pickle.loads(data)

    assert server.sandbox.app_secret.encode() not in data
    assert (record.id, record.status, record.input, record.done) == ("task-1", "succeeded", {"a": 1}, True)
    assert record.output == prediction.output
    assert record.output["images"]["url"].read() == b"PNGDATA"
    for call in (record.reload, record.wait, record.result):
        with pytest.raises(ConfigurationError, match=r"predictions\.get"):
            call()


OLD_TIMEOUT = (
    "gASViwEAAAAAAACMJnNpbXN0dWRpby5zZXJ2aWNlcy5zcGVlZHBpeC5wcmVkaWN0aW9ulIwWUHJlZGljdGlvblRpbWVvdXRFcnJvcpSTlIwr"
    "VGhlIHByZWRpY3Rpb24gdC0xIHdhcyBub3QgZG9uZSB3aXRoaW4gNSBzLpSFlFKUfZQojARjb2RllIwHVElNRU9VVJSMBnN0YXR1c5ROjAdk"
    "ZXRhaWxzlE6MC3NlcnZlcl9jb2RllE6MCHJlc3BvbnNllE6MB2hpc3RvcnmUKYwDam9ilE6MB3Rhc2tfaWSUjAN0LTGUjApwcmVkaWN0aW9u"
    "lGgAjAlfcmVzdG9yZWSUk5RoEH2UKIwCaWSUaBCMBWlucHV0lH2UjAFhlEsBc4wGb3V0cHV0lE6MBWVycm9ylE6MCmVycm9yX2NvZGWUTowJ"
    "aW52b2tlX2lklE6MCHByb2dyZXNzlE6MA2V0YZROjAdtZXNzYWdllE6MB19zdGF0dXOUjAd1bmtub3dulIwJX2VzdGltYXRllE51hpRSlHVi"
    "Lg=="
)
"""A PredictionTimeoutError that was pickled before it was also the builtin TimeoutError."""


def test_an_error_of_an_earlier_version_is_loaded():
    error = pickle.loads(base64.b64decode(OLD_TIMEOUT))

    assert isinstance(error, builtins.TimeoutError)
    assert (str(error), error.task_id) == ("The prediction t-1 was not done within 5 s.", "t-1")
    assert (error.prediction.id, error.prediction.input) == ("t-1", {"a": 1})


def test_an_error_carries_no_secret(mode: str, sandbox: SpeedPixSandbox):
    secret = sandbox.app_secret
    sandbox.workflow("leak")(leaking(secret))
    with sandbox.serve() as server:
        errors = [
            failure(mode, server, lambda client: client.run("leak", {})),
            failure(mode, server, lambda client: client.files.create(Path("nothing"))),
        ]
        sandbox.faults.add(status=500, body=f"your secret is {secret}", headers={"x-ca-error-message": secret})
        errors.append(failure(mode, server, lambda client: client.post("/scc/any", {})))
        sandbox.faults.add(status=200, body={"status": 20, "errMessage": f"{secret} https://x.test/a?key=1"})
        errors.append(failure(mode, server, lambda client: client.run("echo", {})))

    for error in errors:
        text = everything(error)
        assert secret not in text
        assert "key=1" not in text


def leaking(secret: str) -> Any:
    """A workflow whose failure says the secret."""

    def workflow(input: dict[str, Any]) -> None:
        raise ValueError(f"the secret is {secret}, see https://x.test/a?key=1")

    return workflow


def failure(mode: str, server: SpeedPixServer, script: Any) -> BaseException:
    """What a script raises."""
    with pytest.raises(simstudio.SimStudioError) as caught:
        run(mode, script, **keys(server), max_retries=0)
    return caught.value


def everything(error: BaseException) -> str:
    """All that a program may print, log or send on of an error."""
    texts = [str(error), repr(error), "".join(traceback.format_exception(error)), repr(vars(error))]
    for copied in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(copied) is type(error)
        texts += [str(copied), pickle.dumps(copied).decode("latin-1")]
    response = getattr(error, "response", None)
    if response is not None:
        texts += [response.text, str(dict(response.headers)), response.url]
    return "\n".join(texts)


def test_a_pickled_error_keeps_what_was_said(mode: str, server: SpeedPixServer):
    error: Any = failure(mode, server, lambda client: client.run("fail", {"message": "boom", "code": "N6"}))
    copied = pickle.loads(pickle.dumps(error))

    assert isinstance(copied, PredictionError)
    assert isinstance(copied, simstudio.JobFailedError)
    assert (copied.error_code, copied.task_id, copied.prediction.error) == ("N6", "task-1", "boom")
    server.sandbox.faults.add(status=403, headers={"x-ca-error-code": "A403IS"}, body=b"")
    refused: Any = failure(mode, server, lambda client: client.run("echo", {}))
    assert isinstance(pickle.loads(pickle.dumps(refused)), SpeedPixPermissionDeniedError)
    assert pickle.loads(pickle.dumps(refused)).gateway_code == "A403IS"


def test_no_repr_shows_a_secret(server: SpeedPixServer):
    with server.client() as client:
        prediction = client.run("echo", {"a": "https://x.test/a?key=1"}, wait=False)
        things = [
            client,
            client.predictions,
            client.run,
            client.async_run,
            prediction,
            *reached(client),
        ]
        shown = " ".join(map(repr, things))

    assert server.sandbox.app_secret not in shown
    assert "key=1" not in shown
