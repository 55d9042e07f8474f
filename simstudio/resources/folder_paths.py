"""Folder paths as Sim takes them: percent-encoded by segment, with uppercase hexadecimal digits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, TypeAlias
from urllib.parse import quote

from simstudio.core.parameters import abbreviate, conversion
from simstudio.transport.errors import InvalidInputError

_ENCODED = re.compile(r"(?:[A-Za-z0-9_.~/-]|%[0-9A-F]{2})*")


def encode_folder_path(name: str, path: str | Sequence[str]) -> str:
    """Encode a folder path.

    Args:
        name: Name of the parameter, for errors.
        path: A text with slashes between the names, as Sim shows it or not encoded yet; or a list of names, each as
            people read it.

    Raises:
        InvalidInputError: A name is empty or no text, or cannot be encoded.

    Example:
        >>> encode_folder_path("path", "/Sales/New leads"), encode_folder_path("path", ["50/50"])
        ('/Sales/New%20leads', '/50%2F50')
    """
    if isinstance(path, str):
        if _ENCODED.fullmatch(path):
            return path
        names: Sequence[object] = path.split("/")
        root = ""
    else:
        names, root = list(path), "/"
        if not all(isinstance(each, str) and each for each in names):
            raise InvalidInputError(f"{name} as a list consists of the folders' names: {abbreviate(path)}.")
    try:
        return root + "/".join(quote(str(each), safe="") for each in names)
    except UnicodeEncodeError:
        raise InvalidInputError(f"{name} has a character that cannot be encoded: {abbreviate(path)}.") from None


def _encode_each(name: str, paths: Sequence[str | Sequence[str]]) -> list[str]:
    return [encode_folder_path(name, path) for path in paths]


FolderPath: TypeAlias = Annotated[str | Sequence[str], conversion(encode_folder_path)]
"""Path of a folder: a text such as ``/Sales/New leads``, percent-encoded as Sim shows it or not, or a list of names
such as ``["Sales", "New leads"]``. ``/`` and ``[]`` are the root. At most 64 names and 4,096 bytes."""

FolderPaths: TypeAlias = Annotated[Sequence[str | Sequence[str]], conversion(_encode_each)]
"""Paths of folders, each like :data:`FolderPath`."""
