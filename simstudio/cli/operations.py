"""``simstudio operations``: the catalogue of v1 and v2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from simstudio.cli.invocation import Invocation, json_option, pass_invocation
from simstudio.cli.lists import Column, show_list, view_options
from simstudio.cli.operation_options import summary_of

if TYPE_CHECKING:
    from simstudio.catalog import Operation

_EPILOG = """\b
Examples:
  simstudio operations deploy
  simstudio operations --json | jq -r 'select(.version == "v2") | .path'

simstudio call NAME --help shows the parameters of one.
"""


_OPERATIONS = (
    Column("operation", "attribute", "id"),
    Column("verb", "verb"),
    Column("path", "path"),
    Column("what it does", "summary"),
)


@click.command(epilog=_EPILOG, short_help="List the operations of v1 and v2.")
@click.argument("word", required=False, default="")
@json_option
@pass_invocation
@view_options
def operations(invocation: Invocation, word: str, *, as_json: bool) -> None:
    """List the operations of v1 and v2 whose name, path or summary has WORD. Nothing is sent."""
    from simstudio import ANONYMOUS, SimStudioClient
    from simstudio.catalog import operations as every

    invocation.as_json = as_json
    client = SimStudioClient(ANONYMOUS)
    found = [(each, summary_of(each.of(client))) for each in every()]
    sought = word.lower()
    found = [(each, text) for each, text in found if sought in f"{each.attribute} {each.id} {each.path} {text}".lower()]
    show_list([_as_json(each, text) for each, text in found], _OPERATIONS)


def _as_json(found: Operation, summary: str) -> dict[str, Any]:
    parameters = {name: {"wire": place.wire, "place": place.place} for name, place in found.parameters.items()}
    return {
        "id": found.id,
        "version": found.version,
        "verb": found.verb,
        "path": found.path,
        "attribute": found.attribute,
        "summary": summary,
        "list": found.is_list,
        "evidence": found.evidence,
        "parameters": parameters,
    }
