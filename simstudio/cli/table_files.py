"""``simstudio tables``: CSV files into tables, and tables into CSV files."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simstudio.cli.connection import Connection, connected
from simstudio.cli.inputs import parse_names
from simstudio.cli.options import timeout_option, workspace_option
from simstudio.cli.output import on_terminal, write_json
from simstudio.cli.progress import Waiting
from simstudio.cli.readable import number, size
from simstudio.cli.references import find_table
from simstudio.cli.tables import attribute, show_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simstudio.models.v2.table_transfers import TableImport
    from simstudio.resources.v2.transfers import UploadProgress

_EPILOG = """\b
Examples:
  simstudio tables import stock.csv --new stock --workspace ID
  simstudio tables import stock.csv --table TABLE --column size=SIZE
  simstudio tables export TABLE --output stock.csv

Both need v2 of the API: --api-version v2, or SIM_API_VERSION=v2.

simstudio operations tables lists what else can be done with tables.
"""


@click.group(epilog=_EPILOG, invoke_without_command=True)
@click.pass_context
def tables(ctx: click.Context) -> None:
    """Import CSV files into tables, and export tables (v2)."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@tables.command("import", short_help="Import a CSV file into a table.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@workspace_option
@click.option("--new", metavar="NAME", help="Make a table of this name; its columns are inferred from FILE.")
@click.option("--table", metavar="ID", help="Add the rows to this table.")
@click.option("--replace", is_flag=True, help="With --table: delete the rows that it has.")
@click.option(
    "--column",
    "columns",
    metavar="FILE_COLUMN=TABLE_COLUMN",
    multiple=True,
    callback=parse_names,
    help="The column of the table that a column of FILE goes to; none (FILE_COLUMN=) leaves it out. Again for more.",
)
@click.option(
    "--create-column",
    "created",
    metavar="NAME",
    multiple=True,
    help="With --table: add this column of FILE to the table. Again for more.",
)
@click.option("--timezone", metavar="NAME", help="Time zone of moments without one, such as Europe/Berlin.")
@click.option("--delete-failed", is_flag=True, help="With --new: delete the table again if the import fails.")
@timeout_option("Seconds to wait after the upload; the import goes on after them.", default=3600.0)
@connected
def import_(
    connection: Connection,
    file: Path,
    workspace: str | None,
    *,
    new: str | None,
    table: str | None,
    replace: bool,
    columns: Mapping[str, str],
    created: tuple[str, ...],
    timezone: str | None,
    delete_failed: bool,
    timeout: float,
) -> None:
    """Import FILE, a CSV or TSV file in UTF-8, into a new table or an existing one.

    The command ends when the rows are stored, and with 1 if the import failed.
    """
    _check_target(new, table, replace=replace)
    with connection.client() as client:
        connection.require_v2(client, "Imports into tables are")
        target: dict[str, Any] = {"type": "new", "name": new}
        if table is not None:
            table_id = find_table(connection, client, table, workspace, acts=True)
            target = {"type": "existing", "tableId": table_id, "mode": "replace" if replace else "append"}
        workspace_id = connection.workspace(workspace)
        with Waiting(f"{file.name}: uploading") as waiting:
            result = client.v2.tables.import_csv(
                file,
                workspace_id=workspace_id,
                target=target,
                mapping={name: column or None for name, column in columns.items()} or None,
                create_columns=created or None,
                timezone=timezone,
                delete_failed=delete_failed,
                timeout=timeout,
                on_progress=_make_progress(connection, file.name, workspace_id, waiting),
            )
    if connection.as_json or not on_terminal():
        write_json(result.to_dict())
        return
    show_fields(
        [
            ("table", result.table_id),
            ("name", attribute(result, "target", "name")),
            ("rows", number(result.rows_processed)),
            ("rows left out", number(result.rows_rejected or None)),
            ("cells left empty", number(result.cells_rejected or None)),
        ]
    )


def _check_target(new: str | None, table: str | None, *, replace: bool) -> None:
    """Refuse an import without a target, or with two.

    Raises:
        click.UsageError: It has none, or two.
    """
    if (new is None) == (table is None):
        raise click.UsageError("Give either --new NAME or --table ID", click.get_current_context())
    if new is not None and replace:
        raise click.UsageError("--replace goes with --table", click.get_current_context())


def _make_progress(
    connection: Connection, name: str, workspace_id: str, waiting: Waiting
) -> Callable[[UploadProgress | TableImport], None]:
    """A function that shows the progress of an import, and keeps what an interruption would leave."""
    from simstudio.resources.v2.transfers import UploadProgress

    connection.invocation.interruption = "Nothing was imported."

    def show(progress: UploadProgress | TableImport) -> None:
        if isinstance(progress, UploadProgress):
            waiting.update(f"{name}: uploaded {size(progress.sent)} of {size(progress.size)}")
            if progress.sent < progress.size:
                return
            import_id: str = progress.upload.session.id
        else:
            waiting.update(f"{name}: {progress.status}, {number(progress.rows_processed)} rows")
            import_id = progress.id
        see, stop = (
            shlex.join(
                [
                    *connection.invocation.program,
                    "call",
                    f"v2.tables.imports.{what}",
                    import_id,
                    "--workspace-id",
                    workspace_id,
                ]
            )
            for what in ("get", "cancel")
        )
        connection.invocation.interruption = (
            f"The import {import_id} goes on on the server; look at it with: {see}; or stop it with: {stop}"
        )

    return show


@tables.command(short_help="Export a table to a CSV file.")
@click.argument("table")
@workspace_option
@click.option(
    "--output",
    "-o",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The CSV file; else TABLE.csv in the working directory.",
)
@click.option("--overwrite", is_flag=True, help="Replace the file if there is one.")
@timeout_option("Seconds to wait for the server's export.", default=3600.0)
@connected
def export(
    connection: Connection, table: str, workspace: str | None, output: Path | None, *, overwrite: bool, timeout: float
) -> None:
    """Export all rows of TABLE to a CSV file, which appears under its name when it is complete."""
    rows: int | None = None
    with connection.client() as client:
        connection.require_v2(client, "Exports of tables are")
        connection.invocation.interruption = "No file was written; an export begins again."
        table = find_table(connection, client, table, workspace)
        with Waiting(f"{table}: exporting") as waiting:

            def show(count: int) -> None:
                nonlocal rows
                rows = count
                waiting.update(f"{table}: {number(count)} rows")

            path = client.v2.tables.export_csv(
                table,
                output or Path(f"{table}.csv"),
                workspace_id=connection.workspace(workspace),
                overwrite=overwrite,
                timeout=timeout,
                on_progress=show,
            )
    count = path.stat().st_size
    if connection.as_json or not on_terminal():
        write_json({"tableId": table, "output": str(path), "rows": rows, "bytes": count})
    else:
        show_fields([("file", str(path)), ("rows", number(rows)), ("size", size(count))])
