from __future__ import annotations

import errno
import pickle
import stat
import tracemalloc
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simstudio import APIConnectionError, Download, InvalidInputError, NotFoundError
from simstudio.core.disk import NewFile, PartialFile, safe_name
from simstudio.core.endpoint import Sender, endpoint
from simstudio.core.modes import M
from simstudio.core.parameters import local
from simstudio.core.resource import APIResource
from simstudio.transport.flow import Flow
from simstudio.transport.message import Headers, Request, Response
from tests.driving import Both, Played, answer, client, play, resource, streamed
from tests.modes import both_modes


def download(content: bytes = b"bytes", **headers: str) -> Download:
    return Download.of(answer(200, content=content, headers={n.replace("_", "-"): v for n, v in headers.items()}))


def received(disposition: str) -> Download:
    """A download whose header came off the wire as UTF-8 or Latin-1 text."""
    return Download.of(Response(200, Headers.decode([(b"Content-Disposition", disposition.encode("latin-1"))]), b""))


def place(what: str, target: Path, kept: Path) -> None:
    """Put something in the way of a download; a link leads to ``kept``."""
    if what == "directory":
        target.mkdir()
    elif what == "file":
        target.write_bytes(b"before")
    else:
        if what == "link":
            kept.write_bytes(b"before")
        target.symlink_to(kept)


def refuse(*_: Any) -> None:
    raise OSError("no hard links here")


class TestName:
    @pytest.mark.parametrize(
        ("disposition", "name"),
        [
            ("attachment; filename=report.pdf", "report.pdf"),
            ('attachment; filename="a report.pdf"', "a report.pdf"),
            ("attachment; filename*=UTF-8''bl%C3%A4tter.pdf", "blätter.pdf"),
            ("attachment; filename*=utf-8'de'bl%C3%A4tter.pdf", "blätter.pdf"),
            ("attachment; filename=\"blatter.pdf\"; filename*=UTF-8''bl%C3%A4tter.pdf", "blätter.pdf"),
            ("attachment; filename*=UTF-8''bl%C3%A4tter.pdf; filename=\"blatter.pdf\"", "blätter.pdf"),
            (r'attachment; filename="say \"hi\".txt"', 'say "hi".txt'),
            ("attachment; FILENAME = x.txt", "x.txt"),
            ("inline; filename=x.txt; size=5", "x.txt"),
            ("attachment; filename=100%25.txt", "100%25.txt"),
            ("attachment", None),
            ("attachment; filename=", None),
            ('attachment; filename=""', None),
            ("", None),
        ],
    )
    def test_it_is_that_of_the_disposition_rfc_5987_first(self, disposition: str, name: str | None) -> None:
        assert download(Content_Disposition=disposition).name == name

    def test_a_header_of_its_own_comes_first_and_is_percent_encoded(self) -> None:
        made = download(X_File_Name="a%20%C3%A4%20(1).txt", Content_Disposition="attachment; filename=b.txt")
        assert made.name == "a ä (1).txt"

    @pytest.mark.parametrize(
        "name", ["画面　撮影.png", "Screenshot 3.04\u202fPM.png", "نامه\u200cها.txt", "👩\u200d💻.txt", ".env", " x"]
    )
    def test_real_names_stay_as_they_are(self, name: str) -> None:
        assert download(X_File_Name=quote(name)).name == name
        assert download(Content_Disposition=f"attachment; filename*=UTF-8''{quote(name)}").name == name

    @pytest.mark.parametrize(
        ("hostile", "name"),
        [
            ("../../etc/passwd", "passwd"),
            ("/etc/passwd", "passwd"),
            ("..\\..\\windows\\win.ini", "win.ini"),
            ("C:\\windows\\win.ini", "win.ini"),
            ("a/../../b", "b"),
            ("dir/", "dir"),
            ("..", None),
            (".", None),
            ("a/..", None),
            ("/", None),
            ("\\", None),
            ("  ", None),
            (" .. ", None),
            ("a\nb", None),
            ("a\x00b", None),
            ("a\x7f", None),
            ("a\x85b", None),
            ("exe\u202etxt.pdf", None),
            ("a\u2028b", None),
        ],
    )
    def test_it_names_no_directory_and_hides_nothing(self, hostile: str, name: str | None) -> None:
        assert download(X_File_Name=quote(hostile, safe="")).name == name
        assert download(Content_Disposition=f"attachment; filename*=UTF-8''{quote(hostile, safe='')}").name == name

    def test_a_plain_name_is_not_percent_decoded_into_a_path(self) -> None:
        assert download(Content_Disposition="attachment; filename=..%2F..%2Fx").name == "..%2F..%2Fx"
        assert download(Content_Disposition='attachment; filename="../../x"').name == "x"

    @given(st.text(st.characters(max_codepoint=255)))
    def test_whatever_the_header_says_it_is_a_base_name_or_nothing(self, text: str) -> None:
        for disposition in (text, f'attachment; filename="{text}"', f"x; filename*=utf-8''{text}"):
            name = received(disposition).name
            assert name is None or (name == Path(name).name and "\\" not in name and "\x00" not in name)


class TestDownload:
    def test_it_has_the_bytes_and_what_the_headers_say(self) -> None:
        made = download(b"\x00\xff", Content_Type="text/csv; charset=utf-8", X_File_Id="f1")
        assert made.content == b"\x00\xff"
        assert made.content_type == "text/csv; charset=utf-8"
        assert made.headers is not None
        assert made.headers["x-file-id"] == "f1"

    def test_an_empty_file_is_a_file(self) -> None:
        assert download(b"").content == b""

    def test_bytes_of_no_said_kind_are_of_none(self) -> None:
        assert download().content_type == "application/octet-stream"

    def test_it_shows_how_much_it_holds_and_not_what(self) -> None:
        text = repr(download(b"secret" * 1000, X_File_Name="a.txt"))
        assert "<6000 bytes>" in text
        assert "a.txt" in text
        assert "secret" not in text

    def test_it_pickles(self) -> None:
        made = download(b"x", X_File_Name="a.txt")
        assert pickle.loads(pickle.dumps(made)) == made


class TestSave:
    def test_into_a_file(self, tmp_path: Path) -> None:
        target = tmp_path / "mine.bin"
        target.write_bytes(b"before, and longer")
        assert download(b"now", X_File_Name="theirs.txt").save(target) == target
        assert target.read_bytes() == b"now"

    def test_a_file_that_is_there_is_kept_until_the_new_one_is_complete(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "mine").write_bytes(b"before")
        (tmp_path / "link").symlink_to("mine")

        def fail(part: PartialFile) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr(PartialFile, "replace_target", fail)
            with pytest.raises(OSError, match="No space"):
                download(b"now").save(tmp_path / "link")
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"mine": b"before", "link": b"before"}
        download(b"now").save(tmp_path / "link")
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "mine").read_bytes() == b"now"

    def test_into_a_directory_under_its_own_name(self, tmp_path: Path) -> None:
        saved = download(b"x", X_File_Name="a.txt").save(str(tmp_path))
        assert saved == tmp_path / "a.txt"
        assert saved.read_bytes() == b"x"

    @pytest.mark.parametrize("name", ["..%2F..%2Fevil.txt", "%2Fetc%2Fevil.txt", "..%5Cevil.txt"])
    def test_never_beside_the_directory(self, tmp_path: Path, name: str) -> None:
        directory = tmp_path / "here"
        directory.mkdir()
        assert download(X_File_Name=name).save(directory) == directory / "evil.txt"
        assert [path.name for path in tmp_path.iterdir()] == ["here"]

    @pytest.mark.parametrize("headers", [{}, {"X_File_Name": ".."}, {"X_File_Name": "a%0Ab"}])
    def test_into_a_directory_without_a_usable_name(self, tmp_path: Path, headers: dict[str, str]) -> None:
        assert download(**headers).save(tmp_path) == tmp_path / "download"

    @pytest.mark.parametrize(
        ("name", "saved"),
        [
            (".bashrc", "bashrc"),
            (" .env", "env"),
            ("...", "download"),
            ("a.txt. .", "a.txt"),
            ("CON", "_CON"),
            ("nul.tar.gz", "_nul.tar.gz"),
            (".aux", "_aux"),
            ("Lpt¹ .txt", "_Lpt¹ .txt"),
            ("console.txt", "console.txt"),
        ],
    )
    def test_into_a_directory_as_no_hidden_file_and_no_device(self, tmp_path: Path, name: str, saved: str) -> None:
        assert download(X_File_Name=quote(name)).save(tmp_path) == tmp_path / saved

    def test_on_windows_into_no_stream_of_another_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.platform", "win32")
        assert safe_name("a.txt:hidden") == "a.txt_hidden"

    @pytest.mark.parametrize(
        ("name", "saved"),
        [("../../a.txt", "a.txt"), ("/etc/passwd", "passwd"), ("..\\b.txt", "b.txt"), ("a\0\x1b\u202eb", "a___b")],
    )
    def test_a_name_given_by_hand_names_no_directory_either(self, tmp_path: Path, name: str, saved: str) -> None:
        assert Download(b"x", name).save(tmp_path) == tmp_path / saved

    @pytest.mark.parametrize("there", ["file", "link", "dangling link", "directory"])
    def test_what_is_there_in_a_directory_stays(self, tmp_path: Path, there: str) -> None:
        (tmp_path / "elsewhere").mkdir()
        kept, target = tmp_path / "elsewhere" / "kept", tmp_path / "a.txt"
        place(there, target, kept)
        with pytest.raises(InvalidInputError, match=r"a\.txt is there already.+overwrite=True"):
            download(b"new", X_File_Name="a.txt").save(tmp_path)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "elsewhere"]
        assert not kept.exists() or kept.read_bytes() == b"before"

    @pytest.mark.parametrize("there", ["link", "dangling link", "directory"])
    def test_no_overwriting_replaces_a_link_or_a_directory(self, tmp_path: Path, there: str) -> None:
        (tmp_path / "elsewhere").mkdir()
        kept, target = tmp_path / "elsewhere" / "kept", tmp_path / "a.txt"
        place(there, target, kept)
        with pytest.raises(InvalidInputError, match=r"a\.txt is no regular file"):
            download(b"new", X_File_Name="a.txt").save(tmp_path, overwrite=True)
        assert target.is_symlink() or target.is_dir()
        assert not kept.exists() or kept.read_bytes() == b"before"

    def test_overwriting_replaces_a_file_and_keeps_its_mode(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_bytes(b"before")
        (tmp_path / "a.txt").chmod(0o604)
        saved = download(b"new", X_File_Name="a.txt").save(tmp_path, overwrite=True)
        assert (saved.read_bytes(), stat.S_IMODE(saved.stat().st_mode)) == (b"new", 0o604)
        assert list(tmp_path.iterdir()) == [saved]

    def test_a_new_file_follows_the_umask(self, tmp_path: Path) -> None:
        saved = download(X_File_Name="a.txt").save(tmp_path)
        (tmp_path / "usual").touch()
        assert saved.stat().st_mode == (tmp_path / "usual").stat().st_mode

    @pytest.mark.parametrize("links", [True, False])
    def test_a_file_that_appears_meanwhile_stays(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
    ) -> None:
        begin = PartialFile.beside

        def late(target: Path) -> PartialFile:
            target.write_bytes(b"theirs")
            return begin(target)

        monkeypatch.setattr(PartialFile, "beside", late)
        if not links:
            monkeypatch.setattr("os.link", refuse)
        with pytest.raises(InvalidInputError, match="is there already"):
            download(b"new", X_File_Name="a.txt").save(tmp_path)
        assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"theirs"]

    def test_without_hard_links_a_file_is_saved_all_the_same(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("os.link", refuse)
        saved = download(b"new", X_File_Name="a.txt").save(tmp_path)
        assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"new"] == [saved.read_bytes()]

    def test_where_nothing_can_be_written(self, tmp_path: Path) -> None:
        with pytest.raises(OSError, match="nowhere"):
            download().save(tmp_path / "nowhere" / "a.txt")


class Files(APIResource[M]):
    """One file."""

    @endpoint("GET", "/api/files/{fileId}", "downloadFile")
    def download(self, send: Sender, file_id: str, *, to: Annotated[Any, local] = None) -> Flow[Download]:
        """Download a file."""
        return send.download(to)


class TestOperation:
    @both_modes
    async def test_it_gives_what_came_whatever_it_is(self, both: Both) -> None:
        made = both.client(answer(200, content=b'{"error": 1}', headers={"X-File-Name": "a.json"}))
        got: Any = await both(resource(Files, made).download("a/b"))
        assert (got.content, got.name) == (b'{"error": 1}', "a.json")
        (request,) = made.script.requests
        assert (request.method, request.url) == ("GET", "https://sim.test/api/files/a%2Fb")
        assert request.headers["accept"] == "*/*"

    async def test_an_error_status_is_no_file(self, both: Both) -> None:
        made = both.client(answer(404, {"error": "File not found"}))
        with pytest.raises(NotFoundError, match="File not found"):
            await both(resource(Files, made).download("f"))


def body(*pieces: bytes | BaseException, name: str = "server.bin") -> Response:
    response = streamed(*pieces, content_type="image/png")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


BROKEN = APIConnectionError("cut short")


class TestSavingWhileItIsReceived:
    def fetch(self, to: Any, *answers: Any) -> Played:
        return play(Files.download.flow(resource(Files, client()), "a", to=to), *answers)

    def test_the_file_has_the_bytes_and_the_name_that_was_asked_for(self, tmp_path: Path) -> None:
        played = self.fetch(tmp_path / "mine.png", body(b"one ", b"two"))
        assert (tmp_path / "mine.png").read_bytes() == b"one two"
        assert played.result == Download(None, "server.bin", "image/png", path=tmp_path / "mine.png")
        assert played.result.content == b"one two"
        assert names(tmp_path) == ["mine.png"]
        assert played.requests[0].streamed

    @pytest.mark.parametrize(("name", "saved"), [("a.png", "a.png"), ("../../etc/passwd", "passwd"), (".rc", "rc")])
    def test_a_directory_gets_the_servers_base_name(self, name: str, saved: str, tmp_path: Path) -> None:
        played = self.fetch(str(tmp_path), body(b"bytes", name=name))
        assert played.result.path == tmp_path / saved
        assert played.result.path.read_bytes() == b"bytes"

    @pytest.mark.parametrize("what", ["file", "link", "dangling"])
    @pytest.mark.parametrize("into_directory", [False, True])
    def test_what_is_there_stays(self, what: str, into_directory: bool, tmp_path: Path) -> None:
        place(what, tmp_path / "server.bin", tmp_path / "kept")
        before = names(tmp_path)
        played = self.fetch(tmp_path if into_directory else tmp_path / "server.bin", body(b"new"))
        assert isinstance(played.error, InvalidInputError)
        assert "is there already" in str(played.error)
        assert names(tmp_path) == before
        assert len(played.requests) == into_directory  # the name of a file is checked before anything is sent

    def test_what_appears_meanwhile_stays(self, tmp_path: Path) -> None:
        target = tmp_path / "a"

        def appears(_: Request) -> Response:
            target.write_bytes(b"before")
            return body(b"new")

        assert isinstance(self.fetch(target, appears).error, InvalidInputError)
        assert target.read_bytes() == b"before"
        assert names(tmp_path) == ["a"]

    def test_a_body_that_was_read_already_is_saved(self, tmp_path: Path) -> None:
        assert self.fetch(tmp_path / "a", answer(200, content=b"bytes")).result.content == b"bytes"

    def test_one_that_breaks_begins_again(self, tmp_path: Path) -> None:
        first = body(b"one ", BROKEN)
        played = self.fetch(tmp_path / "a", first, body(BROKEN), body(b"one ", b"two"))
        assert first.body is None
        assert (tmp_path / "a").read_bytes() == b"one two"
        assert len(played.sleeps) == 2

    def test_one_that_breaks_too_often_leaves_nothing(self, tmp_path: Path) -> None:
        played = self.fetch(tmp_path / "a", *(body(b"one ", BROKEN) for _ in range(3)))
        assert played.error is BROKEN
        assert names(tmp_path) == []

    def test_an_error_status_leaves_nothing(self, tmp_path: Path) -> None:
        played = self.fetch(tmp_path / "a", answer(404, {"error": "no such file"}))
        assert isinstance(played.error, NotFoundError)
        assert names(tmp_path) == []

    @pytest.mark.parametrize("step", ["open", "write", "finish"])
    def test_a_disk_that_is_full_leaves_nothing_and_no_open_connection(
        self, step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: Any) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(NewFile, step, fail)
        response = body(b"one ", b"two")
        assert isinstance(self.fetch(tmp_path / "a", response).error, OSError)
        assert (names(tmp_path), response.body) == ([], None)

    @pytest.mark.parametrize("to", [b"a", 7])
    def test_what_is_no_path_is_refused(self, to: Any) -> None:
        assert isinstance(self.fetch(to).error, InvalidInputError)

    def test_a_directory_that_does_not_exist(self, tmp_path: Path) -> None:
        assert isinstance(self.fetch(tmp_path / "no" / "a", body(b"a")).error, FileNotFoundError)

    def test_the_bytes_are_not_held_in_memory(self, tmp_path: Path) -> None:
        piece = bytes(64 * 1024)
        response = body(*[piece] * 512)
        tracemalloc.start()
        try:
            resource(Files, client(response)).download("a", to=tmp_path / "a")
            assert tracemalloc.get_traced_memory()[1] < 8 << 20
        finally:
            tracemalloc.stop()
        assert (tmp_path / "a").stat().st_size == 32 << 20
