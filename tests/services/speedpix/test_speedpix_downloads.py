"""Downloads: where they go, what they leave behind, what a hostile server cannot make of them."""

from __future__ import annotations

import asyncio
import pickle
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from simstudio import APIConnectionError, InvalidInputError
from simstudio.core.disk import PartialFile
from simstudio.sandbox.services.speedpix import SpeedPixServer
from simstudio.services.speedpix import (
    FileOutput,
    FileSaveError,
    SpeedPixNotFoundError,
    UnsafeURLError,
)
from simstudio.services.speedpix.outputs import wrap_output
from simstudio.services.speedpix.urls import hide_queries, next_hop
from tests.modes import both_modes
from tests.services.speedpix.helpers import Answering, fetch, output_of, play

# --- downloads --------------------------------------------------------------------------------------------------------


@both_modes
def test_a_download_carries_nothing_of_the_client(mode: str):
    answering = Answering(lambda request: httpx.Response(200, content=b"x"))

    def script(client: Any) -> Any:
        output = output_of(client, "https://cdn.test/a?b=c")
        return fetch(client, output, "read")

    assert play(mode, answering, script, headers={"Authorization": "Bearer x"}) == b"x"
    (get,) = answering.requests
    assert [
        name for name in get.headers if name.startswith("x-ca") or name in ("authorization", "date", "cookie")
    ] == []


@both_modes
def test_redirects_are_followed_within_reason(mode: str):
    def handler(request: httpx.Request) -> httpx.Response:
        number = int(request.url.path[1:])
        if number == 5:
            return httpx.Response(200, content=b"found")
        return httpx.Response(
            (301, 302, 303, 307, 308)[number], headers={"location": f"https://cdn{number}.test/{number + 1}"}
        )

    def script(client: Any) -> Any:
        return fetch(client, output_of(client, "https://cdn.test/0"), "read")

    answering = Answering(handler)
    assert play(mode, answering, script) == b"found"
    assert {request.method for request in answering.requests} == {"GET"}


def test_redirects_without_end_are_an_error(mode: str):
    answering = Answering(lambda request: httpx.Response(302, headers={"location": "/again?Signature=x"}))

    def script(client: Any) -> Any:
        return fetch(client, output_of(client, "https://cdn.test/a"), "read")

    with pytest.raises(UnsafeURLError, match="5 redirects") as caught:
        play(mode, answering, script)

    assert "Signature" not in str(caught.value)
    assert len(answering.requests) == 6


@pytest.mark.parametrize(
    "location",
    [
        "http://cdn.test/a", "https://127.0.0.1/a", "https://localhost/a", "https://10.1.2.3/a", "https://[::1]/a",
        "https://169.254.169.254/latest/meta-data", "https://2130706433/a", "https://0x7f.1/a", "https://[::ffff:127.0.0.1]/a",
        "file:///etc/passwd", "https://user:pass@cdn.test/a", "", None, "https://[", "ftp://cdn.test/a",
    ],
)  # fmt: skip
def test_redirects_to_where_nothing_is_fetched_from_are_not_followed(location: str | None):
    with pytest.raises(UnsafeURLError):
        next_hop("https://cdn.test/a?secret=1", location, insecure=False, zone=None)


@pytest.mark.parametrize(
    ("location", "target"),
    [("/b", "https://cdn.test/b"), ("c?x=1#f", "https://cdn.test/c?x=1"), ("//o.test/d", "https://o.test/d")],
)
def test_redirects_may_be_relative(location: str, target: str):
    assert next_hop("https://cdn.test/a", location, insecure=False, zone=None) == target


def test_a_redirect_on_this_machine_stays_possible_for_a_service_that_is_there():
    here, there = "http://127.0.0.1:1/a", "http://127.0.0.1:2/b"
    assert next_hop(here, there, insecure=False, zone="loopback") == there


LOCAL = [
    ("loopback", "127.0.0.1"), ("loopback", "127.1"), ("loopback", "2130706433"), ("loopback", "0x7f.1"),
    ("loopback", "localhost."), ("loopback", "a.localhost"), ("loopback", "0.0.0.0"), ("loopback", "[::1]"),
    ("loopback", "[::]"), ("loopback", "[::ffff:127.0.0.1]"), ("link-local", "169.254.169.254"),
    ("link-local", "2852039166"), ("link-local", "[fe80::1%25eth0]"), ("private", "10.1.2.3"),
    ("private", "192.168.0.1"), ("private", "172.16.0.1"), ("private", "100.64.0.1"),
    ("private", "[fd00::1]"), ("private", "1.2.3.4.5.6"),
]  # fmt: skip


@pytest.mark.parametrize(("zone", "host"), LOCAL)
@pytest.mark.parametrize("endpoint", ["https://speedpix.test", "http://127.0.0.1:1", "http://10.0.0.9"])
def test_an_output_in_the_local_network_is_fetched_only_for_a_service_that_is_there(
    zone: str, host: str, endpoint: str
):
    answering = Answering(lambda request: httpx.Response(200, content=b"x"))
    homes = {"http://127.0.0.1:1": "loopback", "http://10.0.0.9": "private"}

    def script(client: Any) -> Any:
        client.set_base_url(endpoint)
        return fetch(client, output_of(client, f"http://{host}/latest"), "read")

    if homes.get(endpoint) == zone:
        assert play("sync", answering, script) == b"x"
    else:
        with pytest.raises(UnsafeURLError, match="local network"):
            play("sync", answering, script)
        assert answering.requests == []


@pytest.mark.parametrize("pickled", [False, True])
def test_nor_is_one_whose_service_is_not_known(pickled: bool, server: SpeedPixServer):
    output = wrap_output(server.sandbox.store(b"content", "a.bin"))

    with pytest.raises(UnsafeURLError, match="local network"):
        (pickle.loads(pickle.dumps(output)) if pickled else output).read()

    assert server.requests == []


@both_modes
def test_a_redirect_of_an_output_into_the_local_network_is_not_followed(mode: str):
    moved = {"location": "https://169.254.169.254/latest"}
    answering = Answering(lambda request: httpx.Response(302, headers=moved))

    with pytest.raises(UnsafeURLError, match="redirects into the local network"):
        play(mode, answering, lambda client: fetch(client, output_of(client, "https://cdn.test/a"), "read"))

    assert len(answering.requests) == 1


def test_an_output_made_by_hand_is_fetched_from_where_its_maker_said(server: SpeedPixServer):
    output = FileOutput(server.sandbox.store(b"content", "a.bin"))

    assert pickle.loads(pickle.dumps(output)).read() == b"content"


def test_so_is_one_of_a_service_on_this_machine_after_a_pickle(server: SpeedPixServer):
    url = server.sandbox.store(b"content", "a.bin")
    with server.client() as client:
        output = pickle.loads(pickle.dumps(output_of(client, url)))

    assert output.read() == b"content"


@pytest.mark.parametrize("url", ["http://", "ftp://x/y", "no address", "https://a b", ""])
def test_there_is_nothing_to_fetch_at_no_address(url: str):
    with pytest.raises(UnsafeURLError):
        FileOutput(url).read()


def test_an_output_is_made_of_a_text():
    url: Any = None
    with pytest.raises(InvalidInputError):
        FileOutput(url)


@both_modes
def test_a_file_comes_whole_piece_by_piece(mode: str, server: SpeedPixServer):
    content = bytes(range(256)) * 2000
    output = FileOutput(server.sandbox.store(content, "a.bin"))

    assert (asyncio.run(joined(output)) if mode == "async" else b"".join(output)) == content


async def joined(output: FileOutput) -> bytes:
    return b"".join([piece async for piece in output])


@both_modes
def test_leaving_an_iteration_early_leaves_no_connection_open(mode: str, server: SpeedPixServer):
    output = FileOutput(server.sandbox.store(b"x" * 2_000_000, "a.bin"))

    async def first() -> bytes:
        async for piece in output:
            return piece
        raise AssertionError

    assert asyncio.run(first()) if mode == "async" else next(iter(output))


@contextmanager
def cut(server: SpeedPixServer) -> Iterator[None]:
    """Downloads break in the middle."""
    server.sandbox.faults.add(after_bytes=100_000, path="/files/*", times=None)
    yield
    server.sandbox.faults.clear()


@both_modes
@pytest.mark.parametrize("before", [None, b"before"])
def test_a_download_that_breaks_leaves_no_trace(
    mode: str, before: bytes | None, tmp_path: Path, server: SpeedPixServer
):
    target = tmp_path / "out.bin"
    if before is not None:
        target.write_bytes(before)
    output = FileOutput(server.sandbox.store(b"x" * 300_000, "a.bin"))

    with cut(server), pytest.raises(APIConnectionError):
        asyncio.run(output.async_save(target)) if mode == "async" else output.save(target)

    assert [path.read_bytes() for path in tmp_path.iterdir()] == ([] if before is None else [before])


def test_a_download_that_is_canceled_leaves_no_trace(tmp_path: Path, server: SpeedPixServer):
    output = FileOutput(server.sandbox.store(b"x" * 300_000, "a.bin"))
    server.sandbox.faults.add(latency=30.0, path="/files/*")

    async def main() -> None:
        task = asyncio.create_task(output.async_save(tmp_path / "out.bin"))
        while not server.requests:  # noqa: ASYNC110 - the server is in another thread
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert list(tmp_path.iterdir()) == []


@both_modes
def test_a_saved_file_keeps_the_mode_of_the_one_it_replaces(mode: str, tmp_path: Path, server: SpeedPixServer):
    output = FileOutput(server.sandbox.store(b"new", "a.bin"))
    target, fresh = tmp_path / "out.bin", tmp_path / "fresh.bin"
    target.write_bytes(b"old")
    target.chmod(0o640)
    (tmp_path / "usual").touch()

    for path in (target, fresh):
        saved = asyncio.run(output.async_save(path)) if mode == "async" else output.save(path)
        assert saved == path
        assert path.read_bytes() == b"new"

    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert fresh.stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_saved_file_is_private_until_it_is_complete(
    mode: str, tmp_path: Path, server: SpeedPixServer, umask: int, monkeypatch: pytest.MonkeyPatch
):
    output = FileOutput(server.sandbox.store(b"new", "a.bin"))
    complete, seen = PartialFile.replace_target, []

    def watched(part: PartialFile) -> None:
        seen.extend(stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir())
        complete(part)

    monkeypatch.setattr(PartialFile, "replace_target", watched)
    target = tmp_path / "out.bin"
    asyncio.run(output.async_save(target)) if mode == "async" else output.save(target)

    assert seen == [0o600]
    assert stat.S_IMODE(target.stat().st_mode) == 0o666 & ~umask


def test_a_link_stays_a_link_to_what_is_replaced(tmp_path: Path, server: SpeedPixServer):
    (tmp_path / "real.bin").write_bytes(b"old")
    (tmp_path / "link.bin").symlink_to(tmp_path / "real.bin")

    FileOutput(server.sandbox.store(b"new", "a.bin")).save(str(tmp_path / "link.bin"))

    assert (tmp_path / "link.bin").is_symlink()
    assert (tmp_path / "real.bin").read_bytes() == b"new"


@pytest.mark.parametrize("name", ["", "missing/out.bin", "in-the-way", "a\0b"])
def test_where_nothing_can_be_written_nothing_is_fetched(mode: str, name: str, tmp_path: Path, server: SpeedPixServer):
    (tmp_path / "in-the-way").mkdir()
    output = FileOutput(server.sandbox.store(b"new", "a.bin"))
    target = f"{tmp_path}/{name}"

    with pytest.raises(FileSaveError):
        asyncio.run(output.async_save(target)) if mode == "async" else output.save(target)

    assert server.requests == []


def test_a_path_that_is_none_is_refused():
    path: Any = 3
    with pytest.raises(InvalidInputError, match="path must be a path"):
        FileOutput("https://x.test/a").save(path)


@both_modes
def test_a_download_is_tried_again_while_nothing_has_come(mode: str, server: SpeedPixServer):
    output = FileOutput(server.sandbox.store(b"content", "a.bin"))
    server.sandbox.faults.add(status=503, path="/files/*")

    assert (asyncio.run(output.async_read()) if mode == "async" else output.read()) == b"content"


def test_a_file_that_is_gone_says_so(mode: str, server: SpeedPixServer):
    output = FileOutput(f"{server.base_url}/files/nothing?Signature=geheim")

    with pytest.raises(SpeedPixNotFoundError, match="specified key does not exist") as caught:
        asyncio.run(output.async_read()) if mode == "async" else output.read()

    assert caught.value.error_code == "NoSuchKey"
    assert str(caught.value).endswith("). The address of the file may have expired.")
    assert caught.value.response is not None
    assert "geheim" not in str(caught.value) + caught.value.response.url


@both_modes
@pytest.mark.parametrize("method", ["read", "save", "iterate"])
def test_a_download_that_fails_shows_nothing_of_the_address_s_query(mode: str, method: str, tmp_path: Path):
    def break_off(url: str) -> Iterator[bytes]:
        yield b"x"
        raise httpx.ReadError(f"{url} broke off")

    class Breaking(httpx.SyncByteStream, httpx.AsyncByteStream):
        def __init__(self, url: str) -> None:
            self.pieces = break_off(url)

        def __iter__(self) -> Iterator[bytes]:
            return self.pieces

        async def __aiter__(self) -> Any:
            for piece in self.pieces:
                yield piece

    def script(client: Any) -> Any:
        output = output_of(client, "https://cdn.test/a?Signature=geheim")
        if method == "iterate":
            return joined(output) if mode == "async" else b"".join(output)
        return fetch(client, output, method, *([tmp_path / "a"] if method == "save" else []))

    answering = Answering(lambda request: httpx.Response(200, stream=Breaking(str(request.url))))
    with pytest.raises(APIConnectionError, match="broke off") as caught:
        play(mode, answering, script, max_retries=0)

    assert "geheim" not in str(caught.value) + repr(vars(caught.value))
    assert list(tmp_path.iterdir()) == []


def test_outputs_are_equal_by_their_address_and_have_no_secret_to_show():
    output = FileOutput("https://x.test/a?k=1")

    assert {output, FileOutput("https://x.test/a?k=1")} == {output}
    assert output != "https://x.test/a?k=1"
    assert repr(output) == "FileOutput('https://x.test/a?***')"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see https://a.test/b?c=d, and e?f", "see https://a.test/b?*** and e?f"),
        ('{"u":"https:\\/\\/a.test\\/b?c=d\\u0026e"}', '{"u":"https:\\/\\/a.test\\/b?***"}'),
        ("no address? none", "no address? none"),
        ("HTTPS://A.test/?x", "HTTPS://A.test/?***"),
        ("İ" * 50 + "http://a.test/?x", "İ" * 50 + "http://a.test/?***"),
    ],
)
def test_queries_are_taken_out_of_any_text(text: str, shown: str):
    assert hide_queries(text) == shown


def test_a_hostile_text_is_looked_through_in_one_pass():
    assert hide_queries("http:/" * 500_000 + "?") == "http:/" * 500_000 + "?***"
