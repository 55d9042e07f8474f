"""The audit log of v2, and its entries about workflows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simstudio.resources.v2.audit_logs import AuditLogs
from simstudio.sandbox.data.audit import Entry, Resource
from simstudio.sandbox.families import V2
from simstudio.sandbox.http import Refusal, Reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.v2.answers import data, listing
from simstudio.sandbox.v2.paging import page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simstudio.sandbox.definitions.definition import Definition


def note(call: Call, action: str, found: Definition, **metadata: object) -> None:
    """Record an action on a workflow in the audit log.

    Args:
        action: Name such as ``workflow.deployed``.
        metadata: Further facts, as JSON values.
    """
    verb = action.partition(".")[2].replace("_", " ")
    resource = Resource("workflow", found.id, found.name)
    description = f"{action.partition('.')[0].capitalize()} {found.name!r}: {verb}"
    call.core.data.audit.record(action, resource, description, **{"workspaceId": found.workspace_id, **metadata})


@V2().serves(AuditLogs.list, {"limit": 50})
def list_logs(call: Call) -> Reply:
    """A page of the audit log, newest first."""
    _check_enterprise(call)
    query, entries = call.query, call.core.data.audit.list_newest_first()
    found = [entry for entry in entries if _is_wanted(_present(call, entry), entry, query)]
    shown, after = page(call, found, lambda entry: (entry.created, entry.id), descending=True)
    return listing((_present(call, entry) for entry in shown), after)


@V2().serves(AuditLogs.get)
def get_log(call: Call) -> Reply:
    """One entry of the audit log."""
    _check_enterprise(call)
    entry = call.core.data.audit.get(call.path["auditLogId"])
    if entry is None:
        raise Refusal(404, "Audit log not found")
    return data(_present(call, entry))


def _check_enterprise(call: Call) -> None:
    """Raise unless the caller owns an organization on the enterprise plan, and asks for no other one.

    Raises:
        Refusal: 403.
    """
    organization_id = call.core.account().organization_id
    if call.key == "outsider":
        code, message = "ORGANIZATION_MEMBERSHIP_REQUIRED", "Not a member of any organization"
    elif call.query.get("organizationId", organization_id) != organization_id:
        code, message = "ORGANIZATION_MEMBERSHIP_REQUIRED", "Not a member of the requested organization"
    elif call.core.account().plan != "enterprise":
        code, message = "ENTERPRISE_PLAN_REQUIRED", "Audit logs need the enterprise plan"
    else:
        return
    raise Refusal(403, message, {"code": code})


def _present(call: Call, entry: Entry) -> dict[str, Any]:
    account = call.core.account()
    workspace_id = entry.metadata.get("workspaceId", account.workspace_id)
    shown = entry.to_dict(str(workspace_id), account.user_id)
    return {name: value for name, value in shown.items() if name != "actorId"}


def _is_wanted(shown: dict[str, Any], entry: Entry, query: Mapping[str, Any]) -> bool:
    exact = ("action", "resourceType", "resourceId", "workspaceId", "actorEmail")
    same = all(query[name] == shown[name] for name in exact if name in query)
    return same and query.get("startDate", entry.created) <= entry.created <= query.get("endDate", entry.created)
