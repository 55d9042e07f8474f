"""``simstudio usage``."""

from __future__ import annotations

import click

from simstudio.cli.connection import Connection, connected
from simstudio.cli.output import on_terminal, write_json
from simstudio.cli.tables import show_fields, show_table, size


@click.command(short_help="Show rate limits, costs and storage.")
@connected
def usage(connection: Connection) -> None:
    """Show what the account may still do: rate limits, costs, storage."""
    with connection.client() as client:
        limits = client.usage.limits()
    if connection.as_json or not on_terminal():
        write_json(limits.to_dict())
        return
    costs, storage = limits.usage, limits.storage
    stored = None
    if storage is not None and storage.used_bytes is not None and storage.limit_bytes is not None:
        stored = f"{size(storage.used_bytes)} of {size(storage.limit_bytes)}"
    show_fields([("plan", costs.plan), ("costs", _money(costs.current_period_cost, costs.limit)), ("storage", stored)])
    kinds = (("run, run --stream", limits.rate_limit.sync), ("run --async", limits.rate_limit.async_))
    show_table(
        ("limit of", "a minute", "at once", "left", "resets at"),
        [(name, entry.limit, entry.max_burst, entry.remaining, entry.reset_at) for name, entry in kinds],
    )


def _money(spent: float | None, limit: float | None) -> str | None:
    if spent is None:
        return None
    return f"${spent:,.2f}" if limit is None else f"${spent:,.2f} of ${limit:,.2f}"
