"""``simstudio knowledge``: documents into knowledge bases, and searches in them."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simstudio.cli.connection import Connection, connected
from simstudio.cli.inputs import parse_names, read_bytes
from simstudio.cli.lists import Column, show_list, view_options
from simstudio.cli.options import timeout_option, workspace_option
from simstudio.cli.output import on_terminal, write_json
from simstudio.cli.progress import Waiting
from simstudio.cli.readable import number, size
from simstudio.cli.references import find_base, find_file
from simstudio.cli.tables import show_fields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simstudio.resources.v2.transfers import UploadProgress

_EPILOG = """\b
Examples:
  simstudio knowledge add BASE report.pdf --tag Author=Ada --api-version v2
  date | simstudio knowledge add BASE - --name now.txt --api-version v2
  simstudio knowledge search BASE 'quick foxes' | jq .content

\b
What each version of the API can do:
  v1    search
  v2    all

simstudio operations knowledge lists what else can be done with knowledge bases.
"""

_LONGEST = 200
"""Characters of a passage that a table shows."""


def _passage(item: Mapping[str, Any]) -> Any:
    text = item.get("content")
    text = " ".join(text.split()) if isinstance(text, str) else text
    return f"{text[:_LONGEST]}…" if isinstance(text, str) and len(text) > _LONGEST else text


_RESULTS = (
    Column("similarity", lambda item: number(item.get("similarity"), ".3f")),
    Column("document", lambda item: item.get("documentName") or item.get("documentId")),
    Column("chunk", "chunkIndex"),
    Column("passage", _passage),
)


@click.group(epilog=_EPILOG, invoke_without_command=True)
@click.pass_context
def knowledge(ctx: click.Context) -> None:
    """Add documents to knowledge bases, and search in them."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@knowledge.command(short_help="Add a document, and wait until searches find it.")
@click.argument("base")
@click.argument("source", metavar="FILE|-|ID", required=True)
@workspace_option
@click.option(
    "--name",
    metavar="NAME",
    help="Name of the document; needed for standard input (-). Its ending says how Sim processes it.",
)
@click.option(
    "--file-id",
    "is_id",
    is_flag=True,
    help="The document is the file of the workspace with this ID, which needs a personal API key.",
)
@click.option(
    "--tag",
    "tags",
    metavar="NAME=VALUE",
    multiple=True,
    callback=parse_names,
    help="Value of a text tag of the knowledge base. Again for more.",
)
@click.option("--no-wait", is_flag=True, help="End when the document is uploaded, not when searches find it.")
@timeout_option("Seconds to wait for the processing, which goes on after them.", default=3600.0)
@connected
def add(
    connection: Connection,
    base: str,
    source: str,
    workspace: str | None,
    *,
    name: str | None,
    is_id: bool,
    tags: Mapping[str, str],
    no_wait: bool,
    timeout: float,
) -> None:
    """Add a document to the knowledge base BASE, and wait until searches find it (v2)."""
    shown = source if name is None else name
    with connection.client() as client:
        connection.require_v2(client, "Adding documents is", "simstudio call v1.knowledge.documents.upload does it.")
        workspace_id = connection.workspace(workspace)
        base = find_base(connection, client, base, workspace, acts=True)
        content = find_file(connection, client, source, workspace) if is_id else _content(source, name)
        connection.invocation.interruption = "No document was added."
        with Waiting(f"{shown}: uploading") as waiting:

            def show(progress: UploadProgress) -> None:
                waiting.update(f"{shown}: uploaded {size(progress.sent)} of {size(progress.size)}")

            handle = client.v2.knowledge.documents.add(
                base, content, workspace_id=workspace_id, tags=tags or None, on_progress=show
            )
            words = [
                *connection.invocation.program,
                "call",
                "v2.knowledge.documents.get",
                base,
                handle.id,
                "--workspace-id",
                workspace_id,
            ]
            see = f"look at it with: {shlex.join(words)}"
            connection.invocation.interruption = f"Sim goes on with the document {handle.id}; {see}"
            document = (
                handle.refresh()
                if no_wait
                else handle.wait(
                    timeout=timeout, on_progress=lambda state: waiting.update(f"{shown}: {state.processing_status}")
                )
            )
    if connection.as_json or not on_terminal():
        write_json(document.to_dict())
        return
    show_fields(
        [
            ("document", document.id),
            ("name", document.filename),
            ("status", document.processing_status),
            ("chunks", number(document.chunk_count)),
            ("tokens", number(document.token_count)),
        ]
    )


def _content(source: str, name: str | None) -> Any:
    """A document: a path, or the name and bytes of standard input or of a file that has another name in Sim.

    Raises:
        click.UsageError: Standard input has no name.
        click.BadParameter: There is no such file.
    """
    context = click.get_current_context()
    if source == "-":
        if not name:
            raise click.UsageError("A document from standard input needs --name NAME, such as notes.md", context)
        return name, read_bytes("-", "FILE")
    path = Path(source)
    if not path.is_file():
        raise click.BadParameter(f"there is no file {source!r}", context, param_hint="FILE")
    return path if name is None else (name, path.open("rb"))


@knowledge.command(short_help="Search for passages by their meaning.")
@click.argument("base")
@click.argument("query")
@workspace_option
@click.option(
    "--base", "more", metavar="ID", multiple=True, help="Search in this knowledge base as well. Again for more."
)
@click.option(
    "--limit",
    metavar="NUMBER",
    type=click.IntRange(1, 100),
    default=10,
    show_default=True,
    help="Largest number of passages.",
)
@click.option(
    "--tag",
    "tags",
    metavar="NAME=VALUE",
    multiple=True,
    callback=parse_names,
    help="Only documents with this value of a text tag. Again for more.",
)
@click.option("--hybrid", is_flag=True, help="Search for words as well, not by meaning only (v2).")
@connected
@view_options
def search(
    connection: Connection,
    base: str,
    query: str,
    workspace: str | None,
    *,
    more: tuple[str, ...],
    limit: int,
    tags: Mapping[str, str],
    hybrid: bool,
) -> None:
    """Search the knowledge base BASE for passages whose meaning is near QUERY, best first."""
    options: dict[str, Any] = {}
    if tags:
        options["tag_filters"] = [{"tagName": name, "value": value} for name, value in tags.items()]
    with connection.client() as client:
        if hybrid:
            connection.require_v2(client, "Searches for words are")
            options["search_mode"] = "hybrid"
        found = connection.surface(client).knowledge.search(
            workspace_id=connection.workspace(workspace),
            knowledge_base_ids=[find_base(connection, client, each, workspace) for each in (base, *more)],
            query=query,
            top_k=limit,
            **options,
        )
    show_list(found.results, _RESULTS)
