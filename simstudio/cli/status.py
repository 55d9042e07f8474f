"""``simstudio status``."""

from __future__ import annotations

import click

from simstudio.cli.connection import Connection, connected
from simstudio.cli.options import workflow_argument
from simstudio.cli.output import on_terminal, write_json
from simstudio.cli.readable import moment_and_time
from simstudio.cli.references import find_workflow
from simstudio.cli.tables import show_fields


@click.command
@workflow_argument
@connected
def status(connection: Connection, workflow: str) -> None:
    """Show whether WORKFLOW can be run."""
    with connection.client() as client:
        workflow = find_workflow(connection, client, workflow)
        found = client.workflows.status(workflow)
    if connection.as_json or not on_terminal():
        write_json(found.to_dict())
        return
    show_fields(
        [
            ("workflow", workflow),
            ("deployed", found.is_deployed),
            ("deployed at", moment_and_time(found.deployed_at)),
            ("published", found.is_published if "isPublished" in found.to_dict() else None),
            ("changed since", found.needs_redeployment),
        ]
    )
