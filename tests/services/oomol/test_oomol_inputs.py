"""The three forms of inputs, requests and options: what is sent, and what is refused before anything is."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from simstudio.errors import ConfigurationError, InvalidInputError
from simstudio.services.oomol import BackoffStrategy, OomolConnectClient
from simstudio.services.oomol.inputs import normalise, with_presets
from simstudio.services.oomol.options import polling
from tests.services.oomol.helpers import Canned, Clock, task

NODES = [{"nodeId": "node1", "inputs": [{"handle": "input1", "value": "value1"}]}]


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (
            {"input1": "value1", "input2": 123},
            [{"nodeId": "_", "inputs": [{"handle": "input1", "value": "value1"}, {"handle": "input2", "value": 123}]}],
        ),
        (
            [{"handle": "input1", "value": "value1"}, {"handle": "input2", "value": None}],
            [{"nodeId": "_", "inputs": [{"handle": "input1", "value": "value1"}, {"handle": "input2", "value": None}]}],
        ),
        (NODES, NODES),
        (tuple(NODES), NODES),
        ([{"nodeId": "n", "inputs": []}], [{"nodeId": "n", "inputs": []}]),
        ([{"nodeId": "n", "inputs": [], "more": 1}], [{"nodeId": "n", "inputs": [], "more": 1}]),
        ({}, []),
        ([], []),
        (None, None),
    ],
)
def test_three_forms_become_one(given: Any, sent: Any):
    assert normalise(given) == sent


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ("text", "inputValues must be"),
        (b"bytes", "inputValues must be"),
        (5, "inputValues must be"),
        ({1: "x"}, "a handle of inputValues"),
        ({"": "x"}, "a handle of inputValues"),
        ([{"handle": "a", "value": 1}, "text"], r"inputValues\[1\]"),
        ([{"handle": "a", "value": 1}, {"handle": "b"}], r"inputValues\[1\] has no 'value'"),
        ([{"handle": "a", "value": 1}, {"value": "b"}], r"inputValues\[1\] has no 'handle'"),
        ([{"handle": 3, "value": 1}], r"inputValues\[0\]\['handle'\]"),
        ([*NODES, {"handle": "a", "value": 1}], r"inputValues\[1\] has no nodeId"),
        ([{"handle": "a", "value": 1}, *NODES], r"inputValues\[0\] has no nodeId"),
        ([*NODES, {"nodeId": "", "inputs": []}], r"inputValues\[1\]\['nodeId'\]"),
        ([*NODES, {"nodeId": "n"}], r"inputValues\[1\]\['inputs'\] must be a list"),
        ([*NODES, {"nodeId": "n", "inputs": {"a": 1}}], r"inputValues\[1\]\['inputs'\] must be a list"),
        ([*NODES, {"nodeId": "n", "inputs": [{"handle": "a"}]}], r"inputValues\[1\]\['inputs'\]\[0\] has no 'value'"),
        ([*NODES, {"nodeId": "n", "inputs": [1]}], r"inputValues\[1\]\['inputs'\]\[0\] must be a dict"),
    ],
)
def test_every_element_is_looked_at_and_a_wrong_one_is_named(given: Any, place: str):
    with pytest.raises(InvalidInputError, match=place):
        normalise(given)


def test_what_the_caller_gave_is_left_as_it_was():
    given = [{"nodeId": "n", "inputs": [{"handle": "a", "value": 1}]}]
    sent = normalise(given)
    assert sent is not None
    sent[0]["inputs"].append("more")

    assert given == [{"nodeId": "n", "inputs": [{"handle": "a", "value": 1}]}]


@pytest.mark.parametrize(
    ("values", "sent"),
    [
        (None, [{"nodeId": "_", "inputs": [{"handle": "a", "value": 1}, {"handle": "b", "value": 2}]}]),
        ({"b": 3}, [{"nodeId": "_", "inputs": [{"handle": "a", "value": 1}, {"handle": "b", "value": 3}]}]),
        (
            [{"nodeId": "n", "inputs": [{"handle": "a", "value": 9}, {"handle": "b", "value": 9}]}],
            [{"nodeId": "n", "inputs": [{"handle": "a", "value": 9}, {"handle": "b", "value": 9}]}],
        ),
    ],
)
def test_presets_give_way_to_the_callers_inputs(values: Any, sent: Any):
    assert with_presets({"a": 1, "b": 2}, values) == sent


@pytest.mark.parametrize(
    ("request_", "place"),
    [
        ("a::b", "a dict such as"),
        ({}, "needs"),
        ({"blockId": None}, "needs"),
        ({"block_id": "a::b"}, "needs"),
        ({"blockId": ""}, "blockId must be"),
        ({"blockId": 5}, "blockId must be"),
        ({"manifest": " "}, "manifest must be"),
        ({"blockId": "a::b", "manifest": "c::d"}, "differ"),
        ({"blockId": "a::b", "inputValues": {"x": math.nan}}, "JSON"),
        ({"blockId": "a::b", "inputValues": {"x": object()}}, "JSON"),
        ({"blockId": "a::b", "inputValues": {"x": "\ud800"}}, "JSON"),
    ],
)
def test_a_request_that_cannot_be_sent_is_not(mode: str, request_: Any, place: str):
    server = Canned([task("created")])

    with pytest.raises(InvalidInputError, match=place):
        server.run(mode, lambda client: client.tasks.create(request_))
    assert server.requests == []


def test_further_keys_of_a_request_pass_through(mode: str):
    server = Canned([task("created")])
    server.run(mode, lambda client: client.tasks.create({"manifest": "a::b", "blockId": "a::b", "priority": 3}))

    assert json.loads(server.requests[0].content) == {"manifest": "a::b", "blockId": "a::b", "priority": 3}


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({}, "needs"),
        ({"block_id": "a::b", "manifest": "a::b"}, "not both"),
        ({"block_id": "a::b", "files": 5}, "int"),
        ({"block_id": "a::b", "files": object()}, "object"),
        ({"block_id": "a::b", "files": [("name",)]}, "1 elements"),
        ({"block_id": "a::b", "files": ("name", b"x", "no\r\nmedia type")}, "media type"),
    ],
)
def test_files_that_cannot_be_sent_are_not(mode: str, arguments: dict[str, Any], match: str):
    server = Canned([task("created")])

    with pytest.raises(InvalidInputError, match=match):
        server.run(mode, lambda client: client.tasks.create_with_files(**arguments))
    assert server.requests == []


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"interval": 5}, "interval"),
        ({"interval_ms": "5"}, "interval_ms"),
        ({"interval_ms": -1}, "interval_ms"),
        ({"interval_ms": math.nan}, "interval_ms"),
        ({"max_interval_ms": True}, "max_interval_ms"),
        ({"backoff_factor": 0.5}, "backoff_factor"),
        ({"backoff_factor": math.inf}, "backoff_factor"),
        ({"backoff_strategy": "linear"}, "backoff_strategy"),
        ({"on_progress": "text"}, "on_progress"),
        ({"on_log": 5}, "on_log"),
        ([("interval_ms", 5)], "a dict"),
    ],
)
def test_a_wrong_polling_option_is_named_and_nothing_is_started(mode: str, options: Any, name: str):
    server = Canned([task("created")])

    with pytest.raises(InvalidInputError, match=name):
        server.run(mode, lambda client: client.tasks.run({"blockId": "a::b"}, options))
    assert server.requests == []


def test_keywords_win_over_the_dict_of_options():
    chosen = polling({"interval_ms": 5, "timeout_ms": 7}, interval_ms=6, on_log=None)

    assert (chosen.interval_ms, chosen.timeout_ms, chosen.on_log) == (6, 7, None)


@pytest.mark.parametrize(
    ("options", "sleeps"),
    [
        ({}, [2.0, 3.0, 4.5, 6.75, 10.0]),
        ({"backoff_strategy": BackoffStrategy.EXPONENTIAL, "backoff_factor": 2.0}, [2.0, 4.0, 8.0, 10.0, 10.0]),
        ({"interval_ms": 1000, "max_interval_ms": 5000, "backoff_factor": 2}, [1.0, 2.0, 4.0, 5.0, 5.0]),
        ({"interval_ms": 500, "backoff_strategy": BackoffStrategy.FIXED}, [0.5] * 5),
        ({"interval_ms": 0}, [0.0] * 5),
    ],
)
def test_pauses_are_as_documented(mode: str, clock: Clock, options: dict[str, Any], sleeps: list[float]):
    server = Canned([*[task("running")] * 5, task()])
    server.run(mode, lambda client: client.tasks.wait_for_completion("t-1", options), clock=clock)

    assert clock.slept == sleeps


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"base_url": "localhost:3000/api"}, "base_url"),
        ({"base_url": "ftp://x"}, "base_url"),
        ({"base_url": ""}, "base_url"),
        ({"base_url": {"base_uri": "http://x"}}, "base_uri"),
        ({"base_url": {"base_url": "http://x"}, "api_token": "t"}, "not as both"),
        ({"api_token": ""}, "api_token"),
        ({"api_token": 5}, "api_token"),
        ({"api_token": "secret-token\n"}, "line end"),
        ({"applets_token": "gehéim"}, "applets_token"),
        ({"applets_url": "/rpc"}, "base_url"),
        ({"timeout": 0}, "timeout"),
        ({"default_headers": {"X A": "1"}}, "X A"),
        ({"default_headers": [("X-A", "1")]}, "mapping"),
    ],
)
def test_a_client_that_cannot_work_is_not_made(arguments: dict[str, Any], match: str):
    with pytest.raises(ConfigurationError, match=match) as caught:
        OomolConnectClient(**arguments)
    assert "secret-token" not in str(caught.value)


@pytest.mark.parametrize("name", ["", " ", None, 5])
def test_a_package_needs_a_name(mode: str, name: Any):
    server = Canned([{}])

    with pytest.raises(InvalidInputError, match="name"):
        server.run(mode, lambda client: client.packages.install(name))
    assert server.requests == []
