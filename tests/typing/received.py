"""What a user's code may pass on as it came from a web framework; type-checked, never run."""

from __future__ import annotations

import sys
from typing import Any

from aiohttp.web_request import FileField
from starlette.datastructures import Headers, UploadFile
from werkzeug.datastructures import EnvironHeaders, FileStorage

from simstudio import File, SimStudioClient
from simstudio.models.v1.files import WorkspaceFile
from simstudio.services.speedpix import Client
from simstudio.services.vectorvein import VectorVeinClient
from simstudio.webhooks import Event, construct_event

if sys.version_info >= (3, 11):
    from typing import assert_type
else:
    from typing_extensions import assert_type


def headers(starlette: Headers, flask: EnvironHeaders, meta: dict[str, Any], lists: dict[str, list[str]]) -> None:
    assert_type(construct_event(b"{}", starlette, "secret"), Event)
    construct_event(b"{}", flask, "secret")
    construct_event(b"{}", meta, "secret")
    construct_event(b"{}", lists, "secret")
    construct_event(b"{}", [(b"x-my-sig", b"t=1")], "secret", signature_header="X-My-Sig")
    construct_event(b"{}", 5, "secret")  # type: ignore[arg-type]


def files(client: SimStudioClient, speedpix: Client, vectorvein: VectorVeinClient) -> None:
    starlette, werkzeug, aiohttp = _uploads()
    assert_type(client.v1.files.upload("ws", starlette), WorkspaceFile)
    speedpix.files.create(werkzeug)
    vectorvein.upload_file(aiohttp)
    File(starlette, name="report.pdf")


def _uploads() -> tuple[UploadFile, FileStorage, FileField]:
    raise NotImplementedError
