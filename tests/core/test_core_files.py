from __future__ import annotations

import base64
import io
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

from simstudio import File, FileInputWarning, InvalidInputError
from simstudio.core.files import MAX_BODY_BYTES, as_file
from tests.driving import Both, answer
from tests.modes import both_modes
from tests.uploads import UPLOADS


def sent(file: File) -> tuple[str, str, bytes]:
    """Name, type and bytes as they are sent."""
    made = file.to_dict()
    head, _, data = made["data"].partition(";base64,")
    assert head == f"data:{made['mime']}"
    assert made["type"] == "file"
    return made["name"], made["mime"], base64.b64decode(data)


class Raw(io.RawIOBase):
    """A file that gives a few bytes at a time, as pipes and sockets do."""

    def __init__(self, content: bytes) -> None:
        self.rest = content

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self.rest[: min(3, len(buffer))]
        self.rest = self.rest[len(piece) :]
        buffer[: len(piece)] = piece
        return len(piece)


class TestContent:
    @pytest.mark.parametrize("content", [b"hi", bytearray(b"hi"), memoryview(b"hi")])
    def test_bytes_with_a_name(self, content: Any) -> None:
        assert sent(File(content, name="greeting.txt")) == ("greeting.txt", "text/plain", b"hi")

    def test_a_path_gives_its_name_and_type(self, tmp_path: Path) -> None:
        path = tmp_path / "report.pdf"
        path.write_bytes(b"%PDF")
        assert sent(File(path)) == ("report.pdf", "application/pdf", b"%PDF")

    def test_any_path_like_object_will_do(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_bytes(b"1,2")

        class Where:
            def __fspath__(self) -> str:
                return str(tmp_path / "a.csv")

        assert sent(File(Where())) == ("a.csv", "text/csv", b"1,2")

    def test_an_open_file_is_read_from_its_start_and_its_position_restored(self, tmp_path: Path) -> None:
        path = tmp_path / "a.txt"
        path.write_bytes(b"0123456789")
        with path.open("rb") as file:
            file.seek(4)
            assert sent(File(file)) == ("a.txt", "text/plain", b"0123456789")
            assert file.tell() == 4

    def test_a_buffer_too(self) -> None:
        buffer = io.BytesIO(b"0123")
        buffer.seek(2)
        assert sent(File(buffer, name="b.bin"))[2] == b"0123"
        assert buffer.tell() == 2

    def test_a_spooled_temporary_file_too(self) -> None:
        with tempfile.SpooledTemporaryFile() as file:
            file.write(b"0123")
            assert sent(File(file, name="b.bin"))[2] == b"0123"
            assert file.tell() == 4

    def test_one_that_knows_no_positions_is_read_as_it_comes(self) -> None:
        assert sent(File(Raw(b"0123456789"), name="pipe.txt"))[2] == b"0123456789"

    def test_an_object_with_read_alone_will_do(self) -> None:
        class Reader:
            def read(self, size: int = -1) -> bytes:
                return b"hi" if not self.__dict__.setdefault("over", []) and not self.over.append(1) else b""

            over: list[int]

        assert sent(File(Reader(), name="r.txt"))[2] == b"hi"

    def test_an_empty_file_is_one(self) -> None:
        assert sent(File(b"", name="empty.txt"))[2] == b""


class TestRefused:
    @pytest.mark.parametrize("content", ["report.pdf", "/etc/passwd", ""])
    def test_a_text_is_never_a_path(self, content: Any) -> None:
        with pytest.raises(InvalidInputError, match=r"pathlib\.Path"):
            File(content)

    @pytest.mark.parametrize("content", [None, 5, ["x"], {"a": 1}])
    def test_what_is_no_file(self, content: Any) -> None:
        with pytest.raises(InvalidInputError, match="bytes, a path or an open file"):
            File(content)

    def test_a_file_opened_in_text_mode(self, tmp_path: Path) -> None:
        path = tmp_path / "a.txt"
        path.write_text("hi")
        with path.open() as file:
            with pytest.raises(InvalidInputError, match="binary mode"):
                as_file(file)
            with pytest.raises(InvalidInputError, match="binary mode"):
                File(file).read()  # type: ignore[arg-type]

    @pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
    def test_raw_bytes_in_an_input(self, kind: Any) -> None:
        with pytest.raises(InvalidInputError, match=r"simstudio\.File\(content, name="):
            as_file(kind(b"hi"))

    def test_one_whose_read_takes_no_size_says_what_to_pass(self) -> None:
        class Download:
            name = "a.png"

            def read(self) -> bytes:
                return b"x"

        with pytest.raises(
            InvalidInputError, match=r"'a.png' cannot be read \(.*\): pass its content, File\(value.read"
        ):
            File(Download()).read()  # type: ignore[arg-type]

    def test_a_missing_path_a_directory_and_a_closed_file(self, tmp_path: Path) -> None:
        closed = io.BytesIO(b"x")
        closed.close()
        for content in (tmp_path / "missing.txt", tmp_path, closed):
            with pytest.raises(InvalidInputError, match="cannot be read"):
                File(content, name="x.txt").read()

    def test_one_opened_for_writing(self, tmp_path: Path) -> None:
        with (tmp_path / "a.txt").open("wb") as file, pytest.raises(InvalidInputError, match="cannot be read"):
            File(file).read()

    @pytest.mark.parametrize(
        "name", ["a\nb.txt", "a\x00.txt", "a\r\nX: 1", "\ud800.txt", "\x7f", "\x85.txt", "a\u2028.txt"]
    )
    def test_a_name_with_control_characters(self, name: str) -> None:
        with pytest.raises(InvalidInputError, match="name"):
            File(b"", name=name)

    @pytest.mark.parametrize("name", [5, b"a.txt", ["a"]])
    def test_a_name_that_is_no_text(self, name: Any) -> None:
        with pytest.raises(InvalidInputError, match="name must be a str"):
            File(b"", name=name)

    @pytest.mark.parametrize(
        "mime", ["text/plain; charset=utf-8", "a,b", 'a"b', "text/\nplain", 5, b"text/plain", "text plain"]
    )
    def test_what_is_no_media_type(self, mime: Any) -> None:
        with pytest.raises(InvalidInputError, match="mime"):
            File(b"", mime=mime)


class TestNames:
    @pytest.mark.parametrize(
        ("given", "kept"),
        [
            ("a.txt", "a.txt"),
            ("/etc/passwd", "passwd"),
            ("../../x.txt", "x.txt"),
            ("C:\\Users\\me\\x.txt", "x.txt"),
            ("a/b/", "b"),
            ("résumé.pdf", "résumé.pdf"),
            ("Bild\u202f1.png", "Bild\u202f1.png"),
            ("a b.txt", "a b.txt"),
            ("日本\u3000語.txt", "日本\u3000語.txt"),
            ("..", "file.bin"),
            ("", "file.bin"),
            ("/", "file.bin"),
        ],
    )
    def test_only_the_base_name_is_sent(self, given: str, kept: str) -> None:
        assert File(b"", name=given).name == kept

    def test_bytes_without_a_name_get_one_by_their_type(self) -> None:
        assert File(b"", mime="application/pdf").name == "file.pdf"
        assert File(b"").name == "file.bin"

    def test_a_given_name_comes_before_the_files_own(self, tmp_path: Path) -> None:
        assert File(tmp_path / "a.txt", name="b.md").name == "b.md"

    def test_an_open_descriptor_has_no_name(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"x")
        with os.fdopen(os.open(tmp_path / "a", os.O_RDONLY), "rb") as file:
            assert File(file).name == "file.bin"


class TestTypes:
    @pytest.mark.parametrize(
        ("name", "mime"),
        [
            ("a.txt", "text/plain"),
            ("a.PNG", "image/png"),
            ("a.json", "application/json"),
            ("a.nothing", "application/octet-stream"),
            ("a", "application/octet-stream"),
        ],
    )
    def test_they_are_guessed_from_the_name(self, name: str, mime: str) -> None:
        assert File(b"", name=name).mime == mime

    def test_a_given_one_comes_first(self) -> None:
        assert File(b"", name="a.txt", mime="text/markdown").mime == "text/markdown"

    def test_repr_shows_no_content(self) -> None:
        assert repr(File(b"hush", name="a.txt")) == "File(name='a.txt', mime='text/plain')"


class TestSize:
    def test_more_than_sim_takes_is_refused_with_advice(self) -> None:
        with pytest.raises(InvalidInputError, match=r'"type": "url"') as caught:
            File(bytes(MAX_BODY_BYTES + 1), name="big.bin").read()
        assert caught.value.code == "PAYLOAD_TOO_LARGE"
        assert "big.bin" in str(caught.value)

    def test_a_path_is_measured_before_it_is_read(self, tmp_path: Path) -> None:
        path = tmp_path / "sparse.bin"
        with path.open("wb") as file:
            file.truncate(1 << 40)
        with pytest.raises(InvalidInputError, match="takes"):
            File(path).read()

    def test_an_endless_file_is_read_no_further_than_needed(self) -> None:
        class Endless(io.RawIOBase):
            given = 0

            def readable(self) -> bool:
                return True

            def readinto(self, buffer: Any) -> int:
                self.given += len(buffer)
                return len(buffer)

        endless = Endless()
        with pytest.raises(InvalidInputError, match="takes"):
            File(endless, name="zero").read()
        assert endless.given <= 2 * MAX_BODY_BYTES


class Methods:
    """An open file that has only some of the methods."""

    def __init__(self, *names: str) -> None:
        content = io.BytesIO(b"abc")
        content.seek(1)
        self.tell_position = content.tell
        for name in ("read", *names):
            setattr(self, name, getattr(content, name))


@pytest.mark.parametrize(
    ("names", "read", "position"),
    [
        (["seekable", "seek", "tell"], b"abc", 1),
        (["seek", "tell"], b"abc", 1),
        (["seek"], b"bc", 3),
        (["tell"], b"bc", 3),
        ([], b"bc", 3),
    ],
    ids=["all", "seek and tell", "seek", "tell", "none"],
)
def test_a_file_is_read_from_its_start_and_left_where_it_was_if_its_methods_allow_it(
    names: list[str], read: bytes, position: int
) -> None:
    file: Any = Methods(*names)
    assert File(file, name="a").read() == read
    assert file.tell_position() == position


class Unread:
    """Like aiohttp's ``BodyPartReader`` and the files of aiofiles: nothing but an async ``read``."""

    filename = "report.pdf"
    content_type = "application/pdf"

    async def read(self, size: int = -1) -> bytes:
        raise AssertionError


class TestUploadedFiles:
    @pytest.mark.parametrize("framework", UPLOADS)
    def test_what_a_web_framework_received_is_a_file_with_its_name_and_type(self, framework: str) -> None:
        expected = ("report.pdf", "application/pdf", b"hi")
        assert sent(File(UPLOADS[framework]())) == expected
        assert sent(as_file(UPLOADS[framework]())) == expected  # type: ignore[arg-type]

    @pytest.mark.parametrize("framework", UPLOADS)
    def test_a_given_name_and_type_come_first(self, framework: str) -> None:
        file = File(UPLOADS[framework](), name="a.txt", mime="text/x-own")
        assert sent(file) == ("a.txt", "text/x-own", b"hi")

    @pytest.mark.parametrize(
        ("declared", "mime"),
        [(None, "text/csv"), ("", "text/csv"), ("text/x, evil", "text/csv"), ("; x", "text/csv"), (5, "text/csv")],
    )
    def test_a_type_that_no_header_can_hold_is_guessed_from_the_name(self, declared: Any, mime: str) -> None:
        upload = UPLOADS["Django"]()
        upload.name, upload.content_type = "a.csv", declared
        assert sent(File(upload))[:2] == ("a.csv", mime)

    @pytest.mark.parametrize("name", [None, ""])
    def test_one_without_a_name_is_not_called_like_its_field(self, name: Any) -> None:
        upload = UPLOADS["Werkzeug"]()
        upload.filename = name
        assert sent(File(upload))[:2] == ("file.pdf", "application/pdf")

    @pytest.mark.parametrize("take", [File, as_file])
    def test_one_that_must_be_awaited_is_refused_with_advice(self, take: Any) -> None:
        with pytest.raises(InvalidInputError, match=r"only be read with await.*\.file.*await upload\.read\(\)"):
            take(Unread())

    def test_what_reads_something_else_is_named(self) -> None:
        class Odd:
            def read(self, size: int = -1) -> Any:
                return None

        with pytest.raises(InvalidInputError, match="gave NoneType instead of bytes"):
            File(Odd(), name="a").read()  # type: ignore[arg-type]

    @both_modes
    async def test_they_are_sent_as_inputs(self, both: Both) -> None:
        made = both.client(answer(200, {"success": True, "output": None}))
        await both(made.workflows.execute("wf", {"files": [make() for make in UPLOADS.values()]}))
        item = {"type": "file", "data": "data:application/pdf;base64,aGk=", "name": "report.pdf"}
        assert made.script.requests[0].json() == {"files": [{**item, "mime": "application/pdf"}] * len(UPLOADS)}


class TestAsInput:
    def test_what_is_no_file_is_none(self) -> None:
        assert [as_file(value) for value in ("/etc/passwd", 5, None, {"a": 1}, [1])] == [None] * 5

    @both_modes
    async def test_paths_open_files_and_files_are_sent_wherever_they_lie_in_fields(
        self, both: Both, tmp_path: Path
    ) -> None:
        path = tmp_path / "a.txt"
        path.write_bytes(b"hi")
        made = both.client(answer(200, {"success": True, "output": None}))
        with path.open("rb") as file:
            await both(
                made.workflows.execute("wf", {"one": path, "many": [file, File(b"x", name="x.bin")], "text": str(path)})
            )
        body = made.script.requests[0].json()
        item = {"type": "file", "data": "data:text/plain;base64,aGk=", "name": "a.txt", "mime": "text/plain"}
        assert body["one"] == item
        assert body["many"][0] == item
        assert body["many"][1]["name"] == "x.bin"
        assert body["text"] == str(path)

    async def test_deeper_ones_are_sent_with_a_warning(self, both: Both) -> None:
        made = both.client(answer(200, {"success": True, "output": None}))
        with pytest.warns(FileInputWarning, match="top-level fields"):
            await both(made.workflows.execute("wf", {"a": {"b": [File(b"x", name="x.bin")]}}))
        assert made.script.requests[0].json()["a"]["b"][0]["type"] == "file"

    async def test_in_background_runs_all_are(self, both: Both) -> None:
        made = both.client(answer(202, {"success": True, "jobId": "run_1"}))
        with pytest.warns(FileInputWarning, match="background runs"):
            await both(made.workflows.submit("wf", {"a": File(b"x", name="x.bin")}))

    async def test_more_than_10_mib_of_them_is_refused_before_anything_is_sent(self, both: Both) -> None:
        made = both.client()
        with pytest.raises(InvalidInputError, match="10,485,760") as caught:
            await both(made.workflows.execute("wf", {"a": File(bytes(8 * 1024 * 1024), name="a.bin")}))
        assert caught.value.code == "PAYLOAD_TOO_LARGE"
        assert made.script.requests == []
