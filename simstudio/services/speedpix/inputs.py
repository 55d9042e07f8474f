"""Inputs of workflows as JSON data.

Files are replaced by URLs, or ``data:`` URLs; :class:`~simstudio.services.speedpix.FileOutput` and uploaded files by
their URLs; mappings by objects; sequences, sets and generators by lists; numpy's numbers and arrays by plain ones.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any

import attrs

from simstudio.services.speedpix.attachments import Attachment, attach, guess_type
from simstudio.services.speedpix.models import File
from simstudio.services.speedpix.outputs import FileOutput
from simstudio.services.speedpix.paths import UploadRule, may_name_media
from simstudio.transport.errors import InvalidInputError


@attrs.define(eq=False)
class _Text:
    """A text that may name a file. ``attachment`` is the file, once it was found."""

    text: str
    attachment: Attachment | None = None


class InputPlan:
    """An input whose files are found, but not yet sent.

    Args:
        input: Input that the user passed.
        rule: Rule for texts that name files.

    Raises:
        InvalidInputError: The input holds a value that cannot be sent, or itself.
    """

    def __init__(self, input: Mapping[str, Any], rule: UploadRule) -> None:
        self._rule = rule
        self._texts: list[_Text] = []
        self._attachments: dict[object, Attachment] = {}
        try:
            self._planned = self._plan(input)
        except RecursionError:
            raise InvalidInputError("The input is nested too deeply, or holds itself.") from None

    @property
    def undecided(self) -> bool:
        """Whether there are texts that :meth:`look_up` has to check."""
        return bool(self._texts)

    def look_up(self) -> None:
        """Find the files that texts name; blocks.

        Raises:
            InvalidInputError: A text names a file that may not be uploaded.
        """
        for candidate in self._texts:
            path = self._rule.file_named_by(candidate.text)
            if path is not None:
                name = candidate.text.replace("\\", "/").rpartition("/")[2]
                found = Attachment(path, name, guess_type(name))
                candidate.attachment = self._attachments.setdefault((found.key, name), found)

    @property
    def attachments(self) -> list[Attachment]:
        """The files to send; each stands in the list once."""
        return list(self._attachments.values())

    def fill(self, sent: Mapping[int, str]) -> Any:
        """Return the input as JSON data.

        Args:
            sent: URL of each attachment by its ``id()``.
        """
        return _fill(self._planned, sent)

    def _plan(self, value: Any) -> Any:
        return adapt_input(value, self._replace)

    def _replace(self, value: Any) -> Any:
        if isinstance(value, str):
            if self._rule.enabled and may_name_media(value):
                self._texts.append(_Text(value))
                return self._texts[-1]
            return value
        found = attach(value)
        if found is not None:
            return self._attachments.setdefault((found.key, found.name), found)
        return [self._plan(item) for item in value] if isinstance(value, Iterator) else value


_VIEWS: tuple[type, ...] = (type({}.keys()), type({}.values()), range)


def _keep(value: Any) -> Any:
    return value


def adapt_input(value: Any, replace: Callable[[Any], Any] = _keep) -> Any:
    """An input whose outputs, uploaded files, sets, generators and numbers of numpy are JSON data; files stay.

    Args:
        replace: Function of a text, or of a value that is no JSON data, such as a file. Its result stands in the place
            of that value.
    """
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, FileOutput):
        return value.url
    if isinstance(value, File):
        return _address(value)
    if isinstance(value, Mapping):
        return {name: adapt_input(item, replace) for name, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset, Generator)):
        return [adapt_input(item, replace) for item in value]
    replaced = replace(value)
    if replaced is not value:
        return replaced
    if hasattr(value, "dtype") and callable(getattr(value, "tolist", None)):
        return value.tolist()
    if type(value) in _VIEWS:
        return [adapt_input(item, replace) for item in value]
    return value


def _address(file: File) -> str:
    if not file.access_url:
        raise InvalidInputError("The input holds an uploaded file for which the service gave no access_url.")
    return file.access_url


def _fill(value: Any, sent: Mapping[int, str]) -> Any:
    if isinstance(value, _Text):
        return value.text if value.attachment is None else sent[id(value.attachment)]
    if isinstance(value, Attachment):
        return sent[id(value)]
    if isinstance(value, dict):
        return {name: _fill(item, sent) for name, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, sent) for item in value]
    return value
