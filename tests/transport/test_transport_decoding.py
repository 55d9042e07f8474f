"""Content encodings: what was asked for is taken off, what is broken is refused."""

from __future__ import annotations

import gzip
import random
import zlib
from typing import Any

import pytest

from simstudio.transport.wire.body import BodyTooLargeError, UndecodableBodyError, decode

TEXT = b'{"text": "' + b"x" * 10_000 + b'"}'


def small_window(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=10)
    return packer.compress(data) + packer.flush()


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("gzip", gzip.compress(TEXT)),
        ("GZip", gzip.compress(TEXT)),
        ("x-gzip", gzip.compress(TEXT)),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", raw_deflate(TEXT)),
        ("deflate", small_window(TEXT)),
        ("identity", TEXT),
        ("gzip, deflate", zlib.compress(gzip.compress(TEXT))),
    ],
    ids=["gzip", "GZip", "x-gzip", "zlib", "raw deflate", "small window", "identity", "two"],  # gzip writes the time
)
def test_what_was_asked_for_is_decoded(encoding: str, content: bytes) -> None:
    assert decode(content, encoding) == TEXT


def test_what_was_not_asked_for_stays_as_it_came() -> None:
    assert decode(b"\x0b\x02\x80", "br") == b"\x0b\x02\x80"
    assert decode(gzip.compress(b"\x0b"), "br, gzip") == b"\x0b"


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_what_was_never_packed_is_malformed(encoding: str) -> None:
    with pytest.raises(UndecodableBodyError, match="decompressed"):
        decode(b"this was never packed", encoding)


def test_gzip_of_several_members_is_decoded_whole() -> None:
    assert decode(gzip.compress(b"one, ") + gzip.compress(b"two"), "gzip") == b"one, two"


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_what_was_cut_short_is_malformed(encoding: str, pack: Any) -> None:
    with pytest.raises(UndecodableBodyError, match="cut short"):
        decode(pack(TEXT)[:-10], encoding)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_an_empty_body_needs_no_decoding(encoding: str) -> None:
    assert decode(b"", encoding) == b""


@pytest.mark.parametrize("encoding", ["gzip", "br, gzip"])
def test_a_limit_holds_for_the_decoded_size(encoding: str) -> None:
    assert decode(gzip.compress(TEXT), encoding, len(TEXT)) == TEXT
    with pytest.raises(BodyTooLargeError):
        decode(gzip.compress(TEXT), encoding, len(TEXT) - 1)


def test_a_limit_holds_for_all_members_of_gzip_together() -> None:
    members = gzip.compress(TEXT) + gzip.compress(TEXT)
    assert decode(members, "gzip", 2 * len(TEXT)) == TEXT + TEXT
    with pytest.raises(BodyTooLargeError):
        decode(members, "gzip", 2 * len(TEXT) - 1)


def test_what_follows_the_last_member_of_gzip_is_left_out() -> None:
    assert decode(gzip.compress(TEXT) + b"padding", "gzip") == TEXT


def test_content_larger_than_what_is_decompressed_at_once_is_decoded_whole() -> None:
    noise = random.Random(1).randbytes(300_000)
    assert decode(gzip.compress(noise) + gzip.compress(TEXT), "gzip") == noise + TEXT
