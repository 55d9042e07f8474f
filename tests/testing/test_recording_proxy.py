"""A server recorded once by a proxy, and replayed for any client."""

from __future__ import annotations

import asyncio
import json
import resource
from collections.abc import Callable

import httpx
import pytest

from simstudio import SimStudioClient
from simstudio.errors import ConfigurationError
from simstudio.sandbox import Sandbox
from simstudio.testing import RecordingProxy, Replay, make_vcr
from simstudio.testing.readdressing import Readdressing

KEY = "sk-sim-of-the-real-server"
URL = "https://sim.test/prefix"


class Upstream:
    """Stands for the real server: what it was asked, and what it answers in turn."""

    def __init__(self, *answers: httpx.Response) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0)
        return httpx.Response(answer.status_code, headers=answer.headers, stream=httpx.ByteStream(answer.content))


def ask(app, *requests: httpx.Request) -> list[httpx.Response]:
    """Send requests to an application one after the other, without a socket."""

    async def send() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
            return [await client.send(request) for request in requests]

    return asyncio.run(send())


def recorded(
    directory, upstream: Callable[[httpx.Request], httpx.Response], *requests: httpx.Request
) -> list[httpx.Response]:
    proxy = RecordingProxy(URL, directory)
    proxy._client = httpx.AsyncClient(transport=httpx.MockTransport(upstream))
    return ask(proxy.app, *requests)


def post(path: str, body: object, **headers: str) -> httpx.Request:
    return httpx.Request("POST", f"http://proxy{path}", json=body, headers=headers)


def test_requests_are_forwarded_with_their_credentials_and_answers_come_back(tmp_path):
    upstream = Upstream(httpx.Response(202, json={"n": 1}, headers={"x-kind": "job"}))

    (answer,) = recorded(tmp_path, upstream, post("/api/run?a=b%20c", {"name": "Ada"}, **{"X-API-Key": KEY}))

    (asked,) = upstream.asked
    assert str(asked.url) == f"{URL}/api/run?a=b%20c"
    assert (asked.headers["x-api-key"], asked.headers["host"]) == (KEY, "sim.test")
    assert json.loads(asked.content) == {"name": "Ada"}
    assert (answer.status_code, answer.json(), answer.headers["x-kind"]) == (202, {"n": 1}, "job")


def test_no_secret_is_written(tmp_path):
    body = {"echo": KEY, "mail": "ada@corp.org", "url": "https://files.test/a?X-Amz-Signature=abc123"}
    upstream = Upstream(httpx.Response(200, json=body, headers={"set-cookie": "session=of-the-server"}))

    (answer,) = recorded(
        tmp_path, upstream, post("/run", {"password": "hunter2"}, **{"X-API-Key": KEY, "Cookie": "a=of-the-client"})
    )

    text = (tmp_path / "recording.yaml").read_text()
    assert answer.json() == body
    assert "X-Amz-Signature=REDACTED" in text
    assert not [secret for secret in (KEY, "corp.org", "abc123", "of-the-", "hunter2") if secret in text]


def test_values_of_a_workspace_s_secrets_are_not_written(tmp_path):
    sent = httpx.Request("PUT", "http://proxy/api/v2/secrets/DB", json={"value": "postgres://me", "scope": "workspace"})

    recorded(tmp_path, Upstream(httpx.Response(200, json={"value": "postgres://me"})), sent)

    assert "postgres" not in (tmp_path / "recording.yaml").read_text()
    assert ask(Replay(tmp_path).app, sent)[0].json() == {"value": "REDACTED"}


def test_redirects_are_passed_on_so_that_no_key_goes_elsewhere(tmp_path):
    upstream = Upstream(httpx.Response(307, headers={"location": "https://elsewhere.test/run"}))

    (answer,) = recorded(tmp_path, upstream, post("/run", {}, **{"X-API-Key": KEY}))

    assert len(upstream.asked) == 1
    assert (answer.status_code, answer.headers["location"]) == (307, "https://elsewhere.test/run")


def test_web_pages_of_other_origins_cannot_read_responses(tmp_path):
    upstream = Upstream(httpx.Response(200, headers={"Access-Control-Allow-Origin": "*", "x-kind": "a"}))

    answers = recorded(tmp_path, upstream, post("/run", {})) + ask(Replay(tmp_path).app, post("/run", {}))

    assert [(answer.headers.get("access-control-allow-origin"), answer.headers["x-kind"]) for answer in answers] == [
        (None, "a")
    ] * 2


def test_cookies_of_one_response_are_not_sent_with_the_next_request(tmp_path):
    upstream = Upstream(httpx.Response(200, headers={"set-cookie": "session=1; Path=/"}), httpx.Response(200))

    recorded(tmp_path, upstream, post("/run", 1), post("/run", 2))

    assert "cookie" not in upstream.asked[1].headers


def test_a_server_that_cannot_be_reached_is_a_502_and_not_recorded(tmp_path):
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    (answer,) = recorded(tmp_path, refuse, post("/run", {}))

    assert (answer.status_code, answer.json()["code"]) == (502, "PROXY_FAILED")
    assert not (tmp_path / "recording.yaml").exists()


def test_a_response_that_breaks_off_does_so_for_the_client_and_is_not_recorded(tmp_path):
    sandbox = Sandbox()
    sandbox.fault("half")
    with sandbox.serve() as server, RecordingProxy(server.base_url, tmp_path).serve() as proxy:
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.get(f"{proxy.base_url}/api/jobs/1", headers={"X-API-Key": server.key})

        assert proxy.sandbox.count == 0


def test_a_response_that_nobody_waits_for_is_not_recorded_unless_it_ends_soon(tmp_path, monkeypatch):
    monkeypatch.setattr("simstudio.testing.proxy._SECONDS_WITHOUT_CLIENT", 0.01)
    proxy = RecordingProxy(URL, tmp_path)
    messages = [{"type": "http.request", "body": b""}, {"type": "http.disconnect"}, {"type": "http.disconnect"}]

    async def receive():
        return messages.pop(0)

    async def send(message):
        pass

    async def hang_up(*, ends: bool) -> None:
        async def body():
            yield b"first"
            if not ends:
                await asyncio.Event().wait()

        answer = lambda request: httpx.Response(200, content=body())  # noqa: E731
        proxy._client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
        scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
        await proxy.app(scope, receive, send)

    asyncio.run(hang_up(ends=False))
    assert proxy.count == 0
    messages[:] = [{"type": "http.request", "body": b""}, {"type": "http.disconnect"}, {"type": "http.disconnect"}]
    asyncio.run(hang_up(ends=True))
    assert proxy.count == 1


def test_a_replay_answers_in_the_recorded_order_and_then_repeats_the_last(tmp_path):
    answers = [httpx.Response(200, json={"status": status}) for status in ("queued", "done")]
    recorded(tmp_path, Upstream(*answers), *[httpx.Request("GET", "http://proxy/job")] * 2)
    replay = Replay(tmp_path)

    def statuses() -> list[str]:
        return [each.json()["status"] for each in ask(replay.app, *[httpx.Request("GET", "http://any/job")] * 3)]

    assert statuses() == ["queued", "done", "done"]
    replay.rewind()
    assert statuses() == ["queued", "done", "done"]


def test_requests_match_by_their_data_and_by_what_chooses_the_kind_of_answer(tmp_path):
    kinds = ({}, {"X-Execution-Mode": "async"})
    requests = [post("/run?b=2&a=1", {"x": 1, "mail": "ada@corp.org"}, **kind) for kind in kinds]
    recorded(tmp_path, Upstream(httpx.Response(200, text="sync"), httpx.Response(202, text="async")), *requests)
    same = b'{"mail": "ada@corp.org", "x": 1.0}'

    answers = ask(
        Replay(tmp_path).app,
        *(httpx.Request("POST", "http://any/run?a=1&b=2", content=same, headers=kind) for kind in reversed(kinds)),
    )

    assert [answer.text for answer in answers] == ["async", "sync"]


@pytest.mark.parametrize(
    ("request_", "nearest", "difference"),
    [
        (post("/run", {"name": "Bob"}), "POST /run", {"body": 'sent {"name": "Bob"}, recorded {"name": "Ada"}'}),
        (post("/ran", {}), "POST /run", {"path": "sent /ran, recorded /run"}),
        (httpx.Request("GET", "http://any/jobs/1?x=1"), "GET /jobs/1", {"query": "sent x=1, recorded no query"}),
    ],
)
def test_what_was_not_recorded_is_a_501_that_names_the_nearest(tmp_path, request_, nearest, difference):
    exchanges = (post("/run", {"name": "Ada"}), httpx.Request("GET", "http://proxy/jobs/1"))
    recorded(tmp_path, Upstream(httpx.Response(200), httpx.Response(200)), *exchanges)

    (answer,) = ask(Replay(tmp_path).app, request_)

    assert answer.status_code == 501
    body = answer.json()
    assert (body["code"], body["nearest"]) == ("NOT_RECORDED", {"request": nearest, "differences": difference})
    assert body["error"].startswith(f"Not recorded: {request_.method} {request_.url.raw_path.decode()}. The nearest")


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_urls_of_the_server_lead_to_the_proxy_however_the_body_is_cut(size):
    body = b'{"a":"https://sim.test/x/job","b":"https:\\/\\/sim.test\\/x","c":"see https://sim.test/x","d":"https://sim.test/xy"}'
    local = Readdressing("https://sim.test/x", "http://127.0.0.1:1")

    pieces = [local.feed(body[start : start + size]) for start in range(0, len(body), size)]

    assert b"".join([*pieces, local.flush()]) == (
        b'{"a":"http://127.0.0.1:1/job","b":"http:\\/\\/127.0.0.1:1","c":"see https://sim.test/x","d":"https://sim.test/xy"}'
    )
    assert local.header("Location", "https://sim.test/x/run") == "http://127.0.0.1:1/run"


def test_urls_that_come_back_in_requests_are_those_of_the_server_unless_the_body_is_signed_and_echoes_are_replayed(
    tmp_path,
):
    echo = {"file": "http://one/a.png"}
    answers = ({"file": f"{URL}/a.png"}, {}, echo)
    upstream = Upstream(*(httpx.Response(200, json=answer) for answer in answers))
    proxy = RecordingProxy(URL, tmp_path)
    proxy._base_url, proxy._client = "http://one", httpx.AsyncClient(transport=httpx.MockTransport(upstream))

    def use(app, base: str) -> list[object]:
        run = {"file": f"{base}/a.png"}
        asked = post("/upload", {}), post("/run", run), post("/signed", run, **{"Content-MD5": "abc="})
        return [answer.json() for answer in ask(app, *asked)]

    assert use(proxy.app, "http://one") == [{"file": "http://one/a.png"}, {}, echo]
    assert [json.loads(request.content)["file"] for request in upstream.asked[1:]] == [
        f"{URL}/a.png",
        "http://one/a.png",
    ]
    replay = Replay(tmp_path)
    replay._base_url = "http://other"
    assert use(replay.app, "http://other") == [{"file": "http://other/a.png"}, {}, {"file": "http://other/a.png"}]


def test_a_recording_is_a_cassette_of_vcrpy(tmp_path, server):
    server.answer = lambda received: (200, [("Content-Type", "application/json")], b'{"n":1}')
    with RecordingProxy(server.url, tmp_path).serve() as proxy:
        httpx.get(f"{proxy.base_url}/status", headers={"X-API-Key": KEY})

    with make_vcr(tmp_path, record_mode="none").use_cassette("recording"):
        assert httpx.get("http://elsewhere.test/status").json() == {"n": 1}


@pytest.mark.parametrize("url", ["sim.ai", "ftp://sim.ai", "https://sim.ai?a=b", "https://me:pass@sim.ai"])
def test_what_is_no_base_url_is_refused(tmp_path, url):
    with pytest.raises(ConfigurationError) as refused:
        RecordingProxy(url, tmp_path)
    assert "pass@" not in str(refused.value)


def test_a_recording_is_neither_overwritten_nor_made_up(tmp_path):
    with pytest.raises(ConfigurationError, match="holds no recording"):
        Replay(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be used for a recording"):
        RecordingProxy(URL, tmp_path / "file")
    (tmp_path / "recording.yaml").write_text("")
    with pytest.raises(ConfigurationError, match="exists: remove it to record again"):
        RecordingProxy(URL, tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "a: 1", "interactions: 5", "interactions: [{request: {method: GET}}]"])
def test_a_file_that_is_no_recording_is_called_so(tmp_path, text):
    (tmp_path / "recording.yaml").write_text(text)
    with pytest.raises(
        ConfigurationError, match=r"recording\.yaml cannot be read as a recording: it is no cassette of v"
    ):
        Replay(tmp_path)


def test_an_exchange_that_the_disk_does_not_hold_leaves_the_others_readable(tmp_path, caplog):
    long = httpx.Response(200, text="x" * 300_000)
    upstream = Upstream(httpx.Response(200, json={"n": 1}), long, httpx.Response(200, json={"n": 3}))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        recorded(tmp_path, upstream, *(post(f"/{n}", {}) for n in (1, 2, 3)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert "not recorded: [Errno 27] File too large" in caplog.text
    assert [answer.status_code for answer in ask(Replay(tmp_path).app, *(post(f"/{n}", {}) for n in (1, 2, 3)))] == [
        200,
        501,
        200,
    ]


def test_a_client_is_recorded_with_streams_and_jobs_and_replayed_without_the_server(tmp_path):
    def use(url: str, key: str) -> list[object]:
        with SimStudioClient(key, url) as client:
            found: list[object] = [client.workflows.execute("hello", {"name": "Ada"}).output]
            with client.workflows.stream("count", {"to": 2}, selected_outputs=["count.content"]) as stream:
                found.extend(event.to_dict() for event in stream)
            job = client.workflows.submit("hello", {"name": "Ada"})
            return [*found, job["statusUrl"].startswith(url)]

    with Sandbox(api_key=KEY).serve() as server, RecordingProxy(server.base_url, tmp_path).serve() as proxy:
        first = use(proxy.base_url, KEY)
    with Replay(tmp_path).serve() as replay:
        assert use(replay.base_url, "any-key") == first
    assert first[-1] is True
