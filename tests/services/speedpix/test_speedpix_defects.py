"""The known defects of the original, by their numbers in the notes on the service: none of them comes back.

Where a sample shows the defect, its canned answers are what our client gets too.
"""

from __future__ import annotations

import json
import locale
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import simstudio
from simstudio import APIStatusError, InvalidInputError
from simstudio.core.conversion import structure
from simstudio.sandbox.services.speedpix import SpeedPixServer
from simstudio.services.speedpix import (
    Client,
    File,
    FileOutput,
    Prediction,
    SpeedPixException,
    SpeedPixPermissionDeniedError,
    SpeedPixRefusedError,
    SpeedPixResponseError,
    UnsupportedOperationError,
)
from simstudio.services.speedpix.credentials import format_date
from simstudio.services.speedpix.outputs import wrap_output
from tests.modes import both_modes
from tests.services.speedpix.helpers import (
    HOST,
    KEY,
    SECRET,
    as_recorded,
    assert_signed,
    keys,
    replay,
    run,
    sample,
    samples,
)

SHOWN = {
    "10", "13", "15", "16", "18", "19", "20", "21", "24", "25", "34", "38", "39", "40", "42", "46", "49", "52", "54",
    "55", "57", "60", "62", "63", "64", "66", "68", "69", "72", "73", "httpx", "unpinned",
}  # fmt: skip
"""The samples of defects, each of which has a test below."""


def test_every_sample_of_a_defect_has_a_test():
    text = "".join(file.read_text(encoding="utf-8") for file in Path(__file__).parent.glob("test_speedpix_defects*.py"))
    named = {name.partition("-")[0].partition("_")[0] for name in samples("defect")}

    assert named <= SHOWN
    assert all(f"# {number}" in text or f'"{number}' in text for number in SHOWN)


def error_of(mode: str, name: str, script: Any, **options: Any) -> Any:
    """What a script against a sample's answers raises."""
    with pytest.raises(SpeedPixException) as caught:
        replay(mode, name, script, **options)
    return caught.value


def running(client: Any) -> Any:
    return client.run("wf-1", {"a": 1})


def beginning(client: Any) -> Any:
    return client.predictions.create("wf-1", {"a": 1})


# --- 1: a dependency decided whether replies could be read ------------------------------------------------------------


@pytest.mark.parametrize("name", ["unpinned-dw1-02_run", "unpinned-dw1-14_snake_case_reply", "unpinned-dw1-27"])
def test_1_both_spellings_of_replies_are_understood(mode: str, name: str, here: Path):
    calls = {
        "unpinned-dw1-02_run": lambda client: client.run("wf-1", {"prompt": "一幅画", "steps": 20, "strength": 0.8}),
        "unpinned-dw1-14_snake_case_reply": running,
        "unpinned-dw1-27": lambda client: client.files.create("./in.png"),
    }
    golden = sample(name.removeprefix("unpinned-dw1-"))

    result, _ = replay_with_rest(mode, name, golden.name, calls[name])

    assert as_recorded(result) == golden.outcome


def replay_with_rest(mode: str, name: str, golden: str, call: Any) -> Any:
    """The original stopped where it could not read an answer; the answers after it are those of the golden sample."""
    assert sample(name).interactions[0] == sample(golden).interactions[0]
    return replay(mode, golden, call)


def test_1_an_envelope_s_error_keeps_its_code_in_snake_case(mode: str, server: SpeedPixServer):
    body = {"status": 20, "err_code": "E", "err_message": "bad", "sub_err_code": "S", "api_invoke_id": "inv-9"}
    server.sandbox.faults.add(status=200, body=body, path="/scc/comfy_prompt")

    with pytest.raises(SpeedPixRefusedError, match="bad") as caught:
        run(mode, beginning, **keys(server))

    assert (caught.value.err_code, caught.value.error_code, caught.value.invoke_id) == ("E", "S", "inv-9")


# --- 2: what was signed was not what was sent -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["10_prediction_get_running", "70_post_floats", "27_files_create_str"])
def test_2_exactly_the_sent_bytes_are_signed(mode: str, name: str, here: Path):  # httpx-0.27
    data = {"f": 1e-07, "g": 1.0, "u": "é \u2028", "n": None, "l": [1, {"k": "v"}]}
    calls = {
        "10_prediction_get_running": lambda client: client.predictions.get("task-1"),
        "70_post_floats": lambda client: client.post("/scc/x", data),
        "27_files_create_str": lambda client: client.files.create("./in.png"),
    }

    _, sent = replay(mode, name, calls[name])

    assert_signed(sent[0].headers, "POST", sent[0].path, sent[0].body)


def test_2_an_empty_object_is_digested_as_it_is_sent(mode: str):  # 69
    _, (sent,) = replay(mode, "69_post_empty_object", lambda client: client.post("/scc/x", json={}))

    assert sent.body == b"{}"
    assert_signed(sent.headers, "POST", "/scc/x", b"{}")


def test_2_the_method_that_is_sent_is_signed(mode: str):  # 68
    _, (sent,) = replay(mode, "68_request_get", lambda client: client.request("GET", "/scc/x"))

    assert_signed(sent.headers, "GET", "/scc/x", b"")


def test_2_a_caller_s_headers_cannot_take_the_place_of_signed_ones(mode: str, server: SpeedPixServer):
    given = {"x-ca-nonce": "mine", "Date": "today", "content-md5": "x", "Accept": "text/html", "X-Ca-Key": "other"}

    answer = run(mode, lambda client: client.post("/scc/any", {"a": 1}, given), **keys(server))

    assert answer.json()["data"] == {"a": 1}
    assert server.requests[0].headers["accept"] == "text/html"  # a caller may say this; then it is what is signed
    assert server.requests[0].headers["x-ca-nonce"] != "mine"


def test_2_the_path_prefix_of_the_endpoint_is_signed_too(mode: str, server: SpeedPixServer):
    prefixed = {**keys(server), "endpoint": f"{server.base_url}/scc/sub"}

    assert run(mode, lambda client: client.post("/x?b=2&a=1", {"k": "v"}), **prefixed).status == 200
    assert server.requests[0].path == "/scc/sub/x"


def test_2_a_trailing_slash_of_the_endpoint_doubles_none(mode: str):  # 73
    _, (sent,) = replay_slash(mode)

    assert sent.path == "/scc/x"
    assert_signed(sent.headers, "POST", "/scc/x", b'{"a":1}')


def replay_slash(mode: str) -> Any:
    answers = sample("67_invoke").interactions[0]["response"]
    assert sample("73_endpoint_trailing_slash").interactions[0]["response"] == answers
    return replay(mode, "67_invoke", lambda client: client.post("/scc/x", json={"a": 1}), endpoint=f"{HOST}/")


def test_2_a_path_that_would_be_sent_otherwise_than_it_is_signed_is_refused(mode: str):
    for path in ("/scc/../x", "/scc/100%", "/./x"):
        with pytest.raises(InvalidInputError, match="sent as it is signed"):
            run(mode, lambda client, path=path: client.post(path, {}))
        with pytest.raises(InvalidInputError, match="sent as it is signed"):
            run(mode, lambda client, path=path: client.request("GET", path))


# --- 12 to 16 ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda client: client.predictions.list(), "no call that lists predictions"),
        (lambda client: client.predictions.cancel("task-1"), "no call that cancels a prediction: task-1 goes on"),
        (lambda client: client.predictions.cancel(Prediction(None, "task-1")), "task-1 goes on"),
    ],
)
@both_modes
def test_12_and_13_what_the_service_does_not_have_is_a_clear_error(mode: str, call: Any, match: str):  # 13, 66
    with pytest.raises(UnsupportedOperationError, match=match) as caught:
        run(mode, call)

    assert isinstance(caught.value, NotImplementedError)
    assert isinstance(caught.value, SpeedPixException)


def test_13_the_gateway_s_refusal_is_an_error_with_all_it_said(mode: str):  # 19
    error = error_of(mode, "19_gateway_403", beginning)

    assert isinstance(error, SpeedPixPermissionDeniedError)
    assert isinstance(error, APIStatusError)
    assert (error.status_code, error.gateway_code, error.request_id) == (403, "A403IS", "R-1")
    assert error.gateway_message == "Invalid Signature, Server StringToSign:`POST#...`"
    assert "Invalid Signature" in str(error)
    assert "clock" in str(error)


@pytest.mark.parametrize("name", ["16_create_no_data", "18_create_non_json"])
def test_13_an_odd_answer_is_an_error_of_ours_that_keeps_it(mode: str, name: str):  # 16 and 18
    error = error_of(mode, name, beginning)

    assert isinstance(error, SpeedPixResponseError)
    assert isinstance(error, simstudio.InvalidResponseError)
    assert error.response is not None
    assert error.response.content == sample(name).interactions[0]["response"]["body"]["string"].encode()


def test_13_an_endpoint_without_a_scheme_is_refused_at_once(mode: str):  # 72
    with pytest.raises(simstudio.ConfigurationError, match=r"endpoint 'your-endpoint\.com' has no http"):
        run(mode, beginning, endpoint="your-endpoint.com")


def test_13_the_document_s_other_form_of_options_is_understood(mode: str, server: SpeedPixServer):  # 57
    options = {"input": {"prompt": "x"}, "wait": False}

    with pytest.warns(DeprecationWarning, match="taken for options"):
        prediction = run(mode, lambda client: client.run("echo", options), **keys(server))

    assert (prediction.status, prediction.input) == ("waiting", {"prompt": "x"})
    assert [request.path for request in server.requests] == ["/scc/comfy_prompt"]


def test_14_outputs_are_wrapped_where_they_are_addresses_and_else_as_they_are():  # 64
    given = {"u": "HTTP://x/y", "t": "see http://x", "h": "http://", "b": b"ab", "tup": ("https://a",)}

    assert wrap_output(given) == {
        "u": FileOutput("HTTP://x/y"),
        "t": "see http://x",
        "h": "http://",
        "b": b"ab",
        "tup": (FileOutput("https://a"),),
    }


def test_14_an_output_goes_back_in_as_its_address(mode: str):  # 54
    answers = sample("56_input_empty")
    assert answers.interactions[0]["response"] == sample("54").interactions[0]["response"]

    _, (sent,) = replay(
        mode, "54", lambda client: client.run("wf", {"image": FileOutput("http://x/y")}, wait=False), bodies=False
    )

    assert json.loads(sent.body)["inputs"] == {"image": "http://x/y"}


def test_14_raw_bytes_in_an_input_are_refused(mode: str):  # 55
    with pytest.raises(InvalidInputError, match="Raw bytes have no name"):
        run(mode, lambda client: client.run("wf", {"image": b"abc"}))


def test_15_dates_do_not_follow_the_locale():
    before = locale.setlocale(locale.LC_TIME)
    try:
        for name in ("zh_CN.UTF-8", "de_DE.UTF-8", "C.UTF-8", "C"):
            try:
                locale.setlocale(locale.LC_TIME, name)
            except locale.Error:
                continue
            assert format_date(1700000000.9) == "Tue, 14 Nov 2023 22:13:20 GMT+00:00"
    finally:
        locale.setlocale(locale.LC_TIME, before)


def test_15_every_day_and_month_has_its_english_name():
    for day in range(0, 366, 13):
        at = 1700000000 + day * 86400

        assert format_date(at) == time.strftime("%a, %d %b %Y %H:%M:%S GMT+00:00", time.gmtime(at))


def test_15_resources_are_made_once():
    client = Client(KEY, SECRET)

    assert client.predictions is client.predictions
    assert client.files is client.files


def test_16_the_queries_of_addresses_show_in_no_repr(mode: str, here: Path):
    file, _ = replay(mode, "27_files_create_str", lambda client: client.files.create("./in.png"))

    assert "Signature" not in repr(file)
    assert "sig=1" not in repr(file)
    assert str(file) == file.url == f"{HOST}/get/obj-1?sig=1"
    assert "sig" not in repr(FileOutput(str(file)))


@pytest.mark.parametrize("access_url", [None, 5, ["x"], {}])
def test_the_text_of_a_file_is_text_whatever_came_as_its_url(access_url: object):
    assert isinstance(str(structure({"accessUrl": access_url}, File)), str)


def test_importing_needs_none_of_the_original_s_libraries():
    heavy = "requests aiofiles httpx numpy cattrs dataclass_wizard starlette cryptography"
    code = f"import sys, simstudio.services.speedpix; print([m for m in '{heavy}'.split() if m in sys.modules])"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
