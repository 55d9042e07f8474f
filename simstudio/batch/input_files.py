"""Files of inputs, on disk or at an address: opened, unpacked as they are read, and cut into lines."""

from __future__ import annotations

import codecs
import gzip
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, cast

import attrs

from simstudio.batch.snapshot import describe_error
from simstudio.core.frame_libraries import import_package
from simstudio.transport.errors import ConfigurationError, InvalidInputError

if TYPE_CHECKING:
    from typing import TypeAlias

Form: TypeAlias = Literal["lines", "array", "csv", "tsv", "parquet", "arrow"]

MOST_IN_A_LINE = 64 * 1024 * 1024
"""Bytes. Sim takes a sixth of that in a request."""

_FORMS: dict[str, Form] = {
    ".json": "array",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".feather": "arrow",
}
"""Contents of files by suffix; files with any other suffix hold JSON lines."""
_SEEKED: tuple[Form, ...] = ("parquet", "arrow")
"""Forms that are not read from begin to end. What was compressed is unpacked into a temporary file for them."""
_PACKED = (".gz", ".zst", ".zstd")
_ADDRESS = re.compile(r"\w[\w+.-]+:/[^/]")
"""The address of which ``pathlib.Path`` made a path."""
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"

_SECRETS = re.compile(r"(\w://)[^\s/'\"@]*@|(?<=\w)\?[^\s'\"]*")
"""The user and the query of an address within a text."""

_PIECE = 65_536
_PACKED_PIECE = 1024
"""Bytes that are unpacked at a time: Zstandard may make 32,000 of each."""

_UTF16 = "is UTF-16: save it as UTF-8 first, as with iconv -f UTF-16 -t UTF-8"
_STRANGE = (
    (_GZIP, "is compressed with gzip: unpack it first"),
    (_ZSTD, "is compressed with zstd: unpack it first"),
    (b"BZh", "is compressed with bzip2: unpack it first"),
    (b"\xfd7zXZ", "is compressed with xz: unpack it first"),
    (b"PK\x03\x04", "is a ZIP archive: unpack it first; an Excel workbook, which is one, save as CSV"),
    (b"SQLite format 3\0", "is an SQLite database: pass a cursor of it that has executed a query"),
    (b"PAR1", "is a Parquet file: name it with the suffix .parquet"),
    (b"ARROW1", "is an Arrow file: name it with the suffix .arrow"),
    (codecs.BOM_UTF16_LE, _UTF16),
    (codecs.BOM_UTF16_BE, _UTF16),
)


@attrs.frozen
class InputFile:
    """A file of inputs.

    Attributes:
        path: Its path, or an address that fsspec opens, such as ``s3://bucket/in.parquet``.
    """

    path: str

    @property
    def is_remote(self) -> bool:
        """Whether it is at an address."""
        return "://" in self.path

    @property
    def local_path(self) -> str | None:
        """The path, also of an address such as ``file:///data/in.csv``; None if it is on another machine."""
        scheme, found, rest = self.path.partition("://")
        return self.path if not found else rest if scheme in ("file", "local") else None

    @property
    def name(self) -> str:
        """Name in messages: the path, or the address without its user and query, which may be secret."""
        return self.redact(self.path)

    def redact(self, text: str) -> str:
        """Remove the user and the query of the address from a text."""
        if self.is_remote:
            address, mark, query = self.path.partition("://")[2].partition("?")
            user, at, _ = address.rpartition("@")
            for secret in (f"{user}{at}", f"{mark}{query}"):
                text = text.replace(secret, "") if secret else text
            text = _SECRETS.sub(r"\1", text)  # libraries encode the address anew
        return text

    @property
    def form(self) -> Form:
        """Kind of its contents, by its suffix."""
        path = Path(self.name.lower())
        return _FORMS.get(Path(path.stem).suffix if path.suffix in _PACKED else path.suffix, "lines")

    @contextmanager
    def open(self) -> Iterator[io.BufferedReader]:
        """The file, unpacked if it begins as gzip or Zstandard data does.

        Raises:
            InvalidInputError: The file cannot be opened.
            ConfigurationError: An optional package is not installed.
        """
        file = self._open()
        try:
            packed = make_buffered(file)
            begin = packed.peek(4)
            if begin.startswith(_GZIP):
                unpacked = make_buffered(gzip.GzipFile(fileobj=packed))
            elif begin.startswith(_ZSTD):
                library = import_package("zstandard", f"Reading {self.name}")
                unpacked = make_buffered(_ZstdFile(packed, library.ZstdDecompressor()))
            else:
                unpacked = packed
            if self.form in _SEEKED and (unpacked is not packed or not packed.seekable()):
                with _copy(unpacked, self.name) as whole:
                    yield whole
            else:
                yield unpacked
        finally:
            file.close()

    def _open(self) -> BinaryIO:
        if not self.is_remote:
            try:
                return Path(self.path).open("rb")
            except (OSError, ValueError) as error:  # ValueError: a null character
                if Path(self.path).is_dir():
                    raise InvalidInputError(
                        f"The inputs {self.path} are a folder: name a file in it, or, for one of Parquet files, pass "
                        f"pyarrow.dataset.dataset({self.path!r})."
                    ) from error
                reason = getattr(error, "strerror", None) or error
                if _ADDRESS.match(self.path):
                    reason = f"{reason}; an address must be a text, of which pathlib.Path drops a slash"
                raise InvalidInputError(f"The inputs {self.path} cannot be read: {reason}.") from error
        library = import_package("fsspec", f"Reading {self.name}")
        try:
            return cast("BinaryIO", library.open(self.path, "rb").open())
        except ImportError as error:  # of the file system
            raise ConfigurationError(f"The inputs {self.name} cannot be opened: {error}") from error
        except Exception as error:  # noqa: BLE001 - of any file system
            # fsspec says of a dead server, too, that it has no such file
            while isinstance(error, FileNotFoundError) and isinstance(error.__cause__, Exception):
                error = error.__cause__
            problem = f"The inputs {self.name} cannot be opened: {self.redact(describe_error(error))}."
            raise InvalidInputError(problem) from None  # the cause may quote what is secret in the address


@contextmanager
def _copy(file: io.BufferedReader, source: str) -> Iterator[io.BufferedReader]:
    """The contents of a file in a temporary one, where any place can be read.

    Raises:
        InvalidInputError: There is no room for it.
    """
    import tempfile

    with tempfile.TemporaryFile() as whole:
        while piece := file.read(_PIECE):
            try:
                whole.write(piece)
                whole.flush()
            except OSError as error:
                raise InvalidInputError(
                    f"{source} is unpacked into a temporary file in {tempfile.gettempdir()}, which cannot be written: "
                    f"{error.strerror or error}. Set TMPDIR to a folder with room for it."
                ) from error
        whole.seek(0)
        yield make_buffered(whole)


class _ZstdFile(io.RawIOBase):
    """The contents of a file of Zstandard frames. A file that was cut off is an error, as it is for gzip.

    The reader of ``zstandard`` takes a file that ends within a frame for a complete one.
    """

    def __init__(self, file: io.BufferedReader, decompressor: Any) -> None:
        self._file = file
        self._decompressor = decompressor
        self._frame = decompressor.decompressobj()
        self._packed = self._unpacked = b""
        self._at = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while self._at == len(self._unpacked):
            self._packed = self._packed or self._file.read(_PACKED_PIECE)
            if not self._packed:
                return self._end()
            if self._frame.eof:
                self._frame = self._decompressor.decompressobj()
            self._unpacked, self._at = self._frame.decompress(self._packed), 0
            self._packed = self._frame.unused_data
        given = self._unpacked[self._at : self._at + len(buffer)]
        buffer[: len(given)] = given
        self._at += len(given)
        return len(given)

    def _end(self) -> int:
        if not self._frame.eof:
            raise EOFError("Compressed file ended before the end of its last frame")
        return 0


def make_buffered(file: Any) -> io.BufferedReader:
    """Wrap a binary file so that it can peek and read whole lines."""
    return file if isinstance(file, io.BufferedReader) else io.BufferedReader(file, 256 * 1024)


def lines_of(file: io.BufferedReader, source: str) -> Iterator[bytes]:
    """Lines of a text file with their ends.

    Raises:
        InvalidInputError: The file is no text in UTF-8, or a line is longer than :data:`MOST_IN_A_LINE`.
    """
    check_start(file.peek(4), source)
    number = 0
    while line := file.readline(MOST_IN_A_LINE + 1):
        number += 1
        check_length(line, f"{source}, line {number}")
        yield line


def check_start(begin: bytes, source: str) -> None:
    """Check that a file that begins so is text.

    Raises:
        InvalidInputError: The first bytes are those of another kind of file.
    """
    for mark, what in _STRANGE:
        if begin.startswith(mark):
            raise InvalidInputError(f"{source} {what}.")


def check_length(text: bytes | bytearray, place: str) -> None:
    """Check that one input is not the whole of a file that has no lines.

    Raises:
        InvalidInputError: The line is longer than :data:`MOST_IN_A_LINE`.
    """
    if len(text) > MOST_IN_A_LINE:
        raise InvalidInputError(f"{place}: longer than {MOST_IN_A_LINE // 1024**2} MB. Inputs are lines of JSON.")


def count_lines(file: io.BufferedReader) -> int:
    """Number of lines of a file that are not blank."""
    count, blank = 0, True
    while piece := file.readline(_PIECE):  # a line may be longer than any memory
        blank = blank and not piece.strip()
        if piece.endswith(b"\n"):
            count, blank = count + (not blank), True
    return count + (not blank)
