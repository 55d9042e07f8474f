"""Types of parameters that many operations share: each is explained here once, and checked before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Annotated, Literal, TypeAlias

from simstudio.core.parameters import between, header, items, length, local, secret

WorkspaceId: TypeAlias = Annotated[str, length(1, 128)]
"""Id of a workspace, as in the address of Sim's editor: 1 to 128 characters."""

PageLimit: TypeAlias = Annotated[int, between(1, 100)]
"""Items per page, 1 to 100; default 50 unless the operation says otherwise."""

Search: TypeAlias = Annotated[str, length(1, 200)]
"""Text to search for, 1 to 200 characters."""

SaveTo: TypeAlias = Annotated[str | PathLike[str] | None, local]
"""Path at which a download is saved while it is received: a file that does not exist yet, or a directory, which gets a
file with the name that the server gives. Nothing is replaced. None keeps the download in memory."""

UploadToken: TypeAlias = Annotated[str, header("upload-token"), secret]
"""The ``upload_token`` of an upload session: a secret that every request of the session needs."""

PartNumbers: TypeAlias = Annotated[Sequence[int], items(1, 100)]
"""Numbers of 1 to 100 parts of an upload; the first part is 1."""

UsageSource: TypeAlias = Literal[
    "workflow",
    "wand",
    "sim-chat",
    "mcp_copilot",
    "mothership_block",
    "knowledge-base",
    "voice-input",
    "enrichment",
    "voice-output",
    "api-tool",
]
"""Kind of usage that is charged."""
