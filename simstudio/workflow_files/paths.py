"""Names of files for workflows, whatever the workflows are called.

A name is cosmetic: the file holds the name and the folder of its workflow. It is safe on every file system, and the
same whenever the workspace has the same workflows.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Iterable
from urllib.parse import unquote

from simstudio.core.disk import safe_name

WORKFLOWS = "workflows"
"""The folder with all files of workflows."""
_MOST_BYTES = 120


def workflow_paths(workflows: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    """The path of each workflow's file, with ``/`` between folders.

    Where two paths are the same to a file system that ignores case, both have a piece of their workflow's id.

    Args:
        workflows: Id, folder (percent-encoded, as Sim has it) and name of each.

    Returns:
        The paths by id.

    Example:
        >>> workflow_paths([("w1", "/Sales", "Greet"), ("w2", "/", "../a: b"), ("w3", "/", "con")])
        {'w1': 'workflows/Sales/Greet.json', 'w2': 'workflows/%2E.%2Fa%3A b.json', 'w3': 'workflows/%63on.json'}
    """
    stems = {
        workflow_id: "/".join([WORKFLOWS, *map(_folder, filter(None, folder.split("/"))), _segment(name)])
        for workflow_id, folder, name in workflows
    }
    times = Counter(stem.casefold() for stem in stems.values())
    return {
        workflow_id: f"{stem}{f'~{_hash(workflow_id)}' if times[stem.casefold()] > 1 else ''}.json"
        for workflow_id, stem in stems.items()
    }


def _folder(encoded: str) -> str:
    """A folder whose name ends like a file's does not become the name of a file."""
    name = _segment(unquote(encoded, errors="replace"))
    return f"{name[:-5]}%2E{name[-4:]}" if name.casefold().endswith(".json") else name


def _segment(name: str) -> str:
    text = "".join(map(_encode, name))
    if text[:1] in (".", " ", "~"):
        text = _percent(text[0]) + text[1:]
    if text[-1:] in (".", " "):
        text = text[:-1] + _percent(text[-1])
    if safe_name(text) != text:  # the name of a device on Windows
        text = _percent(text[:1]) + text[1:]
    if len(text.encode()) > _MOST_BYTES:
        cut = text.encode()[:_MOST_BYTES].decode(errors="ignore")
        cut = cut.rpartition("%")[0] if "%" in cut[-2:] else cut
        text = f"{cut.rstrip(' .')}~{_hash(name)}"
    return text or "%"


def _encode(letter: str) -> str:
    plain = letter.isalnum() and unicodedata.normalize("NFC", letter) == letter
    return letter if plain or letter in " -_.,()+&'=@#!" else _percent(letter)


def _percent(letter: str) -> str:
    return "".join(f"%{byte:02X}" for byte in letter.encode("utf-8", "surrogatepass"))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
