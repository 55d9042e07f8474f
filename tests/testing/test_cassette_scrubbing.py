"""No secret reaches a cassette, and what is left of an exchange replays as it was."""

from __future__ import annotations

import base64
import gzip
import json
import sys

import httpx
import pytest
import yaml
from vcr.request import Request

from simstudio.testing import make_vcr, register_matchers, vcr_config
from simstudio.testing.cassettes import scrub_request, scrub_response
from simstudio.testing.scrubbing import Scrubber

KEY = "sk-sim-Ab12Cd34Ef56_-Gh78"
JSON = [("Content-Type", "application/json")]


def interaction(path):
    (found,) = yaml.safe_load(path.read_text(encoding="utf-8"))["interactions"]
    return found


def names(headers):
    return {name.lower() for name in headers}


def record(server, directory, *, config=None, method="POST", path="/run", **request):
    with make_vcr(directory, **config or {}).use_cassette("run"):
        response = httpx.request(method, server.url + path, **request)
    return response, directory / "run.yaml"


def test_the_key_is_replaced_in_request_headers(server, tmp_path):
    _, file = record(server, tmp_path, headers={"X-API-Key": KEY})

    assert server.received[0].headers["x-api-key"] == KEY
    assert KEY not in file.read_text()
    assert interaction(file)["request"]["headers"]["x-api-key"] == ["REDACTED"]


def test_a_bearer_token_keeps_its_scheme_only(server, tmp_path):
    _, file = record(server, tmp_path, headers={"Authorization": "Bearer some-oauth-token"})

    assert "some-oauth-token" not in file.read_text()
    assert interaction(file)["request"]["headers"]["authorization"] == ["Bearer REDACTED"]


def test_cookies_leave_no_trace(server, tmp_path):
    server.answer = lambda received: (200, [("Set-Cookie", "session=abcdefgh1; Path=/")], b"session abcdefgh1")
    _, file = record(server, tmp_path, headers={"Cookie": "tracker=qrstuvwx2"}, content=b"tracker is qrstuvwx2")

    assert "abcdefgh1" not in file.read_text()
    assert "qrstuvwx2" not in file.read_text()
    assert "cookie" not in names(interaction(file)["request"]["headers"])
    assert "set-cookie" not in names(interaction(file)["response"]["headers"])


@pytest.mark.parametrize("key", [KEY, "sim_Ab12Cd34Ef56", "sk-sim-x"])
def test_what_looks_like_a_key_is_replaced_in_bodies_urls_and_response_headers(server, tmp_path, key):
    server.answer = lambda received: (200, [("X-Echo", f"key {key}"), *JSON], f'{{"key":"{key}"}}'.encode())
    response, file = record(server, tmp_path, path=f"/run/{key}?key={key}", json={"key": key})

    assert response.json() == {"key": key}
    recorded = interaction(file)
    assert key not in file.read_text()
    assert recorded["request"]["uri"] == f"{server.url}/run/REDACTED?key=REDACTED"
    assert recorded["request"]["body"] == '{"key":"REDACTED"}'
    assert recorded["response"]["body"]["string"] == '{"key":"REDACTED"}'
    assert recorded["response"]["headers"]["x-echo"] == ["key REDACTED"]


def test_names_that_only_contain_a_key_prefix_stay(server, tmp_path):
    page = b"/_next/static/chunks/apps_sim_22a3c379._.js simulation_result sim_x"
    server.answer = lambda received: (200, [], page)
    _, file = record(server, tmp_path)

    assert interaction(file)["response"]["body"]["string"].encode() == page


def test_the_key_of_the_request_is_replaced_in_the_answer_whatever_it_looks_like(server, tmp_path):
    server.answer = lambda received: (401, JSON, b'{"error":"bad key self-hosted-key-1"}')
    _, file = record(server, tmp_path, headers={"X-API-Key": "self-hosted-key-1"})

    assert "self-hosted-key-1" not in file.read_text()


def test_the_key_of_the_environment_is_replaced(server, tmp_path, monkeypatch):
    monkeypatch.setenv("SIM_API_KEY", "self-hosted-key-2")
    _, file = record(server, tmp_path, json={"note": "self-hosted-key-2"})

    assert "self-hosted-key-2" not in file.read_text()


@pytest.mark.parametrize(
    ("secret", "written"),
    [
        ("hunter2", "hunter2"),
        ('a"b\\c', '{"password":"a\\"b\\\\c"}'),
        ("pä/ss", '{"password":"p\\u00e4/ss"}'),
        ("pä/ss", "password=p%C3%A4%2Fss"),
        ("pa ss", "password=pa+ss"),
    ],
)
def test_given_secrets_are_replaced_however_they_are_written(server, tmp_path, secret, written):
    server.answer = lambda received: (200, [], written.encode())
    _, file = record(server, tmp_path, config={"secrets": [secret]}, content=written)

    recorded = interaction(file)
    assert "REDACTED" in recorded["request"]["body"]
    assert "REDACTED" in recorded["response"]["body"]["string"]
    assert secret not in recorded["request"]["body"] + recorded["response"]["body"]["string"]


@pytest.mark.parametrize(
    ("sent", "scrubbed"),
    [
        ('{"apiKey": "abc", "n": 1}', '{"apiKey": "REDACTED", "n": 1}'),
        ('{"client_secret":"a\\"b","token":5}', '{"client_secret":"REDACTED","token":0}'),
        (r'{"text":"{\"password\": \"abc\"}"}', r'{"text":"{\"password\": \"REDACTED\"}"}'),
        ("password=abc&name=Ada", "password=REDACTED&name=Ada"),
        ("https://x/f?X-Amz-Date=1&X-Amz-Signature=ab12&a=b", "https://x/f?X-Amz-Date=1&X-Amz-Signature=REDACTED&a=b"),
        (r'"https://x/f?a=b\u0026sig=ab%2B"', r'"https://x/f?a=b\u0026sig=REDACTED"'),
        ('{"tokens": "12", "nextToken": "abc"}', '{"tokens": "12", "nextToken": "abc"}'),
        ('{"token":"abcdefgh","url":"/s/abcdefgh"}', '{"token":"REDACTED","url":"/s/REDACTED"}'),
        ('{"nextToken":"abcdefghij"}', '{"nextToken":"abcdefghij"}'),
        ('{"x-bot-token":"abc","signingSecret":"abc"}', '{"x-bot-token":"REDACTED","signingSecret":"REDACTED"}'),
        ('{"apiKey":{"type":"input","value":"abc"}}', '{"apiKey":{"type":"input","value":"REDACTED"}}'),
        ('{"Key":"Authorization","Value":"abc"}', '{"Key":"Authorization","Value":"REDACTED"}'),
        ('data: {"secret":["abc"],"n":1.5}', 'data: {"secret":["REDACTED"],"n":1.5}'),
        (r'{"apiKe\u0079":"abc"}', '{"apiKey":"REDACTED"}'),
        (r'{"a":"{\"b\":\"{\\\"apiKey\\\":\\\"abc\\\"}\"}"}', r'{"a":"{\"b\":\"{\\\"apiKey\\\":\\\"REDACTED\\\"}\"}"}'),
        ('{"db":"postgres://me:abc@host/db"}', '{"db":"postgres://me:REDACTED@host/db"}'),
        ('["ghp_0123456789abcdef0123"]', '["REDACTED"]'),
        (
            "https://x/f?Policy=ab&Key-Pair-Id=cd&session-token=ef",
            "https://x/f?Policy=REDACTED&Key-Pair-Id=REDACTED&session-token=REDACTED",
        ),
        (
            '--b\r\nContent-Disposition: form-data; name="api_key"\r\n\r\nabc\r\n--b',
            '--b\r\nContent-Disposition: form-data; name="api_key"\r\n\r\nREDACTED\r\n--b',
        ),
    ],
)
def test_thoroughly_fields_and_parameters_that_hold_secrets_are_known_by_name(sent, scrubbed):
    assert Scrubber(environment=False).text(sent) == sent
    assert Scrubber(environment=False, thorough=True).text(sent) == scrubbed
    assert (
        Scrubber(environment=False, thorough=True).data(b"%b\n\xff\x00" % sent.encode())
        == b"%b\n\xff\x00" % scrubbed.encode()
    )


@pytest.mark.parametrize(
    ("sent", "scrubbed"),
    [
        ({"password": 4711, "pin_secret": -1.5e3}, {"password": 0, "pin_secret": 0}),
        ({"apiKeys": ["abc", 7], "n": 7}, {"apiKeys": ["REDACTED", 0], "n": 7}),
        ({"secrets": {"DB": "abc", "PIN": 7}}, {"secrets": {"DB": "REDACTED", "PIN": 0}}),
        ({"tokens": {"a": {"b": "abc"}}}, {"tokens": {"a": {"b": "REDACTED"}}}),
        ({"token": {"access": "abc", "type": "bearer"}}, {"token": {"access": "REDACTED", "type": "bearer"}}),
        ({"access_keys": "A,B"}, {"access_keys": "REDACTED"}),
        (
            {"apiKeys": [{"id": "k1", "name": "ci", "key": "abc", "uses": 3}]},
            {"apiKeys": [{"id": "k1", "name": "ci", "key": "REDACTED", "uses": 3}]},
        ),
        (
            {"cookies": [{"name": "session", "value": "abc", "path": "/"}]},
            {"cookies": [{"name": "session", "value": "REDACTED", "path": "/"}]},
        ),
        ({"text": '{"passwords": ["abc"]}'}, {"text": '{"passwords":["REDACTED"]}'}),
    ],
    ids=str,
)
def test_thoroughly_whatever_is_below_the_name_of_secrets_is_replaced(sent, scrubbed):
    assert json.loads(Scrubber(environment=False, thorough=True).text(json.dumps(sent))) == scrubbed


@pytest.mark.parametrize(
    "value",
    [
        {"tokens": {"prompt": 12, "completion": 8, "model": "gpt"}},
        {"tokens": 20, "secrets": 3, "passwords": "2", "tokens_": [101, 102]},
        {"totalTokens": 20, "max_tokens": "4k", "promptTokens": {"cached": "none"}},
        {"nextCursor": "abc", "nextToken": "abc", "pageTokens": ["abc"]},
        {"key": "abc", "keys": ["fileName"], "fileKeys": ["a/b"], "code": "abc", "author": "Ada"},
        {"password": True, "secret": None, "hasPassword": False, "hostedApiKey": "always"},
        {"apiKey": {"type": "string", "required": True, "minLength": 8, "description": "Of the service"}},
        {"credentials": {"sourceId": "c1"}, "credentialId": "c2", "access_key_type": "L"},
    ],
    ids=str,
)
def test_thoroughly_what_only_sounds_like_a_secret_stays(value):
    assert Scrubber(environment=False, thorough=True).text(json.dumps(value)) == json.dumps(value)


@pytest.mark.parametrize(
    ("sent", "scrubbed"),
    [
        ("https://x/f?key=abc&page=2", "https://x/f?key=REDACTED&page=2"),
        ("https://x/f?key=createdAt&by=createdAt", "https://x/f?key=REDACTED&by=createdAt"),
        ("grant_type=authorization_code&code=abc", "grant_type=authorization_code&code=REDACTED"),
        ("/f?access_keys=A&access_keys=B&max_tokens=5", "/f?access_keys=REDACTED&access_keys=REDACTED&max_tokens=5"),
        ('Invalid: {"password" : 4711, …', 'Invalid: {"password" : 0, …'),
    ],
)
def test_thoroughly_secrets_are_found_outside_of_json(sent, scrubbed):
    assert Scrubber(environment=False, thorough=True).text(sent) == scrubbed


def test_thoroughly_addresses_of_people_are_replaced():
    text = "ada.l@corp.example.org, to=ada%40corp.org"

    assert Scrubber(environment=False).text(text) == text
    assert Scrubber(environment=False, thorough=True).text(text) == "redacted@example.com, to=redacted@example.com"


@pytest.mark.parametrize("text", ["0a" * 1_000_000, "-----BEGIN PRIVATE KEY-----" * 20_000], ids=["digits", "keys"])
def test_a_long_text_is_read_once_and_left_as_it_is(text):
    assert Scrubber(environment=False, thorough=True).text(text) == text


def test_a_secret_within_a_longer_secret_leaves_no_rest():
    assert Scrubber(["abc", "abcdef"]).text("abcdef abc") == "REDACTED REDACTED"


def test_secrets_in_compressed_answers_are_found(server, tmp_path):
    server.answer = lambda received: (200, [("Content-Encoding", "gzip"), *JSON], gzip.compress(f'"{KEY}"'.encode()))
    response, file = record(server, tmp_path)
    replayed, _ = record(server, tmp_path)

    assert response.json() == KEY
    recorded = interaction(file)["response"]
    assert recorded["body"]["string"] == '"REDACTED"'
    assert "content-encoding" not in names(recorded["headers"])
    assert replayed.json() == "REDACTED"


def test_the_length_follows_the_scrubbed_body(server, tmp_path):
    server.answer = lambda received: (200, [], KEY.encode())
    record(server, tmp_path)
    replayed, file = record(server, tmp_path)

    assert interaction(file)["response"]["headers"]["content-length"] == ["8"]
    assert replayed.text == "REDACTED"


def test_binary_bodies_survive_byte_for_byte(server, tmp_path):
    data = bytes(range(256))
    server.answer = lambda received: (200, [], data)
    record(server, tmp_path, content=data)
    replayed, _ = record(server, tmp_path, content=data)

    assert replayed.content == data
    assert len(server.received) == 1


def test_only_telling_request_headers_are_kept(server, tmp_path):
    sent = {"X-Execution-Mode": "async", "User-Agent": "me/1", "Accept": "*/*", "X-Mine": "1"}
    _, file = record(server, tmp_path, headers=sent, config={"keep_headers": ["x-mine"]}, json={})

    assert names(interaction(file)["request"]["headers"]) == {"accept", "content-type", "x-execution-mode", "x-mine"}


def test_headers_that_change_with_every_run_are_dropped_from_the_answer(server, tmp_path):
    told = [("X-RateLimit-Remaining", "9"), ("Retry-After", "5"), ("X-Custom", "yes")]
    noise = [("ETag", '"1"'), ("Vary", "rsc"), ("X-Powered-By", "Next.js"), ("x-nextjs-cache", "HIT")]
    server.answer = lambda received: (200, [*told, *noise], b"")
    _, file = record(server, tmp_path)

    expected = {"x-ratelimit-remaining", "retry-after", "x-custom", "content-length"}
    assert names(interaction(file)["response"]["headers"]) == expected


def test_the_users_own_filters_run_too_and_what_they_return_is_scrubbed(server, tmp_path):
    def shout(response):
        return {**response, "body": {"string": response["body"]["string"].upper() + KEY.encode()}}

    _, file = record(server, tmp_path, config={"before_record_response": shout})

    assert interaction(file)["response"]["body"]["string"] == '{"SUCCESS":TRUE}REDACTED'


def test_a_filter_that_drops_the_request_keeps_it_from_the_cassette(server, tmp_path):
    _, file = record(server, tmp_path, config={"before_record_request": lambda request: None})

    assert not file.exists()


def test_a_failing_block_saves_nothing(server, tmp_path):
    with pytest.raises(ZeroDivisionError), make_vcr(tmp_path).use_cassette("run"):
        assert 1 / (httpx.get(server.url).status_code - 200)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("ci", "mode"), [("true", "none"), ("1", "none"), ("false", "once"), ("", "once")])
def test_continuous_integration_never_records(monkeypatch, ci, mode):
    monkeypatch.setenv("CI", ci)

    assert vcr_config()["record_mode"] == mode


def test_every_option_of_vcrpy_can_be_given(tmp_path):
    recorder = make_vcr(tmp_path, record_mode="all", match_on=["method"])

    assert recorder.record_mode == "all"
    assert list(recorder.match_on) == ["method"]


def test_the_configuration_alone_makes_a_working_recorder(server, tmp_path):
    import vcr

    recorder = vcr.VCR(**vcr_config(), cassette_library_dir=str(tmp_path))
    register_matchers(recorder)
    for _ in range(2):
        with recorder.use_cassette("run.yaml"):
            httpx.post(server.url, json={"a": 1}, headers={"X-API-Key": KEY})

    assert len(server.received) == 1


async def test_an_exchange_recorded_by_a_blocking_client_replays_in_an_async_one(server, tmp_path):
    recorded, _ = record(server, tmp_path, json={"a": 1}, headers={"X-API-Key": KEY})

    with make_vcr(tmp_path, record_mode="none").use_cassette("run"):
        async with httpx.AsyncClient() as client:
            replayed = await client.post("http://elsewhere.test/run", json={"a": 1}, headers={"X-API-Key": "other"})

    assert replayed.json() == recorded.json()


def test_without_vcrpy_the_extra_is_named(monkeypatch):
    from simstudio.errors import ConfigurationError

    monkeypatch.setitem(sys.modules, "vcr", None)

    with pytest.raises(ConfigurationError, match="pip install vcrpy"):
        make_vcr()


def test_compressed_requests_are_kept_without_encoding_so_that_secrets_in_them_are_found():
    request = Request("POST", "https://sim.test/run", gzip.compress(b'{"apiKey":"abc"}'), {"Content-Encoding": "gzip"})

    assert scrub_request(request, Scrubber(thorough=True)).body == b'{"apiKey":"REDACTED"}'


def test_what_cannot_be_decoded_is_not_recorded():
    response = {"headers": {"Content-Encoding": ["unknown"]}, "body": {"string": b"\x01secret"}}

    with pytest.raises(httpx.DecodingError, match="encoding unknown"):
        scrub_response(response, Scrubber(thorough=True))


@pytest.mark.parametrize(
    "headers",
    [{"X-Vault-Token": "of-the-client"}, {"Authorization": "Basic " + base64.b64encode(b"me:of-the-client").decode()}],
)
def test_secrets_of_headers_are_replaced_in_bodies_too(headers):
    request = Request("POST", "https://sim.test/run", b"it is of-the-client", headers)

    assert scrub_request(request, Scrubber()).body == b"it is REDACTED"


def test_response_headers_whose_names_tell_a_secret_are_replaced():
    response = {"headers": {"X-Refresh-Token": ["abc"], "X-Run-Id": ["r"]}, "body": {"string": b""}}

    headers = scrub_response(response, Scrubber())["headers"]

    assert headers == {"X-Refresh-Token": ["REDACTED"], "X-Run-Id": ["r"]}
