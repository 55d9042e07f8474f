"""Which texts of an input are uploaded: those that look like a media file's path and lie below the root. No others."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

import simstudio
from simstudio import ConfigurationError, InvalidInputError
from simstudio.sandbox.services.speedpix import SpeedPixServer
from simstudio.services.speedpix import Client, FileOutput
from simstudio.services.speedpix.paths import MEDIA_TYPES, may_name_media
from tests.modes import both_modes
from tests.services.speedpix.helpers import KEY, SECRET, keys, run


def sent(mode: str, server: SpeedPixServer, value: Any, *, given: dict[str, Any] | None = None, **options: Any) -> Any:
    """What a workflow's field gets for a value."""
    run(mode, lambda client: client.run("echo", {"v": value}, wait=False, **(given or {})), **keys(server), **options)
    return json.loads(server.requests[-1].body)["inputs"]["v"]


@pytest.mark.parametrize(
    "text",
    [
        "/a/b.png",
        "./b.JPG",
        "../b.webp",
        "~/b.mp4",
        "~you/b.mov",
        "C:\\pictures\\b.gif",
        "d:/b.bmp",
        "b.png",
        "a/b.png",
    ],
)
def test_a_text_that_ends_like_a_media_file_may_name_one(text: str):
    assert may_name_media(text)


@pytest.mark.parametrize(
    "text",
    [
        "a prompt", "https://x.test/b.png", "data:image/png;base64,AA==", "", "/", ".",
        "/etc/passwd", "b.txt", "./b.txt", "./b", "./b.png ", "./b.png?x", ".png", "/imagine a cat",
    ],
)  # fmt: skip
def test_other_texts_do_not(text: str):
    assert not may_name_media(text)


@pytest.mark.parametrize("ending", sorted(MEDIA_TYPES))
def test_each_listed_kind_is_uploaded_as_what_it_is(ending: str, here: Path, server: SpeedPixServer):
    (here / f"file{ending}").write_bytes(b"x")

    assert sent("sync", server, f"./file{ending}").startswith(server.base_url)
    put = next(each for each in server.requests if each.method == "PUT")
    assert put.headers["content-type"] == MEDIA_TYPES[ending]


def test_relative_absolute_and_upward_paths_below_the_root_are_uploaded(mode: str, here: Path, server: SpeedPixServer):
    for text in ("./in.png", f"{here}/in.png", "../here/in.png"):
        assert sent(mode, server, text).startswith(server.base_url)


def test_a_bare_name_of_a_file_below_the_root_is_uploaded(
    mode: str, here: Path, server: SpeedPixServer, caplog: pytest.LogCaptureFixture
):
    (here / "below").mkdir()
    (here / "below" / "a cat.png").write_bytes(b"x")

    for text in ("in.png", "below/a cat.png"):
        assert sent(mode, server, text).startswith(server.base_url)
    assert caplog.records == []


def test_a_bare_name_of_a_file_outside_the_root_is_text_with_a_warning(
    here: Path, server: SpeedPixServer, caplog: pytest.LogCaptureFixture
):
    (here / "below").mkdir()
    (here / "link.png").symlink_to(here.parent / "outside.png")
    (here.parent / "outside.png").write_bytes(b"private")

    assert sent("sync", server, "in.png", upload_root="below") == "in.png"
    assert sent("sync", server, "link.png") == "link.png"
    assert [record.getMessage().partition(": ")[0] for record in caplog.records] == [
        "The input holds the name of a media file outside upload_root (below)",
        "The input holds the name of a media file outside upload_root (the current directory)",
    ]
    assert server.sandbox.uploads == {}


@pytest.mark.parametrize("text", ["a drawing of in.png", "missing.png", "a" * 5000 + ".png", "\0.png"])
def test_a_prompt_that_ends_like_a_file_is_text_without_a_warning(
    text: str, here: Path, server: SpeedPixServer, caplog: pytest.LogCaptureFixture
):
    assert sent("sync", server, text) == text
    assert caplog.records == []


@pytest.mark.parametrize("text", ["../outside.png", "{outside}", "./link.png", "./linked/outside.png"])
def test_an_existing_file_outside_the_root_is_an_error_and_nothing_is_sent(
    mode: str, text: str, here: Path, server: SpeedPixServer
):
    outside = here.parent / "outside.png"
    outside.write_bytes(b"private")
    (here / "link.png").symlink_to(outside)
    (here / "linked").symlink_to(here.parent)

    with pytest.raises(InvalidInputError, match="which names a file outside upload_root"):
        sent(mode, server, text.format(outside=outside))

    assert server.requests == []


@pytest.mark.parametrize(("root", "shown"), [(None, "the current directory"), ("below", "below")])
def test_the_error_names_the_root(root: str | None, shown: str, here: Path, server: SpeedPixServer):
    (here / "below").mkdir()
    outside = here.parent / "outside.png"
    outside.write_bytes(b"private")

    with pytest.raises(InvalidInputError, match=rf"outside upload_root \({shown}\)"):
        sent("sync", server, str(outside), upload_root=root)


def test_a_root_behind_a_link_is_the_directory_it_leads_to(mode: str, here: Path, server: SpeedPixServer):
    (here.parent / "alias").symlink_to(here)

    assert sent(mode, server, "./in.png", upload_root=here.parent / "alias").startswith(server.base_url)


def test_a_link_within_the_root_is_followed(mode: str, here: Path, server: SpeedPixServer):
    (here / "link.png").symlink_to(here / "in.png")

    assert sent(mode, server, "./link.png").startswith(server.base_url)
    assert b'"originalFilename":"link.png"' in server.requests[0].body


def test_a_directory_with_a_neighbour_s_beginning_is_outside(mode: str, here: Path, server: SpeedPixServer):
    neighbour = here.parent / "here-too"
    neighbour.mkdir()
    (neighbour / "in.png").write_bytes(b"private")

    with pytest.raises(InvalidInputError, match="outside upload_root"):
        sent(mode, server, str(neighbour / "in.png"))


def test_the_root_can_be_set_for_a_client_and_for_a_call(mode: str, here: Path, server: SpeedPixServer):
    outside = here.parent / "outside.png"
    outside.write_bytes(b"x")

    assert sent(mode, server, str(outside), upload_root=here.parent).startswith(server.base_url)
    assert sent(mode, server, str(outside), given={"upload_root": str(here.parent)}).startswith(server.base_url)
    with pytest.raises(InvalidInputError, match="outside upload_root"):
        sent(mode, server, "./in.png", upload_root=here / "nothing")


def test_it_can_be_turned_off_for_a_client_and_for_a_call(mode: str, here: Path, server: SpeedPixServer):
    assert sent(mode, server, "./in.png", upload_paths=False) == "./in.png"
    assert sent(mode, server, "/etc/x.png", upload_paths=False) == "/etc/x.png"
    assert sent(mode, server, "./in.png", given={"upload_paths": False}) == "./in.png"
    assert sent(mode, server, "./in.png", upload_paths=False, given={"upload_paths": True}).startswith(server.base_url)


@both_modes
def test_objects_are_uploaded_wherever_they_lie(mode: str, here: Path, server: SpeedPixServer):
    outside = here.parent / "secret.txt"
    outside.write_bytes(b"on purpose")

    assert sent(mode, server, outside, upload_paths=False).startswith(server.base_url)
    with outside.open("rb") as file:
        assert sent(mode, server, file, upload_paths=False).startswith(server.base_url)
    made = simstudio.File(b"bytes", name="made.png")
    assert sent(mode, server, made, upload_paths=False).startswith(server.base_url)

    assert list(server.sandbox.uploads.values()) == [b"on purpose", b"on purpose", b"bytes"]


def test_what_is_no_file_is_text(mode: str, here: Path, server: SpeedPixServer):
    (here / "directory.png").mkdir()
    (here / "loop.png").symlink_to(here / "loop.png")
    os.mkfifo(here / "pipe.png")

    for text in ("./directory.png", "./loop.png", "./pipe.png", "./missing.png", "./in.png/x.png"):
        assert sent(mode, server, text) == text


def test_a_file_named_several_times_is_uploaded_once(mode: str, here: Path, server: SpeedPixServer):
    picture = here / "in.png"

    first, *others = sent(mode, server, ["./in.png", str(picture), picture, {"deep": "./in.png"}])

    assert len(server.sandbox.uploads) == 1
    assert others == [first, first, {"deep": first}]


def test_the_name_that_is_declared_is_the_base_name(mode: str, here: Path, server: SpeedPixServer):
    sent(mode, server, f"{here}/in.png")

    assert json.loads(server.requests[0].body) == {"contentType": "image/png", "originalFilename": "in.png"}


@pytest.mark.parametrize("value", [Path("nothing.png"), Path(), Path("/dev/null")])
def test_a_path_object_that_is_no_file_is_an_error(mode: str, value: Path, here: Path, server: SpeedPixServer):
    with pytest.raises(InvalidInputError, match=r"cannot be read|is no file"):
        sent(mode, server, value)


def test_a_file_opened_in_text_mode_is_an_error(mode: str, here: Path, server: SpeedPixServer):
    with (here / "secret.txt").open() as file, pytest.raises(InvalidInputError, match="binary mode"):
        sent(mode, server, file)


class OfNumpy:
    """What a numpy array or number shows of itself."""

    dtype = "int64"

    def tolist(self) -> list[int]:
        return [1, 2]


def test_containers_and_arrays_become_json(mode: str, here: Path, server: SpeedPixServer):
    value = {"t": (1, 2), "s": {3}, "f": frozenset({4}), "g": (n for n in [5]), "r": range(2), "a": OfNumpy()}
    value |= {"o": FileOutput("https://x.test/a?b=c"), "k": {"a": 1}.keys(), "i": iter([6])}

    assert sent(mode, server, value) == {
        "t": [1, 2], "s": [3], "f": [4], "g": [5], "r": [0, 1], "a": [1, 2],
        "o": "https://x.test/a?b=c", "k": ["a"], "i": [6],
    }  # fmt: skip


class HalfOfNumpy:
    """An attribute alone makes no array."""

    def __init__(self, **attributes: Any) -> None:
        vars(self).update(attributes)


def holding_itself() -> list[Any]:
    held: list[Any] = []
    held.append(held)
    return held


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (holding_itself(), "holds itself"),
        (float("nan"), "cannot be sent as JSON"),
        (object(), "cannot be sent as JSON"),
        (HalfOfNumpy(dtype="int64"), "cannot be sent as JSON"),
        (HalfOfNumpy(dtype="int64", tolist=[1]), "cannot be sent as JSON"),
        (HalfOfNumpy(tolist=lambda: [1]), "cannot be sent as JSON"),
        ("\ud800", "cannot be sent as JSON"),
        ({b"a": 1}, "cannot be sent as JSON"),
        (memoryview(b"x"), "Raw bytes"),
    ],
)
def test_what_cannot_be_sent_is_a_clear_error_and_nothing_is_sent(
    mode: str, value: Any, said: str, server: SpeedPixServer
):
    with pytest.raises(InvalidInputError, match=said):
        sent(mode, server, value)

    assert server.requests == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"workflow_id": ""}, "workflow_id is empty"),
        ({"workflow_id": 7}, "workflow_id must be a str"),
        ({"input": None}, "input must be a mapping"),
        ({"input": [1]}, "input must be a mapping"),
        ({"version_id": 1}, "version_id must be a str"),
        ({"alias_id": " "}, "alias_id is empty"),
        ({"resource_config_id": "a\nb"}, "X-SP-RESOURCE-CONFIG-ID"),
        ({"file_encoding_strategy": "gzip"}, "file_encoding_strategy"),
        ({"polling_interval": 0}, "polling_interval"),
        ({"timeout": -1}, "timeout"),
        ({"on_progress": 3}, "on_progress"),
    ],
)
def test_arguments_that_cannot_work_are_refused(mode: str, options: dict[str, Any], said: str, server: SpeedPixServer):
    arguments: dict[str, Any] = {"workflow_id": "echo", "input": {}, **options}

    with pytest.raises(InvalidInputError, match=said):
        run(mode, lambda client: client.run(**arguments), **keys(server))

    assert server.requests == []


@pytest.mark.parametrize("option", [{"upload_paths": "no"}, {"upload_root": 3}, {"allow_insecure_urls": 1}])
def test_a_policy_that_is_none_is_refused(option: dict[str, Any]):
    with pytest.raises(ConfigurationError, match=next(iter(option))):
        Client(KEY, SECRET, **option)
