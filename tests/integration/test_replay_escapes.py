"""Every recorded exchange of the routes without a method of their own, through ``client.request``."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from typing import Any

import pytest

import simstudio as sim
from tests.integration import escapes
from tests.integration.replaying import V04, V06, Watch, body_of, client_options, play
from tests.integration.rules import assert_status_error
from tests.recorded import Recording, recording, recordings

FOUND = escapes.found()


def cases(wanted: Any) -> list[Any]:
    return [pytest.param(each, id=f"{key[0]}-{each}") for key, each in FOUND.items() if wanted(each)]


def content_of(recorded: Recording) -> Any:
    """What a 2xx answer becomes: JSON data, else bytes, else None."""
    if not recorded.body:
        return None
    try:
        return json.loads(recorded.body)
    except ValueError:
        return recorded.body


def ask(client: Any, recorded: Recording) -> Any:
    arguments = escapes.arguments(recorded)
    if recorded.request_body and escapes.is_json(recorded):
        arguments["json"] = body_of(recorded)
    return client.request(recorded.method, recorded.path, **arguments)


def options_of(recorded: Recording) -> tuple[Watch, dict[str, Any]]:
    """A client as the recorded caller's; a body that is no JSON is put in place by a middleware."""
    watch = Watch()
    if not escapes.is_json(recorded):
        watch = Watch(recorded.request_body, {"Content-Type": recorded.request_headers["Content-Type"]})
    return watch, {**client_options(recorded), "middleware": [watch]}


@pytest.mark.parametrize("recorded", cases(lambda recorded: recorded.status < 300))
def test_what_the_server_says_comes_back_as_data(mode, recorded):
    watch, options = options_of(recorded)

    data = play(mode, recorded, lambda client: ask(client, recorded), **options)

    assert data == content_of(recorded)
    assert type(data) is type(content_of(recorded))
    assert watch.sent[0].method == recorded.method


@pytest.mark.parametrize("recorded", cases(lambda recorded: recorded.status >= 300))
def test_what_the_server_refuses_is_an_error_with_its_words_and_details(mode, recorded):
    _, options = options_of(recorded)

    with pytest.raises(sim.APIStatusError) as raised:
        play(mode, recorded, lambda client: ask(client, recorded), **options)

    assert_status_error(raised.value, recorded)


def test_a_path_may_hold_its_query(mode):
    recorded = recording(V06, 96)

    data = play(mode, recorded, lambda client: client.request("get", f"{recorded.path}?status=paused"))

    assert data == content_of(recorded)


def test_an_empty_parameter_is_not_the_same_as_none(mode):
    empty, missing = recording(V06, 419), recording(V06, 95)

    data = play(mode, empty, lambda client: client.request("GET", empty.path, params={"status": ""}))
    with pytest.raises(sim.InvalidRequestError, match="Expected string, received null"):
        play(mode, missing, lambda client: client.request("GET", missing.path, params={"status": None}))

    assert data == content_of(empty)


@pytest.mark.parametrize(
    ("key", "shape"),
    [((V06, 154), dict), ((V06, 220), str), ((V06, 224), dict), ((V06, 261), dict)],
)  # fmt: skip
def test_details_are_kept_in_whichever_of_their_shapes_they_come(mode, key, shape):
    recorded = recording(*key)

    with pytest.raises(sim.InvalidRequestError) as raised:
        play(mode, recorded, lambda client: ask(client, recorded))

    assert isinstance(raised.value.details, list)
    assert {type(each) for each in raised.value.details} == {shape}


def hints(recorded: Recording) -> dict[str, str]:
    names = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "retry-after")
    return {name.lower(): value for name, value in recorded.headers if name.lower() in names}


@pytest.mark.parametrize("recorded", cases(lambda recorded: "x-ratelimit-limit" in hints(recorded)))
def test_the_rate_limit_of_an_answer_is_remembered_in_epoch_seconds(mode, recorded):
    said = hints(recorded)

    def script(client):
        with contextlib.suppress(sim.APIStatusError):
            yield ask(client, recorded)
        return client.get_rate_limit_info()

    info = play(mode, recorded, script, **client_options(recorded))

    reset = dt.datetime.fromisoformat(said["x-ratelimit-reset"].replace("Z", "+00:00"))
    assert (info.limit, info.remaining) == (int(said["x-ratelimit-limit"]), int(said["x-ratelimit-remaining"]))
    assert abs(info.reset - reset.timestamp()) < 1
    assert dt.datetime.fromtimestamp(info.reset, dt.timezone.utc)
    assert info.retry_after == (int(said["retry-after"]) if "retry-after" in said else None)


def test_some_recordings_have_such_hints_and_some_an_advice_to_wait():
    versioned = [each for name in (V06, V04) for each in recordings(name) if each.path.startswith("/api/v1/")]
    limited = [each for each in versioned if "retry-after" in hints(each)]

    assert {each.status for each in limited} == {429}
    assert len([each for each in versioned if "x-ratelimit-limit" in hints(each)]) > 20


@pytest.mark.parametrize("key", [(V06, 334), (V06, 335), (V04, 189), (V04, 209)])
def test_a_429_of_the_versioned_routes_says_how_long_to_wait(mode, key):
    recorded = recording(*key)

    with pytest.raises(sim.RateLimitError) as raised:
        play(mode, recorded, lambda client: ask(client, recorded), max_retries=0)

    assert raised.value.retry_after == float(hints(recorded)["retry-after"])
    assert f"Wait {raised.value.retry_after:g} s" in str(raised.value)


def test_a_downloaded_file_comes_as_bytes(mode):
    recorded = recording(V06, 277)

    def script(client):
        return client.with_raw_response.request("GET", recorded.path, params=recorded.query)

    response = play(mode, recorded, script)

    assert response.response.content == recorded.body
    assert response.headers["content-disposition"] == dict(recorded.headers)["content-disposition"]
