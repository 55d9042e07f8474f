"""``simstudio usage``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from simstudio.cli.connection import Connection, connected
from simstudio.cli.output import on_terminal, write_json
from simstudio.cli.readable import moment, number, size
from simstudio.cli.tables import attribute, ratio, show_fields, show_table

if TYPE_CHECKING:
    from simstudio.models.usage import UsageLimits
    from simstudio.models.v2.billing import BillingStatus


@click.command(short_help="Show rate limits, costs and storage.")
@click.option(
    "--workspace", metavar="ID", help="Show the account that pays for this workspace (v2); else that of the API key."
)
@connected
def usage(connection: Connection, workspace: str | None) -> None:
    """Show the usage of the account, and its limits.

    In v1: rate limits, costs in dollars, and storage; in v2: the billing period, its credits, and storage.
    """
    with connection.client() as client:
        if workspace is not None:
            connection.require_v2(client, "The accounts of workspaces are")
        if client.api_version == "v2":
            _status(connection, client.v2.billing.status(workspace_id=workspace))
        else:
            _limits(connection, client.usage.limits())


def _status(connection: Connection, found: BillingStatus) -> None:
    if connection.as_json or not on_terminal():
        write_json(found.to_dict())
        return
    begun, ends, status = (
        attribute(found, "period", "start"),
        attribute(found, "period", "end"),
        attribute(found, "status"),
    )
    show_fields(
        [
            ("workspace", found.workspace_id),
            ("plan", attribute(found, "plan")),
            ("status", status.replace("_", " ") if isinstance(status, str) else status),
            ("period", f"{begun} to {ends}" if begun is not None and ends is not None else None),
            ("credits", ratio(_credits(found, "used"), _credits(found, "limit"))),
            ("left", _credits(found, "remaining")),
            ("storage", _describe_storage(found)),
        ]
    )


def _credits(found: BillingStatus, name: str) -> Any:
    return number(attribute(found, "credits", name))


def _limits(connection: Connection, limits: UsageLimits) -> None:
    if connection.as_json or not on_terminal():
        write_json(limits.to_dict())
        return
    spent, most = attribute(limits, "usage", "current_period_cost"), attribute(limits, "usage", "limit")
    costs = _money(spent) if most is None else ratio(_money(spent), _money(most))
    show_fields(
        [("plan", attribute(limits, "usage", "plan")), ("costs", costs), ("storage", _describe_storage(limits))]
    )
    click.echo()
    show_table(
        ("limit of", "a minute", "at once", "left", "resets"),
        [
            (name, *(moment(attribute(limits, "rate_limit", kind, each)) for each in _OF_A_LIMIT))
            for name, kind in (("run, run --stream", "sync"), ("run --async", "async_"))
        ],
    )


_OF_A_LIMIT = ("limit", "max_burst", "remaining", "reset_at")


def _describe_storage(found: BillingStatus | UsageLimits) -> str | None:
    return ratio(size(attribute(found, "storage", "used_bytes")), size(attribute(found, "storage", "limit_bytes")))


def _money(dollars: Any) -> Any:
    """Dollars, readably; anything else as it came."""
    text = number(dollars, ",.2f")
    return f"${text}" if text is not dollars else dollars
