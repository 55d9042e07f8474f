"""``simstudio api``: any route of the API, and the catalogue of those that have a method."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import attrs
import click

from simstudio.cli.connection import Connection, connected
from simstudio.cli.failures import CommandError, ExitCode
from simstudio.cli.headers import Pairs, header_option
from simstudio.cli.inputs import parse_json, read_json
from simstudio.cli.options import timeout_option
from simstudio.cli.output import on_terminal, write, write_bytes, write_json, write_value
from simstudio.cli.tables import show_table

if TYPE_CHECKING:
    from simstudio.client import SimStudioClient
    from simstudio.transport.message import Response

_EPILOG = """\b
Examples:
  simstudio api GET /api/users/me/usage-limits
  simstudio api get /api/v2/workflows --query workspaceId=ID --paginate
  simstudio api POST /api/v2/workflows/ID/deploy --data '{"name": "spring"}'
  simstudio api POST /api/v2/workflows/import --data @body.json
  simstudio api GET /api/v1/files/ID -q workspaceId=ID --output report.pdf
  simstudio api --list | jq -r 'select(.version == "v2") | .path'
"""


@click.command(epilog=_EPILOG, short_help="Call any route of the API.")
@click.argument("method", metavar="METHOD", required=False)
@click.argument("path", metavar="PATH", required=False)
@click.option(
    "--query",
    "-q",
    "query",
    metavar="NAME=VALUE",
    multiple=True,
    help="A parameter of the query, as text. Again for more.",
)
@header_option("A header, besides those that every request has. Again for more.")
@click.option("--data", "-d", metavar="JSON|@FILE|-", help="The JSON body: itself, in a file, or on standard input.")
@click.option("--paginate", is_flag=True, help="Follow nextCursor, and print the items of all pages, one a line.")
@click.option(
    "--output",
    "-o",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the body there, byte for byte.",
)
@timeout_option("What the call may take (30).")
@click.option("--list", "catalogue", is_flag=True, help="List the operations of v1 and v2; nothing is sent.")
@connected
def api(
    connection: Connection,
    method: str | None,
    path: str | None,
    query: Sequence[str],
    headers: Pairs,
    *,
    data: str | None,
    paginate: bool,
    output: Path | None,
    timeout: float | None,
    catalogue: bool,
) -> None:
    """Call METHOD PATH, and print what it answers: JSON; anything else as it is.

    PATH begins at the base address, as in /api/v2/meta. Reads are tried again where that may help; what changes
    something is sent once.
    """
    context = click.get_current_context()
    if catalogue:
        if method is not None or query or headers or data is not None or paginate or output is not None:
            raise click.UsageError("--list stands alone", context)
        _show_catalogue(connection)
        return
    if method is None or path is None:
        raise click.UsageError("METHOD and PATH are needed, as in: simstudio api GET /api/v2/meta", context)
    if paginate and (method.upper() != "GET" or output is not None or data is not None):
        raise click.UsageError("--paginate goes with GET, and neither with --data nor with --output", context)
    call = _Call(method, path, _query(query), _joined(headers), _body(data), timeout)
    with connection.client() as client:
        if paginate:
            for item in call.items(client):
                write_json(item)
        else:
            _show(connection, call.response(client), output)


@attrs.frozen
class _Call:
    """One call, ready to be sent."""

    method: str
    path: str
    query: dict[str, Any]
    headers: dict[str, str]
    body: Mapping[str, Any]
    timeout: float | None

    def response(self, client: SimStudioClient, **query: Any) -> Response:
        """What it answers. ``client.request`` gives no bytes of JSON, hence the response."""
        options: dict[str, Any] = dict(self.body)
        if self.timeout is not None:
            options["timeout"] = self.timeout
        raw = client.with_raw_response.request(
            self.method, self.path, params={**self.query, **query}, headers=self.headers, **options
        )
        return raw.response

    def items(self, client: SimStudioClient) -> Iterator[Any]:
        """The items of all pages.

        Raises:
            CommandError: An answer is no page.
            InvalidResponseError: The list has no end.
        """
        from simstudio.core.paging import Walk

        path, _, query = self.path.partition("?")
        first = attrs.evolve(self, path=path, query={**dict(parse_qsl(query, keep_blank_values=True)), **self.query})
        place: dict[str, Any] = {}
        walk = Walk()
        while True:
            items, following = _page(first.response(client, **place))
            yield from items
            if following is None:
                return
            walk.go_on(items, json.dumps(following))
            place = following


def _page(response: Response) -> tuple[list[Any], dict[str, Any] | None]:
    """The items of a page, and the query of the one that follows: of cursors, or (v1) of offsets."""
    body = response.json()
    data = body.get("data") if isinstance(body, dict) else None
    place: dict[str, Any] = data if isinstance(data, dict) else {}
    lists = [data] if isinstance(data, list) else [each for each in place.values() if isinstance(each, list)]
    if len(lists) != 1:
        raise CommandError(
            f"{response.method} {response.path} answers no list that --paginate could follow. Leave it out.",
            ExitCode.FAILED,
        )
    items = lists[0]
    cursor = body.get("nextCursor") or place.get("nextCursor")
    if cursor is not None:
        return items, {"cursor": cursor}
    counts = place.get("pagination")
    counts = counts if isinstance(counts, dict) else place
    try:
        offset, total = int(counts["offset"]), int(counts["total" if "total" in counts else "totalCount"])
    except (KeyError, TypeError, ValueError):  # everything was on it
        return items, None
    seen = offset + len(items)
    return items, {"offset": seen} if items and seen < total else None


def _show(connection: Connection, response: Response, output: Path | None) -> None:
    content = response.content
    kind = response.headers.get("content-type") or "application/octet-stream"
    if output is not None:
        try:
            output.write_bytes(content)
        except OSError as error:
            raise CommandError(f"{output} cannot be written: {error.strerror or error}.", ExitCode.FAILED) from error
        if connection.as_json:
            write_json({"output": str(output), "bytes": len(content), "contentType": kind})
        return
    if not content:
        return
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        _show_bytes(connection, content, kind)
        return
    if connection.as_json or not on_terminal():
        write_json(data)
    else:
        write_value(data if not isinstance(data, str) else json.dumps(data, ensure_ascii=False))


def _show_bytes(connection: Connection, content: bytes, kind: str) -> None:
    told = f"The answer is no JSON ({kind}, {len(content)} bytes). Give --output FILE."
    if connection.as_json:
        raise CommandError(told, ExitCode.FAILED)
    if not on_terminal():
        write_bytes(content)
        return
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise CommandError(told, ExitCode.FAILED) from None
    if any(not (letter.isprintable() or letter in "\n\r\t") for letter in text):
        raise CommandError(told, ExitCode.FAILED)  # control characters do things to a terminal
    write(text if text.endswith("\n") else f"{text}\n")


def _show_catalogue(connection: Connection) -> None:
    from simstudio.catalog import operations

    found = operations()
    if not connection.as_json and on_terminal():
        show_table(
            ("operation", "verb", "path", "method"),
            [(each.id, each.verb, each.path, f"client.{each.attribute}") for each in found],
            whole={"operation"},
        )
        return
    for each in found:
        parameters = {name: {"wire": place.wire, "place": place.place} for name, place in each.parameters.items()}
        write_json({
            "id": each.id,
            "version": each.version,
            "verb": each.verb,
            "path": each.path,
            "attribute": each.attribute,
            "list": each.is_list,
            "parameters": parameters,
        })  # fmt: skip


def _query(pairs: Sequence[str]) -> dict[str, Any]:
    """The query; a name that comes again becomes a list, which repeats it."""
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{pair!r} is not NAME=VALUE", click.get_current_context(), param_hint="--query")
        if name in found:
            before = found[name]
            value = [*(before if isinstance(before, list) else [before]), value]  # type: ignore[assignment]
        found[name] = value
    return found


def _joined(headers: Pairs) -> dict[str, str]:
    """The headers; values of one name are joined, as HTTP allows."""
    found: dict[str, str] = {}
    for name, value in headers:
        same = next((known for known in found if known.lower() == name.lower()), name)
        found[same] = f"{found[same]}, {value}" if same in found else value
    return found


def _body(data: str | None) -> dict[str, Any]:
    if data is None:
        return {}
    if data == "-" or data.startswith("@"):
        return {"json": read_json(data.removeprefix("@"), "--data")}
    return {"json": parse_json(data, "--data")}
