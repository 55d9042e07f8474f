"""Texts that Sim cuts in the outputs that it keeps of a run.

An output that is read afterwards (v2 runs, logs) has each text of more than 15,000 characters cut to
``<15,000 characters>... [truncated N chars]``. The response to an execution and the job of a queued run have it whole.
Characters are JavaScript's: UTF-16 code units, of which some Unicode characters have two.
"""

from __future__ import annotations

import re
from typing import Any

_KEPT = 15_000
_CUT = r"\.\.\. \[truncated ([1-9][0-9]*) chars\]\Z"
_SHORTEST, _LONGEST = _KEPT // 2, _KEPT + len("... [truncated  chars]") + 20


def find_cut_texts(output: Any) -> tuple[str, ...]:
    """The paths of the cut texts in an output, such as ``result.rows[2].text``; ``""`` for the output itself."""
    return restore_cut_texts(output, None)[1]


def restore_cut_texts(output: Any, whole: Any) -> tuple[Any, tuple[str, ...]]:
    """An output with its cut texts replaced by those of the same output in full, and the paths of the texts still cut.

    Args:
        whole: The output in full; a text in it that is not the whole of the cut one is left alone.
    """
    missed: list[str] = []
    if not _may_hold_cut_texts(output):
        return output, ()
    try:
        return _restore(output, whole, "", missed), tuple(missed)
    except RecursionError:  # nested deeper than Python code can follow; json itself can
        return output, ()


def _may_hold_cut_texts(output: Any) -> bool:
    pending = [output]
    while pending:
        value = pending.pop()
        if type(value) is str:
            if len(value) > _SHORTEST and value.endswith(" chars]"):
                return True
        elif type(value) is dict:
            pending.extend(value.values())
        elif type(value) is list:
            pending.extend(value)
    return False


def _restore(value: Any, whole: Any, path: str, missed: list[str]) -> Any:
    if type(value) is str:
        cut = re.compile(_CUT).search(value, _SHORTEST) if _SHORTEST < len(value) <= _LONGEST else None
        begin = "" if cut is None else value[: cut.start()]
        if cut is None or _units(begin) != _KEPT:
            return value
        if isinstance(whole, str) and _begins(whole, begin) and _units(whole) == _KEPT + int(cut[1]):
            return whole
        missed.append(path)
        return value
    made: Any = value
    if type(value) is dict:
        for name, item in value.items():
            other = whole.get(name) if isinstance(whole, dict) else None
            restored = _restore(item, other, f"{path}.{name}" if path else name, missed)
            if restored is not item:
                made = dict(value) if made is value else made
                made[name] = restored
    elif type(value) is list:
        for index, item in enumerate(value):
            other = whole[index] if isinstance(whole, list) and len(whole) == len(value) else None
            restored = _restore(item, other, f"{path}[{index}]", missed)
            if restored is not item:
                made = list(value) if made is value else made
                made[index] = restored
    return made


def _units(text: str) -> int:
    """The number of UTF-16 code units."""
    return len(text) if text.isascii() else len(_utf16(text)) // 2


def _begins(whole: str, begin: str) -> bool:
    """Whether a text begins with another one, whose last code unit may be half of a surrogate pair."""
    if begin.isascii():
        return whole.startswith(begin)
    return _utf16(whole).startswith(_utf16(begin)[:-2])


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")
