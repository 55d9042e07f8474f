"""Texts of a server that a careless pattern would take hours to read. Each test ends at once, or hangs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simstudio import Download, InvalidResponseError
from simstudio.cli.tables import _wrap
from simstudio.core.failures import read_error
from simstudio.core.sse import SSEDecoder
from simstudio.services.oomol.models import Applet, AppletData
from simstudio.services.oomol.resources.applets import _block_id
from simstudio.services.speedpix.urls import hide_queries, is_file_url, zone_of_url
from simstudio.services.vectorvein.envelope import salvage_id
from simstudio.transport.hints import parse_reset, parse_retry_after
from simstudio.transport.message import Headers, Response
from simstudio.transport.terminal import printable

SIZE = 60_000


def disposition(text: str) -> Any:
    return Download.of(Response(200, Headers.decode([(b"content-disposition", text.encode())]), b"")).name


def page(text: str) -> Any:
    return read_error(Response(404, Headers({"content-type": "text/html"}), text.encode()))


def applet(text: str) -> str:
    return _block_id(Applet("a", data=AppletData(package_id=text, block_name="b")))


def salvaged(text: str) -> str | None:
    return salvage_id(InvalidResponseError("odd", response=Response(200, content=text.encode())))


READERS: dict[str, tuple[Callable[[str], Any], list[str]]] = {
    "a file's name": (disposition, ['filename="', "filename*=utf-8''", "filename =", "filename* ", "\\", '"']),
    "a wait": (lambda text: parse_retry_after(text, now=0), ["1", "Mon, ", "(", ":", "-", "1 Jan "]),
    "a reset": (parse_reset, ["1", "2026-", "T", ":", "."]),
    "a page": (page, ["<title>", "<", "<title ", "</title>", "<TITLE"]),
    "a text with addresses": (hide_queries, ["http", "http?", "http://", "?"]),
    "an address": (is_file_url, ["http://a", "a.", "/", "?"]),
    "a host": (lambda text: zone_of_url(f"http://{text}"), ["1.", "0x", "a.", ":"]),
    "a package": (applet, ["-1.1.1", "-1.1.1+", "-", "1."]),
    "a stream": (lambda text: SSEDecoder().feed(text.encode()), ["data:x\n", "\n", ":", "\r", "id:\0\n"]),
    "a field of a table": (lambda text: _wrap(text, 80), [" ", "a ", "a"]),
    "a body with an id": (salvaged, ['"rid"', '"rid" ', '"rid":', '"']),
    "a text for a terminal": (printable, ["\x1b", "\r", "\u202e"]),
}


@pytest.mark.parametrize("name", READERS)
def test_are_read_in_one_pass(name: str) -> None:
    read, parts = READERS[name]
    for part in parts:
        for text in (part * (SIZE // len(part)), part * (SIZE // len(part)) + "!", "!" + part * (SIZE // len(part))):
            read(text)
