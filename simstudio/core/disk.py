"""Files on disk: private ones, and ones that appear under their name only when they are complete.

Files that the package keeps for itself are private (:func:`make_private`). A file that a user names for output is
written under another name first (:class:`PartialFile`).
"""

from __future__ import annotations

import os
import re
import secrets
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import BinaryIO

import attrs

from simstudio.transport.errors import InvalidInputError

_PRIVATE = 0o600
_DEVICES = frozenset({"con", "prn", "aux", "nul", "conin$", "conout$", "clock$"}).union(
    f"{port}{number}" for port in ("com", "lpt") for number in "0123456789¹²³"
)
"""Names of devices on Windows, whatever follows their first dot."""
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, line breaks and bidirectional overrides. Joiners and wide spaces occur in real names."""
_UNUSABLE = str.maketrans(dict.fromkeys('<>:"|?*', "_"))
"""Characters that no file name may hold on Windows; a colon would name a stream of another file."""


def make_private(path: str | os.PathLike[str]) -> None:
    """Create an empty file that only its owner may read and write, unless the file exists.

    SQLite gives the files beside a database (``-wal``, ``-shm``, ``-journal``) the mode of the database. A failure
    raises nothing here: opening the file reports it.

    Args:
        path: The file. ``:memory:``, SQLite's name for a database without a file, does nothing.
    """
    if os.fspath(path) == ":memory:":
        return
    with suppress(OSError, ValueError):
        # The path may be a link to a file that does not exist yet.
        target = os.path.realpath(path)
        if sys.platform == "linux":
            os.mknod(target, _PRIVATE)
        else:
            # O_EXCL: closing a descriptor ends this process's locks on the file, so an existing file is not opened.
            os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE))


def lock_file(fd: int) -> bool:
    """Lock an open file until it is closed or the process ends; False if another process, or this one, has locked it.

    On a file system without locks it returns True.
    """
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(fd, 1 << 62, os.SEEK_SET)  # beyond the end: others cannot read what is locked
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True
    return True


def open_locked(path: str | Path, opens: Callable[[], int], refuse: Callable[[int], Exception]) -> int:
    """Open and lock a file that others may replace or remove meanwhile. What is no regular file is not locked.

    Args:
        path: Path of the file.
        opens: Opens the file, and returns its descriptor.
        refuse: Makes the error that is raised if the file of a descriptor is locked already.

    Returns:
        The descriptor. Closing it unlocks the file.
    """
    while True:
        fd = opens()
        try:
            opened = os.fstat(fd)
            if not stat.S_ISREG(opened.st_mode):
                return fd
            if not lock_file(fd):
                raise refuse(fd)
            if os.path.samestat(opened, os.stat(path)):  # noqa: PTH116 - a path of either type
                return fd
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)  # it was replaced or removed before it was locked


def safe_name(name: str) -> str:
    """Return a name from elsewhere as that of a file in a folder, which is neither hidden nor a device.

    Example:
        >>> safe_name(".bashrc"), safe_name("CON.txt"), safe_name("../../a.txt")
        ('bashrc', '_CON.txt', 'a.txt')
    """
    base = UNPRINTABLE.sub("_", re.split(r"[/\\]", name)[-1])
    kept = base.lstrip(". ").rstrip(". ") or "download"
    if sys.platform == "win32":
        kept = kept.translate(_UNUSABLE)
    return f"_{kept}" if kept.partition(".")[0].rstrip(" ").lower() in _DEVICES else kept


def write_unless_there(path: Path, content: bytes, *, overwrite: bool) -> None:
    """Write a file as :class:`NewFile` does.

    Args:
        path: The file. No link is followed.
        overwrite: Whether to replace a regular file.

    Raises:
        InvalidInputError: There is a file, which is not to be replaced.
        OSError: The file cannot be written.
    """
    file = NewFile(path, overwrite=overwrite)
    try:
        file.open()
        file.write(content)
        file.finish()
    finally:
        file.discard()


@contextmanager
def output_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file that a user names for output. A regular file is replaced when the block has written all of it.

    A link stays a link to the file that is replaced. What is no regular file, such as a pipe or a terminal, is written
    to; so are standard output and other open files, whatever they are redirected to.

    Raises:
        OSError: The file cannot be written.
    """
    path = os.fsdecode(path)
    number = _descriptor(path)
    if number is not None:
        with suppress(OSError, ValueError, AttributeError):
            sys.stdout.flush()  # buffered output of the process comes first
        with os.fdopen(os.dup(number), "wb") as file:
            yield file
    elif not _is_regular(path):
        with open(path, "wb") as file:  # noqa: PTH123
            yield file
    else:
        part = PartialFile.beside(Path(os.path.realpath(path)))
        try:
            with os.fdopen(part.fd, "wb") as file:
                yield file
            part.replace_target()
        except BaseException:
            with suppress(OSError):
                part.path.unlink()
            raise


_STANDARD = {"/dev/stdout": 1, "/dev/stderr": 2}
_DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/(\d+)", re.ASCII)


def _descriptor(path: str) -> int | None:
    """The number of an open file of this process, if the path names one: to open it again would overwrite it."""
    found = _DESCRIPTOR.fullmatch(path)
    return int(found[1]) if found is not None else _STANDARD.get(path)


def _is_regular(path: str) -> bool:
    """Whether a path leads to a regular file, or to nothing."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)  # noqa: PTH116 - of the path as it was given
    except OSError:
        return True


class NewFile:
    """A file that appears when it is complete, under a name that may come from elsewhere.

    Its methods may run in a thread whose caller is cancelled meanwhile, so that :meth:`discard` comes in between.

    Args:
        path: The file. No link is followed.
        overwrite: Whether to replace a regular file; None if the caller has no such option.
    """

    def __init__(self, path: Path, *, overwrite: bool | None = None) -> None:
        self.path = path
        self._overwrite = overwrite
        self._part: PartialFile | None = None
        self._file: BinaryIO | None = None
        self._discarded = False
        self._lock = Lock()

    def open(self) -> None:
        """Begin to write.

        Raises:
            InvalidInputError: There is a file, which is not to be replaced.
            OSError: The file cannot be created.
        """
        with self._lock:
            ensure_free(self.path, overwrite=self._overwrite)
            if not self._discarded:
                self._part = PartialFile.beside(self.path)
                self._file = os.fdopen(self._part.fd, "wb")

    def write(self, data: bytes) -> None:
        """Append bytes.

        Raises:
            OSError: The bytes cannot be written.
        """
        with self._lock:
            if self._file is not None:
                self._file.write(data)

    def finish(self) -> None:
        """Close the file and give it its name.

        Raises:
            InvalidInputError: A file was made there meanwhile, which is not to be replaced.
            OSError: The file cannot be written.
        """
        with self._lock:
            if self._file is None or self._part is None:
                return
            self._file.flush()
            os.fsync(self._file.fileno())  # after a crash the file is complete as well
            self._file.close()
            try:
                if self._overwrite:
                    self._part.replace_target()
                else:
                    self._part.take_place()
            except FileExistsError:
                raise _exists_error(self.path, self._overwrite) from None

    def discard(self) -> None:
        """Close and remove the file, unless it is finished."""
        with self._lock:
            self._discarded = True
            if self._file is not None and self._part is not None:
                with suppress(OSError):  # data that could not be written cannot be flushed either
                    self._file.close()
                self._part.path.unlink(missing_ok=True)
                self._file = self._part = None


def ensure_free(path: Path, *, overwrite: bool | None = None) -> None:
    """Raise if something is there that is not to be replaced; ``overwrite`` is that of :class:`NewFile`.

    Raises:
        InvalidInputError: There is a file; the message names it.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not overwrite:
        raise _exists_error(path, overwrite)
    if not stat.S_ISREG(mode):
        raise InvalidInputError(f"{path} is no regular file, so it is not replaced. Save under another name.")


def _exists_error(path: Path, overwrite: bool | None) -> InvalidInputError:  # noqa: FBT001 - an option of a caller
    advice = "" if overwrite is None else ", or pass overwrite=True"
    return InvalidInputError(f"{path} is there already. Save under another name{advice}.")


@attrs.frozen
class PartialFile:
    """A private file that replaces another file when it is complete.

    Attributes:
        path: The private file.
        target: The file to replace.
        fd: Descriptor of the private file, open for reading and writing; the caller closes it.
    """

    path: Path
    target: Path
    fd: int

    @classmethod
    def beside(cls, target: Path, flags: int = 0) -> PartialFile:
        """Create an empty partial file in the folder of its target.

        Args:
            target: The file to replace. If it is a symbolic link, the link itself is replaced.
            flags: More flags of ``os.open``, such as ``os.O_APPEND``.

        Raises:
            OSError: The file cannot be created.
        """
        path = target.with_name(f".{target.name[:40]}.{secrets.token_hex(6)}.part")
        flags |= os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        return cls(path, target, os.open(path, flags, _PRIVATE))

    def replace_target(self) -> None:
        """Move the file to its target, with the target's mode, or with the mode of a new file.

        Raises:
            OSError: The target cannot be replaced.
        """
        with suppress(OSError):  # file systems without modes
            self.path.chmod(self._target_mode())
        self.path.replace(self.target)

    def take_place(self) -> None:
        """Move the file to its target, with the mode of a new file, unless something is there.

        Raises:
            FileExistsError: There is a file.
            OSError: The file cannot be moved.
        """
        with suppress(OSError):  # file systems without modes
            self.path.chmod(self._usual_mode())
        try:
            os.link(self.path, self.target)
        except FileExistsError:
            raise
        except (OSError, AttributeError, NotImplementedError):  # file systems without hard links
            if os.path.lexists(self.target):
                raise FileExistsError(f"{self.target} exists") from None
            self.path.replace(self.target)

    def _target_mode(self) -> int:
        with suppress(FileNotFoundError):
            return stat.S_IMODE(self.target.stat().st_mode)
        return self._usual_mode()

    def _usual_mode(self) -> int:
        # A probe file shows the umask, which cannot be read without changing it for all threads.
        probe = self.path.with_suffix(".mode")
        os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        try:
            return stat.S_IMODE(probe.stat().st_mode)
        finally:
            probe.unlink()
