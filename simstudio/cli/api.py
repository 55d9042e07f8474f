"""``simstudio api``: any route of the API."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import attrs
import click

from simstudio.cli.bodies import output_option, show_content
from simstudio.cli.connection import Connection, connected
from simstudio.cli.failures import CommandError, ExitCode
from simstudio.cli.headers import Pairs, header_option
from simstudio.cli.inputs import parse_json, read_json
from simstudio.cli.options import timeout_option
from simstudio.cli.output import write_json

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
"""


@click.command(epilog=_EPILOG, short_help="Call any route of the API.")
@click.argument("method", metavar="METHOD")
@click.argument("path", metavar="PATH")
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
@output_option
@timeout_option("Seconds for the call, its attempts included (30).")
@connected
def api(
    connection: Connection,
    method: str,
    path: str,
    query: Sequence[str],
    headers: Pairs,
    *,
    data: str | None,
    paginate: bool,
    output: Path | None,
    timeout: float | None,
) -> None:
    """Send METHOD PATH, and print the body of the response: JSON; anything else as it is.

    PATH begins at the base address, as in /api/v2/meta. Reads are tried again where that may help; what changes
    something is sent once.
    """
    context = click.get_current_context()
    if paginate and (method.upper() != "GET" or output is not None or data is not None):
        raise click.UsageError("--paginate goes with GET, and neither with --data nor with --output", context)
    call = _Call(method, path, _query(query), _join_headers(headers), _body(data), timeout)
    with connection.client() as client:
        if paginate:
            for item in call.items(client):
                write_json(item)
        else:
            response = call.response(client)
            kind = response.headers.get("content-type") or "application/octet-stream"
            show_content(connection, response.content, kind, output)


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
        """The response; ``client.request`` does not return the bytes of JSON."""
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


def _join_headers(headers: Pairs) -> dict[str, str]:
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
