"""Requests and responses of ``/api/v1``: ids of workspaces, uploads, envelopes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from simstudio.sandbox.checks import MISSING, Check, Issues, Path, Shape, Text
from simstudio.sandbox.dialects.v06 import report_bucket
from simstudio.sandbox.families import read_body
from simstudio.sandbox.forms import UploadedFile, parse_form
from simstudio.sandbox.http import Refusal, Reply, json_reply

if TYPE_CHECKING:
    from simstudio.sandbox.operation import Call


@attrs.frozen
class InQuery(Check):
    """The id of a workspace in a query; the server reads a missing one as null."""

    def read(self, value: object, path: Path, issues: Issues) -> object:
        """Check that the id is there."""
        text = Text(least=(1, "workspaceId query parameter is required"))
        return text.read(None if value is MISSING else value, path, issues)


IN_QUERY = InQuery()
IN_BODY = Text(least=(1, "Workspace ID is required"))
"""The id of a workspace in a body."""

WORKSPACE = Shape({"workspaceId": IN_QUERY})
"""A query with the id of a workspace."""


def success(**data: object) -> Reply:
    """Make the response of tables, files and knowledge."""
    return json_reply({"success": True, "data": data})


def with_limits(call: Call, **body: object) -> Reply:
    """The response of workflows, logs and the audit log: with the execution limits and the usage."""
    account, limiter = call.core.account(), call.core.limiter()
    limits = {
        "workflowExecutionRateLimit": {
            "sync": report_bucket(limiter, "sync"),
            "async": report_bucket(limiter, "async"),
        },
        "usage": {**account.usage, "isExceeded": account.exceeded},
    }
    return json_reply({**body, "limits": limits}, headers=call.headers)


def check_member(call: Call, workspace_id: str) -> None:
    """Raise if the caller may not see a workspace.

    Raises:
        Refusal: 403.
    """
    if call.key == "outsider" or workspace_id != call.core.account().workspace_id:
        raise Refusal(403, "Access denied")


def foreign_workspace(call: Call) -> Refusal:
    """The refusal of a list of workflows or logs of a workspace that the caller may not see."""
    is_strict = call.core.dialect.since_v08 and call.key == "member"
    return Refusal(403, "Personal API keys are not allowed for this workspace" if is_strict else "Access denied")


async def form(call: Call) -> tuple[str, UploadedFile]:
    """Return the workspace's id and the file of an upload of v1.

    Raises:
        Refusal: 400, one is missing or the body is no form; the server cuts a body over 10 MiB, so that it is none.
    """
    fields, file = await _parse_form(call)
    if not fields.get("workspaceId"):
        raise Refusal(400, "workspaceId form field is required")
    if file is None:
        raise Refusal(400, "file form field is required")
    return fields["workspaceId"], file


async def read_upload(call: Call) -> UploadedFile:
    """Return the file of an upload of v2, which has its workspace in the query.

    Raises:
        Refusal: 400, the body is not a form with a file that has content.
    """
    _, file = await _parse_form(call)
    if file is None or not file.content:
        raise Refusal(400, "Request body must be valid multipart form data")
    return file


async def _parse_form(call: Call) -> tuple[dict[str, str], UploadedFile | None]:
    try:
        fields, files = parse_form(call.request.headers.get("content-type", ""), await read_body(call))
    except ValueError:
        raise Refusal(400, "Request body must be valid multipart form data") from None
    file = next((each for each in files if each.field == "file"), None)
    return fields, None if file is None else attrs.evolve(file, name=_unescape(file.name))


def _unescape(name: str) -> str:
    """Undo what browsers and clients escape in the name of a file in a form (WHATWG's multipart/form-data)."""
    return name.replace("%22", '"').replace("%0A", "\n").replace("%0D", "\r")
