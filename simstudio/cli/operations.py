"""``simstudio operations``: the catalogue of v1 and v2."""

from __future__ import annotations

import click

from simstudio.cli.invocation import Invocation, json_option, pass_invocation
from simstudio.cli.operation_options import summary_of
from simstudio.cli.output import on_terminal, write_json
from simstudio.cli.tables import show_table

_EPILOG = """\b
Examples:
  simstudio operations deploy
  simstudio operations --json | jq -r 'select(.version == "v2") | .path'

simstudio call NAME --help shows the parameters of one.
"""


@click.command(epilog=_EPILOG)
@click.argument("word", required=False, default="")
@json_option
@pass_invocation
def operations(invocation: Invocation, word: str, *, as_json: bool) -> None:
    """List the operations of v1 and v2 whose name, path or summary has WORD. Nothing is sent."""
    from simstudio import ANONYMOUS, SimStudioClient
    from simstudio.catalog import operations as every

    invocation.as_json = as_json
    client = SimStudioClient(ANONYMOUS)
    found = [(each, summary_of(each.of(client))) for each in every()]
    sought = word.lower()
    found = [(each, text) for each, text in found if sought in f"{each.attribute} {each.id} {each.path} {text}".lower()]
    if not as_json and on_terminal():
        rows = [(each.attribute, each.verb, each.path, text) for each, text in found]
        show_table(("operation", "verb", "path", "what it does"), rows, whole={"operation"})
        return
    for each, text in found:
        parameters = {name: {"wire": place.wire, "place": place.place} for name, place in each.parameters.items()}
        write_json({
            "id": each.id,
            "version": each.version,
            "verb": each.verb,
            "path": each.path,
            "attribute": each.attribute,
            "summary": text,
            "list": each.is_list,
            "evidence": each.evidence,
            "parameters": parameters,
        })  # fmt: skip
