"""Proxies and certificates of the environment, as httpx's users expect them."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from faultserver import Connection, FaultServer
from wireanswers import answer, answering
from wirecalls import KEY, Caller

from simstudio import APIConnectionError, APIStatusError, APITimeoutError, ConfigurationError
from simstudio.transport.wire.routes import environment_proxy
from tests.frames import leaks

Serve = Callable[..., FaultServer]


def execute(client: Any) -> Any:
    return client.workflows.execute("wf")


@pytest.fixture
def nowhere() -> Iterator[str]:
    """An address where nobody listens, nor will."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


async def tunnel(connection: Connection) -> None:
    """A proxy for https: connects to wherever CONNECT says, and passes bytes both ways."""
    request = await connection.request()
    host, _, port = request.target.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    await connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n")

    async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while piece := await source.read(65536):
            sink.write(piece)
            await sink.drain()
        sink.close()

    await asyncio.gather(copy(connection.reader, writer), copy(reader, connection.writer))


# -- which proxy -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_the_proxy_of_the_environment_is_used(
    serve: Serve, own: Caller, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve()
    monkeypatch.setenv(name, proxy.url)
    assert own("http://sim.invalid/prefix", execute).success
    assert [request.target for request in proxy.requests] == ["http://sim.invalid/prefix/api/workflows/wf/execute"]
    assert proxy.requests[0].all("host") == ["sim.invalid"]


def test_a_proxy_without_a_scheme_is_an_http_one(serve: Serve, own: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve()
    monkeypatch.setenv("HTTP_PROXY", f"127.0.0.1:{proxy.port}")
    assert own("http://sim.invalid", execute).success
    assert len(proxy.requests) == 1


def test_the_proxys_own_credentials_go_to_the_proxy(serve: Serve, own: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve()
    monkeypatch.setenv("HTTP_PROXY", f"http://ada:secret@127.0.0.1:{proxy.port}")
    own("http://sim.invalid", execute)
    assert proxy.requests[0].all("proxy-authorization") == ["Basic YWRhOnNlY3JldA=="]


@pytest.mark.parametrize(
    "value", ["127.0.0.1", "*", "example.com,*", "localhost,127.0.0.1", " 127.0.0.1 , example.com"]
)
def test_no_proxy_is_honoured(
    serve: Serve, own: Caller, nowhere: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", nowhere)
    monkeypatch.setenv("NO_PROXY", value)
    assert own(serve().url, execute).success


@pytest.mark.parametrize("value", ["::1", "localhost,127.0.0.1,::1", "[::1]"])
def test_no_proxy_names_ipv6_addresses_with_or_without_brackets(
    nowhere: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", nowhere)
    monkeypatch.setenv("NO_PROXY", value)
    assert environment_proxy("http://[::1]:3000") is None
    proxy = environment_proxy("http://[::2]:3000")
    assert proxy is not None
    assert (proxy.url, proxy.variable) == (nowhere, "HTTP_PROXY")


def test_certificates_that_cannot_be_read_for_want_of_descriptors_may_be_read_later(
    own: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_descriptors(*_: Any, **__: Any) -> Any:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(ssl, "create_default_context", no_descriptors)
    with pytest.raises(APIConnectionError, match="Too many open files") as caught:
        own("https://127.0.0.1:9", execute, max_retries=2)
    assert not caught.value.sent
    assert len(caught.value.history) == 2


def test_no_proxy_of_other_hosts_changes_nothing(serve: Serve, own: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve()
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", "example.com,.internal")
    own("http://sim.invalid", execute)
    assert len(proxy.requests) == 1


def test_a_proxy_for_https_is_not_used_for_http(
    serve: Serve, own: Caller, nowhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", nowhere)
    assert own(serve().url, execute).success


def test_calls_through_a_proxy_share_a_connection(serve: Serve, own: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve()
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    own("http://sim.invalid", execute, execute)
    assert len(proxy.connections) == 1


def test_a_proxy_that_refuses_connections_had_nothing_sent_to_it(
    own: Caller, nowhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", nowhere)
    with pytest.raises(APIConnectionError, match="proxy settings") as caught:
        own("http://sim.invalid", execute, max_retries=0)
    assert not caught.value.sent


@pytest.mark.parametrize("url", ["http://sim.invalid", "https://sim.invalid"])
def test_an_error_names_the_proxy_that_refused_and_its_variable_and_no_credentials(
    own: Caller, nowhere: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", nowhere.replace("http://", "http://someone:sesame@"))
    through = rf"sim\.invalid:\d+ through the proxy {nowhere.removeprefix('http://')} \(ALL_PROXY\): "
    with pytest.raises(APIConnectionError, match=through) as caught:
        own(url, execute, max_retries=0)
    assert "sesame" not in str(caught.value)
    assert leaks(caught.value, KEY, "sesame", b64encode(b"someone:sesame").decode()) == []


def test_an_error_names_the_proxy_that_refused_a_tunnel(
    serve: Serve, own: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve(answering(answer(b"", 407)))
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    with pytest.raises(APIConnectionError, match=rf"through the proxy 127\.0\.0\.1:{proxy.port} \(HTTPS_PROXY\)"):
        own("https://sim.invalid", execute, max_retries=0)


def test_a_proxy_of_plain_http_that_asks_for_credentials_is_told_apart_from_the_server(
    serve: Serve, own: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", serve(answering(answer(b"", 407))).url)
    with pytest.raises(APIStatusError, match=r"HTTP 407, .*\. A proxy asks for credentials; give them in its address"):
        own("http://sim.invalid", execute, max_retries=0)


def test_a_time_out_while_connecting_names_the_proxy(
    serve: Serve, own: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(connection: Connection) -> None:
        await connection.silence()

    proxy = serve(silent)
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    through = rf"while connecting through the proxy 127\.0\.0\.1:{proxy.port}"
    with pytest.raises(APITimeoutError, match=through) as caught:
        own("https://sim.invalid", lambda client: client.workflows.execute("wf", timeout=0.1), max_retries=0)
    assert not caught.value.sent


def test_the_deadline_holds_through_a_proxy(serve: Serve, own: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(connection: Connection) -> None:
        await connection.request()
        await connection.silence()

    proxy = serve(silent)
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    with pytest.raises(APITimeoutError):
        own("http://sim.invalid", lambda client: client.workflows.execute("wf", timeout=0.05))
    assert proxy.saw_close()


@pytest.mark.parametrize(
    "value",
    ["ftp://127.0.0.1:9", "http://", "http://:3128", "http://127.0.0.1:port", "http://127.0.0.1:99999", "socks4://h:1"],
)
def test_a_proxy_that_cannot_be_used_is_a_configuration_error(
    own: Caller, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", value)
    with pytest.raises(ConfigurationError, match="proxy"):
        own("http://sim.invalid", execute)


@pytest.mark.parametrize("value", ["ftp://ada:geheim@127.0.0.1:9", "socks5://ada:geheim@h:1", "http://ada:geheim@h:p"])
def test_an_unusable_proxys_password_is_not_shown(own: Caller, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", value)
    with pytest.raises(ConfigurationError) as caught:
        own("http://sim.invalid", execute)
    assert "geheim" not in str(caught.value)


# -- https -------------------------------------------------------------------------------------------------------


def test_a_certificate_of_the_authority_in_ssl_cert_file_is_trusted(
    serve: Serve, own: Caller, server_context: ssl.SSLContext, trusted: None
) -> None:
    server = serve(context=server_context)
    assert own(server.url, execute, execute).success
    assert [request.all("x-api-key") for request in server.requests] == [[KEY]] * 2
    assert len(server.connections) == 1


def test_a_certificate_of_an_unknown_authority_is_refused_once_before_anything_is_sent(
    serve: Serve, own: Caller, server_context: ssl.SSLContext
) -> None:
    server = serve(context=server_context)
    with pytest.raises(APIConnectionError, match=r"CERTIFICATE_VERIFY_FAILED.*attempt 1.*SSL_CERT_FILE") as caught:
        own(server.url, execute)
    assert not caught.value.sent
    assert caught.value.lasting
    assert caught.value.history == ()
    assert server.requests == []


def test_a_certificate_of_another_host_is_refused(
    serve: Serve, own: Caller, authority: trustme.CA, trusted: None
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("sim.example").configure_cert(context)
    server = serve(context=context)
    with pytest.raises(APIConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
        own(server.url, execute, max_retries=0)
    assert server.requests == []


@pytest.mark.parametrize("content", [None, b"this is no certificate"], ids=["missing", "garbage"])
def test_an_ssl_cert_file_that_cannot_be_used_is_a_configuration_error(
    own: Caller, content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "authority.pem"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with pytest.raises(ConfigurationError, match="SSL_CERT_FILE"):
        own("https://127.0.0.1:9", execute)


def test_the_deadline_bounds_a_tls_handshake_that_is_never_answered(serve: Serve, own: Caller) -> None:
    async def silent(connection: Connection) -> None:
        await connection.silence()

    server = serve(silent)
    with pytest.raises(APITimeoutError, match=r"while (connecting|waiting)") as caught:
        own(f"https://127.0.0.1:{server.port}", lambda client: client.workflows.execute("wf", timeout=0.05))
    assert not caught.value.sent
    assert server.saw_close()


@pytest.mark.parametrize("script", ["drop", "plain"])
def test_a_server_that_speaks_no_tls_had_nothing_sent_to_it(serve: Serve, own: Caller, script: str) -> None:
    async def plain(connection: Connection) -> None:
        if script == "plain":
            await connection.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            await connection.silence()

    server = serve(plain)
    with pytest.raises(APIConnectionError) as caught:
        own(f"https://127.0.0.1:{server.port}", execute, max_retries=0)
    assert not caught.value.sent


def test_a_truncated_answer_over_tls_may_have_been_sent(
    serve: Serve, own: Caller, server_context: ssl.SSLContext, trusted: None
) -> None:
    async def truncate(connection: Connection) -> None:
        await connection.request()
        await connection.send(answer()[:-5])

    server = serve(truncate, context=server_context)
    with pytest.raises(APIConnectionError) as caught:
        own(server.url, execute)
    assert caught.value.sent
    assert len(server.requests) == 1


def test_garbage_instead_of_tls_records_is_a_connection_error(
    serve: Serve, own: Caller, server_context: ssl.SSLContext, trusted: None
) -> None:
    async def spoil(connection: Connection) -> None:
        await connection.request()
        raw = connection.writer.get_extra_info("socket")
        socket.socket.send(raw._sock if hasattr(raw, "_sock") else raw, b"\x17\x03\x03\x00\x20" + b"x" * 32)
        await connection.silence()

    server = serve(spoil, context=server_context)
    with pytest.raises(APIConnectionError) as caught:
        own(server.url, execute)
    assert caught.value.sent
    assert len(server.requests) == 1


# -- https through a proxy ---------------------------------------------------------------------------------------


def test_https_goes_through_a_tunnel_that_does_not_see_the_key(
    serve: Serve, own: Caller, server_context: ssl.SSLContext, trusted: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, proxy = serve(context=server_context), serve(tunnel)
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    assert own(server.url, execute, execute).success
    assert [(request.method, request.target) for request in proxy.requests] == [("CONNECT", f"127.0.0.1:{server.port}")]
    assert KEY not in str(proxy.requests)
    assert [request.all("x-api-key") for request in server.requests] == [[KEY]] * 2


def test_a_tunnel_that_is_refused_had_nothing_sent_through_it(
    serve: Serve, own: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve(answering(answer(b"", 407)))
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    with pytest.raises(APIConnectionError, match=r"407|proxy authorization required") as caught:
        own("https://sim.invalid", execute, max_retries=0)
    assert not caught.value.sent


@pytest.mark.parametrize("reply", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200"], ids=["none", "nonsense", "half"])
def test_a_proxy_that_breaks_off_before_the_tunnel_is_there_was_sent_nothing(
    serve: Serve, own: Caller, monkeypatch: pytest.MonkeyPatch, reply: bytes
) -> None:
    """So an execution may be tried again."""

    async def breaking(connection: Connection) -> None:
        await connection.request()
        await connection.send(reply)

    proxy = serve(breaking)
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    with pytest.raises(APIConnectionError, match="Nothing was sent") as caught:
        own("https://sim.invalid", execute)
    assert not caught.value.sent
    assert [request.method for request in proxy.requests] == ["CONNECT"] * 3


def test_the_deadline_bounds_the_making_of_a_tunnel(serve: Serve, own: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(connection: Connection) -> None:
        await connection.request()
        await connection.silence()

    proxy = serve(silent)
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    with pytest.raises(APITimeoutError):
        own("https://sim.invalid", lambda client: client.workflows.execute("wf", timeout=0.05))
    assert proxy.saw_close()


# -- where the key goes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_key_is_never_sent_to_another_origin(serve: Serve, caller: Caller, status: int) -> None:
    other = serve()
    server = serve(answering(answer({}, status, Location=f"{other.url}/api/workflows/wf/execute")))
    with pytest.raises(Exception, match="redirect is not followed"):
        caller(server.url, execute)
    assert other.connections == []


def test_a_middleware_that_turns_a_request_elsewhere_does_not_take_the_key_along(serve: Serve, own: Caller) -> None:
    other, server = serve(), serve()

    def elsewhere(request: Any, call_next: Any) -> Any:
        request.url = request.url.replace(server.url, other.url)
        return (yield from call_next(request))

    own(server.url, execute, middleware=lambda stack: [elsewhere, *stack])
    assert other.requests[0].all("x-api-key") == []
