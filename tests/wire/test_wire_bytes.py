"""What a request looks like on the wire, and how answers are read off it."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faultserver import Connection, FaultServer
from wireanswers import DONE, FINAL, answer, answering, chunked, gzipped, head, packed, streaming, text
from wirecalls import KEY, Caller, hasty

from simstudio import APIConnectionError, APIStatusError, InvalidInputError
from simstudio.transport.upload import Upload

Serve = Callable[..., FaultServer]


def execute(client: Any) -> Any:
    return client.workflows.execute("wf", {"name": "Ada"})


def stream(client: Any) -> Any:
    return client.execute_workflow("wf", stream=True)


def get(client: Any) -> Any:
    return client.request("GET", "/api/things?limit=5")


CALLS: dict[str, Callable[[Any], Any]] = {
    "execute": execute,
    "stream": stream,
    "get": get,
    "submit": lambda client: client.request("POST", "/api/x", headers={"X-Execution-Mode": "async"}),
    "delete": lambda client: client.request("DELETE", "/api/x"),
    "put": lambda client: client.request("PUT", "/api/x", json=["é"]),
}
calls = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())


@calls
def test_every_request_has_a_user_agent_of_ours_and_the_key(serve: Serve, own: Caller, call: Any) -> None:
    """Sim refuses requests without a User-Agent."""
    server = serve()
    own(server.url, call)
    request = server.requests[0]
    assert request.all("user-agent")[0].startswith("simstudio-sdk/")
    assert request.all("x-api-key") == [KEY]
    assert request.all("host") == [f"127.0.0.1:{server.port}"]


@calls
def test_no_header_is_sent_twice(serve: Serve, own: Caller, call: Any) -> None:
    server = serve()
    own(server.url, call, headers={"accept": "application/json", "X-Mine": "1"})
    names = [name.lower() for name, _ in server.requests[0].headers]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("name", ["Host", "host", "Content-Type", "User-Agent"])
def test_a_header_that_the_user_sets_is_not_sent_twice_either(serve: Serve, caller: Caller, name: str) -> None:
    server = serve()
    caller(server.url, execute, headers={name: "theirs"})
    assert len(server.requests[0].all(name)) == 1


@pytest.mark.parametrize(
    "header", [("Content-Length", "3"), ("content-length", "300"), ("Transfer-Encoding", "chunked")]
)
def test_a_user_cannot_frame_the_body(serve: Serve, caller: Caller, header: tuple[str, str]) -> None:
    """The wire knows how long it is: a wrong length would cut it, or let the server wait for ever."""
    server = serve()
    caller(server.url, execute, headers=dict([header]))
    request = server.requests[0]
    assert request.body == b'{"name":"Ada"}'
    assert request.all("content-length") == ["14"]
    assert request.all("transfer-encoding") == []


def test_a_users_own_user_agent_replaces_ours(serve: Serve, own: Caller) -> None:
    server = serve()
    own(server.url, execute, headers={"user-agent": "theirs/1"})
    assert server.requests[0].all("user-agent") == ["theirs/1"]


def test_a_users_host_replaces_that_of_the_address(serve: Serve, own: Caller) -> None:
    server = serve()
    own(server.url, execute, headers={"Host": "virtual.example"})
    assert server.requests[0].all("host") == ["virtual.example"]


@pytest.mark.parametrize("value", ["a\r\nX-Other: b", "a\nb", "a\0b"])
def test_a_header_that_was_set_unchecked_and_cannot_be_sent_is_not(serve: Serve, own: Caller, value: str) -> None:
    """Such as one of a user's tracing."""

    def tracing(request: Any, call_next: Any) -> Any:
        request.headers.put("X-Trace", value)
        return (yield from call_next(request))

    server = serve()
    with pytest.raises(InvalidInputError, match=r"no HTTP/1\.1 request"):
        own(server.url, execute, middleware=[tracing])
    assert server.requests == []


def test_streams_ask_not_to_be_compressed_and_other_calls_to_be(serve: Serve, own: Caller) -> None:
    server = serve(answering(answer(), streaming(FINAL, DONE)))
    own(server.url, execute, stream)
    assert [request.all("accept-encoding") for request in server.requests] == [["gzip, deflate"], ["identity"]]
    assert [request.all("accept") for request in server.requests] == [["application/json"], ["text/event-stream"]]


@pytest.mark.parametrize("data", [{}, {"text": "é – ∞ 🎉"}, {"text": "x" * 100_000}], ids=["empty", "unicode", "large"])
def test_the_content_length_is_that_of_the_utf_8_body(serve: Serve, own: Caller, data: Any) -> None:
    server = serve()
    own(server.url, lambda client: client.workflows.execute("wf", data))
    request = server.requests[0]
    assert request.all("content-length") == [str(len(request.body))]
    assert request.all("transfer-encoding") == []
    assert json.loads(request.body.decode("utf-8")) == data


def test_text_travels_as_utf_8_and_not_as_escapes(serve: Serve, own: Caller) -> None:
    server = serve()
    own(server.url, lambda client: client.workflows.execute("wf", {"text": "é🎉"}))
    assert "é🎉".encode() in server.requests[0].body


def test_a_post_without_a_body_has_a_length_of_0_and_a_get_has_none(serve: Serve, caller: Caller) -> None:
    server = serve()
    caller(server.url, lambda client: client.request("POST", "/api/x"), get)
    assert [request.all("content-length") for request in server.requests] == [["0"], []]


@pytest.mark.parametrize(
    ("workflow_id", "segment"),
    [
        ("a/b", "a%2Fb"),
        ("../x", "..%2Fx"),
        ("a?b=c#d", "a%3Fb%3Dc%23d"),
        ("50%", "50%25"),
        ("é", "%C3%A9"),
        ("a b", "a%20b"),
        ("a%2Fb", "a%252Fb"),
        ("~a-b_c.d", "~a-b_c.d"),
        ("a+b&c;d@e:f", "a%2Bb%26c%3Bd%40e%3Af"),
    ],
)
def test_an_id_arrives_as_one_percent_encoded_segment(
    serve: Serve, caller: Caller, workflow_id: str, segment: str
) -> None:
    server = serve()
    caller(server.url, lambda client: client.workflows.execute(workflow_id))
    assert server.requests[0].target == f"/api/workflows/{segment}/execute"


def test_a_path_prefix_and_a_query_arrive_as_they_were_given(serve: Serve, own: Caller) -> None:
    server = serve()
    own(f"{server.url}/deep/prefix/", lambda client: client.request("GET", "/api/x?a=1&a=2", params={"q": "ü &"}))
    assert server.requests[0].target == "/deep/prefix/api/x?a=1&a=2&q=%C3%BC+%26"


@pytest.mark.parametrize(
    ("coding", "pack"), [("gzip", packed), ("deflate", lambda data: zlib.compress(json.dumps(data).encode()))]
)
def test_a_compressed_answer_is_decoded(serve: Serve, caller: Caller, coding: str, pack: Any) -> None:
    content = pack({"text": "é" * 10_000})
    server = serve(answering(answer(content, Content_Encoding=coding, Content_Type="application/json")))
    assert caller(server.url, get) == {"text": "é" * 10_000}


def test_a_compressed_answer_in_chunks_is_decoded(serve: Serve, own: Caller) -> None:
    first, *rest = gzipped(b'{"te', b'xt": "\xc3', b'\xa9"}')
    whole = head(Content_Encoding="gzip", Transfer_Encoding="chunked") + chunked(first, *rest[:-1], rest[-1])
    server = serve(answering(whole + b"0\r\n\r\n"))
    assert own(server.url, get) == {"text": "é"}


def test_a_compressed_error_is_decoded(serve: Serve, own: Caller) -> None:
    content = packed({"error": "Workflow not found"})
    server = serve(answering(answer(content, 404, Content_Encoding="gzip", Content_Type="application/json")))
    with pytest.raises(Exception, match="Workflow not found"):
        own(server.url, get)


def test_a_compressed_answer_that_is_cut_short_is_no_answer(serve: Serve, own: Caller) -> None:
    content = packed({"text": "é" * 10_000})[:-8]
    server = serve(answering(answer(content, Content_Encoding="gzip", Content_Type="application/json")))
    with pytest.raises(APIConnectionError, match="the body is compressed, and cut short"):
        own(server.url, get)


def test_an_answer_in_chunks_with_trailers_is_read_whole(serve: Serve, own: Caller) -> None:
    whole = head(Transfer_Encoding="chunked") + chunked(b'{"a', b'": 1}') + b"0\r\nX-Checksum: 7\r\n\r\n"
    server = serve(answering(whole))
    assert own(server.url, get, get) == {"a": 1}
    assert len(server.connections) == 1


def test_an_informational_answer_is_not_the_answer(serve: Serve, own: Caller) -> None:
    server = serve(
        answering(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + answer({"a": 1}))
    )
    assert own(server.url, get) == {"a": 1}


def test_a_switch_to_another_protocol_is_an_answer_that_is_none_of_sim(serve: Serve, own: Caller) -> None:
    """A header of the user's asks for it; what follows is no HTTP."""
    server = serve(answering(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\nPRI * HTTP/2.0"))
    with pytest.raises(APIStatusError) as caught:
        own(server.url, lambda client: client.request("GET", "/api/x", headers={"Upgrade": "h2c"}))
    assert caught.value.status == 101
    assert server.saw_close()


def test_an_answer_without_a_body_is_none(serve: Serve, own: Caller) -> None:
    server = serve(answering(head(204)))
    assert own(server.url, get, get) is None
    assert len(server.connections) == 1


def test_repeated_response_headers_are_joined(serve: Serve, own: Caller) -> None:
    content = b'{"success":true,"output":1}'
    lines = ["Vary: Origin", "Vary: Accept-Encoding", f"Content-Length: {len(content)}", "X-Request-Id: r-1"]
    server = serve(answering(head(200, *lines) + content))
    response = own(server.url, lambda client: client.with_raw_response.workflows.execute("wf"))
    assert response.headers["vary"] == "Origin, Accept-Encoding"
    assert response.request_id == "r-1"


def test_header_bytes_beyond_ascii_do_not_break_a_call(serve: Serve, caller: Caller) -> None:
    whole = b"HTTP/1.1 200 \xff\r\nX-Name: \xe9\xff\r\nContent-Length: 2\r\n\r\n{}"
    server = serve(answering(whole))
    response = caller(server.url, lambda client: client.with_raw_response.request("GET", "/api/x"))
    assert response.headers["x-name"] == "\xe9\xff"


def test_a_streamed_request_says_so_in_its_body(serve: Serve, own: Caller) -> None:
    server = serve(answering(streaming(text("Hi"), FINAL, DONE)))
    own(
        server.url,
        lambda client: client.execute_workflow("wf", {"a": 1}, stream=True, selected_outputs=["agent.content"]),
    )
    assert json.loads(server.requests[0].body) == {"a": 1, "stream": True, "selectedOutputs": ["agent.content"]}


def _carrying(upload: Upload) -> Callable[[Any], Any]:
    def carry(request: Any, call_next: Any) -> Any:
        request.content = upload
        return (yield from call_next(request))

    return lambda stack: [carry, *hasty(stack)]


def test_an_upload_is_sent_with_its_length_and_not_in_chunks(serve: Serve, caller: Caller, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * 1_000_000)
    server = serve()
    caller(server.url, execute, middleware=_carrying(Upload(b"head", tmp_path / "large", b"tail")))
    request = server.requests[0]
    assert request.body == b"head" + b"x" * 1_000_000 + b"tail"
    assert request.all("content-length") == ["1000008"]
    assert request.all("transfer-encoding") == []


def test_of_a_file_that_has_grown_as_much_is_sent_as_was_counted(serve: Serve, own: Caller, tmp_path: Path) -> None:
    """A log that is being written to, for one."""
    (tmp_path / "log").write_bytes(b"x" * 1000)
    upload = Upload(b"head ", tmp_path / "log", b" tail")
    (tmp_path / "log").write_bytes(b"y" * 3000)
    server = serve()
    own(server.url, execute, middleware=_carrying(upload))
    assert server.requests[0].body == b"head " + b"y" * 1000 + b" tail"


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_bytes(b"y")], ids=["gone", "shorter"])
def test_a_file_that_has_lost_something_is_an_error_of_the_input(
    serve: Serve, caller: Caller, tmp_path: Path, change: Callable[[Path], object]
) -> None:
    (tmp_path / "file").write_bytes(b"x" * 1000)
    upload = Upload(tmp_path / "file")
    change(tmp_path / "file")
    server = serve()
    with pytest.raises(InvalidInputError, match=r"can no longer be read|became shorter"):
        caller(server.url, execute, middleware=_carrying(upload))
    assert server.requests == []


def test_a_content_encoding_that_is_no_text_is_none(serve: Serve, own: Caller) -> None:
    async def odd(connection: Connection) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Encoding: \xe9\r\nContent-Length: 8\r\n\r\n" + b'{"n": 1}')

    assert own(serve(odd).url, get) == {"n": 1}


def test_blanks_around_a_header_are_none_of_it(serve: Serve, own: Caller) -> None:
    server = serve()
    own(server.url, lambda client: client.request("GET", "/api/x", headers={"X-Token": " \tsecret "}))
    assert server.requests[0].all("x-token") == ["secret"]


def test_a_connection_that_the_caller_wants_closed_is_not_used_again(serve: Serve, own: Caller) -> None:
    server = serve()
    close = {"Connection": "close"}
    own(server.url, *[lambda client: client.request("GET", "/api/x", headers=close)] * 2)
    assert len(server.connections) == 2


def test_an_upload_is_read_from_its_start_again_by_the_next_attempt(
    serve: Serve, caller: Caller, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"content")

    async def drop(connection: Connection) -> None:
        await connection.request()

    server = serve(drop, answering())
    caller(server.url, get, middleware=_carrying(Upload(b"head ", tmp_path / "file")))
    assert [request.body for request in server.requests] == [b"head content"] * 2


def test_no_cookies_are_kept(serve: Serve, own: Caller) -> None:
    server = serve(answering(answer({}, Set_Cookie="session=1; Path=/")))
    own(server.url, get, get)
    assert [request.all("cookie") for request in server.requests] == [[], []]
