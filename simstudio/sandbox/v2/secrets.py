"""Secrets. A value is kept only if it may be read (``unredacted``): nothing in the sandbox uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simstudio.resources.v2.secrets import Secrets
from simstudio.sandbox.checks import Text
from simstudio.sandbox.data.secrets import Secret
from simstudio.sandbox.families import V2
from simstudio.sandbox.http import Refusal, Reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.times import iso
from simstudio.sandbox.v2.answers import data, listing
from simstudio.sandbox.v2.paging import Position, page
from simstudio.sandbox.v2.workflows import matches

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = Text(
    least=(1, None),
    most=(255, None),
    pattern=("[A-Za-z0-9_]*", "name must contain only letters, numbers, and underscores"),
)
_VALUE = Text(least=(1, "value is required"), most=(65_536, "value is too long"))


@V2().serves(Secrets.list, {"sortBy": "name", "sortOrder": "asc", "limit": 50})
def list_secrets(call: Call) -> Reply:
    """A page of the secrets of a workspace and of the user."""
    query = call.query
    workspace_id = call.workspace(query["workspaceId"], is_hidden=False)
    found = [
        secret
        for secret in call.core.data.secrets.values()
        if secret.workspace_id in (None, workspace_id)
        and query.get("scope", secret.scope) == secret.scope
        and matches(query.get("search", ""), secret.name)
    ]

    def key(secret: Secret) -> Position:
        values: dict[str, str | float] = {
            "name": secret.name,
            "createdAt": secret.created,
            "updatedAt": secret.updated,
        }
        return values[query["sortBy"]], secret.name, secret.scope

    shown, after = page(call, found, key, descending=query["sortOrder"] == "desc")
    return listing(map(_present, shown), after)


@V2().serves(Secrets.set, own={"name": _NAME, "value": _VALUE})
def set_secret(call: Call) -> Reply:
    """Create a secret, or change the one that has this name in this scope."""
    body, now, secrets = call.body, call.core.clock(), call.core.data.secrets
    key = _key(call, body)
    found = secrets.get(key)
    secret = secrets.setdefault(key, Secret(key[0], key[1], now, now))
    secret.updated = now
    secret.description = body.get("description", secret.description)
    if "value" in body or "unredacted" in body:
        secret.value = body.get("value", secret.value) if body.get("unredacted") else None
    return data(_present(secret), 200 if found else 201)


@V2().serves(Secrets.delete, own={"name": _NAME})
def delete_secret(call: Call) -> Reply:
    """Delete a secret."""
    secret = call.core.data.secrets.pop(_key(call, call.query), None)
    if secret is None:
        raise Refusal(404, "Secret not found")
    return data({"name": secret.name, "scope": secret.scope, "deleted": True})


def _key(call: Call, given: Mapping[str, Any]) -> tuple[str | None, str]:
    workspace_id = call.workspace(given["workspaceId"], is_hidden=False)
    return (workspace_id if given["scope"] == "workspace" else None), call.path["name"]


def _present(secret: Secret) -> dict[str, Any]:
    readable = {} if secret.value is None else {"value": secret.value}
    return {
        "name": secret.name,
        "scope": secret.scope,
        "description": secret.description,
        "unredacted": secret.value is not None,
        "role": "admin",
        "createdAt": iso(secret.created),
        "updatedAt": iso(secret.updated),
        **readable,
    }
