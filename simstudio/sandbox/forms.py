"""Reading ``multipart/form-data`` bodies, as strictly as a server may."""

from __future__ import annotations

import re
from email.message import Message

import attrs

_NAME = re.compile(r'[;\s]name="([^"]*)"')
_FILENAME = re.compile(r'[;\s]filename="([^"]*)"')


@attrs.frozen
class UploadedFile:
    """A file part."""

    field: str
    name: str
    mime: str
    content: bytes


def parse_form(content_type: str, body: bytes) -> tuple[dict[str, str], list[UploadedFile]]:
    """The text parts by name, and the file parts in order.

    Raises:
        ValueError: The body is no form with the boundary that the content type names.
    """
    header = Message()
    header["content-type"] = content_type
    boundary = header.get_param("boundary")
    if header.get_content_type() != "multipart/form-data" or not isinstance(boundary, str):
        raise ValueError(f"{content_type or 'no content type'} is neither JSON nor a form with a boundary")
    mark = b"--" + boundary.encode()
    first, *sections = (b"\r\n" + body).split(b"\r\n" + mark)
    if first or not sections or sections[-1] not in (b"--", b"--\r\n"):
        raise ValueError("the body is no form with that boundary")
    texts: dict[str, str] = {}
    files: list[UploadedFile] = []
    for section in sections[:-1]:
        head, found, content = section.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        lines = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        disposition = next((value for name, value in lines.items() if name.lower() == "content-disposition"), "")
        field = _NAME.search(disposition)
        if not found or field is None:
            raise ValueError("a part of the form has no name")
        name = _FILENAME.search(disposition)
        if name is None:
            texts[field[1]] = content.decode()
        else:
            files.append(UploadedFile(field[1], name[1], lines.get("Content-Type", "text/plain"), content))
    return texts, files
