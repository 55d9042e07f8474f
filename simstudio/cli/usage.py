"""``simstudio usage``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from simstudio.cli.connection import Connection, connected
from simstudio.cli.output import on_terminal, write_json
from simstudio.cli.tables import show_fields, show_table, size

if TYPE_CHECKING:
    from simstudio.models.usage import UsageLimits
    from simstudio.models.v2.billing import BillingStatus


@click.command(short_help="Show rate limits, costs and storage.")
@click.option("--workspace", metavar="ID", help="Of the account that pays for this workspace (v2); else of one's own.")
@connected
def usage(connection: Connection, workspace: str | None) -> None:
    """Show what the account may still do.

    v1 tells rate limits, costs in dollars, and storage; v2 the period, its credits, and storage.
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
    left, storage = found.credits, found.storage
    show_fields(
        [
            ("workspace", found.workspace_id),
            ("plan", found.plan),
            ("status", found.status.replace("_", " ")),
            ("period", f"{found.period.start} to {found.period.end}"),
            ("credits", f"{left.used:,g} of {left.limit:,g}" if left is not None else None),
            ("left", f"{left.remaining:,g}" if left is not None else None),
            ("storage", _stored(storage.used_bytes, storage.limit_bytes) if storage is not None else None),
        ]
    )


def _limits(connection: Connection, limits: UsageLimits) -> None:
    if connection.as_json or not on_terminal():
        write_json(limits.to_dict())
        return
    costs, storage = limits.usage, limits.storage
    stored = _stored(storage.used_bytes, storage.limit_bytes) if storage is not None else None
    show_fields([("plan", costs.plan), ("costs", _money(costs.current_period_cost, costs.limit)), ("storage", stored)])
    kinds = (("run, run --stream", limits.rate_limit.sync), ("run --async", limits.rate_limit.async_))
    show_table(
        ("limit of", "a minute", "at once", "left", "resets at"),
        [(name, entry.limit, entry.max_burst, entry.remaining, entry.reset_at) for name, entry in kinds],
    )


def _stored(used: float | None, limit: float | None) -> str | None:
    return f"{size(used)} of {size(limit)}" if used is not None and limit is not None else None


def _money(spent: float | None, limit: float | None) -> str | None:
    if spent is None:
        return None
    return f"${spent:,.2f}" if limit is None else f"${spent:,.2f} of ${limit:,.2f}"
