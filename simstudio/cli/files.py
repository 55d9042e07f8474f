"""``simstudio files``: files between this machine and a workspace."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simstudio.cli.connection import Connection, connected
from simstudio.cli.options import workspace_option
from simstudio.cli.output import on_terminal, say, write_json
from simstudio.cli.progress import Waiting
from simstudio.cli.readable import size
from simstudio.cli.references import find_file
from simstudio.cli.tables import show_fields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simstudio.client import SimStudioClient
    from simstudio.resources.v2.transfers import UploadProgress

_EPILOG = """\b
Examples:
  simstudio files upload report.pdf --workspace ID
  simstudio files upload video.mp4 --folder '/New leads' --api-version v2
  simstudio files download FILE_ID --output reports/

\b
What each version of the API can do:
  v1    files of up to 10 MiB, into the root folder
  v2    files of up to 5 GiB, into any folder; an interrupted upload can go on

simstudio operations files lists what else can be done with files.
"""


@click.group(epilog=_EPILOG, invoke_without_command=True)
@click.pass_context
def files(ctx: click.Context) -> None:
    """Upload files to a workspace, and download them."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@files.command(short_help="Upload a file.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@workspace_option
@click.option("--folder", metavar="PATH", help="An existing folder, such as '/Sales/New leads'; else the root (v2).")
@click.option("--name", metavar="TEXT", help="Name in Sim; else the name of FILE.")
@click.option("--content-type", metavar="TYPE", help="Media type; else guessed from the name.")
@click.option(
    "--session",
    metavar="SESSION",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Go on with an interrupted upload of FILE, from the file that the interrupted command wrote (v2).",
)
@connected
def upload(
    connection: Connection,
    file: Path,
    workspace: str | None,
    folder: str | None,
    name: str | None,
    content_type: str | None,
    session: Path | None,
) -> None:
    """Upload FILE.

    In v2 an interrupted upload (Ctrl-C, a lost connection) can go on: the command writes its upload session to a file
    in the working directory and says how to use it. That file permits the upload without an API key, for 24 hours.
    """
    with connection.client() as client:
        workspace_id = connection.workspace(workspace)
        if client.api_version == "v2":
            found = _Upload(connection, file, session).run(client, workspace_id, folder, name, content_type)
        else:
            for given, what in ((folder, "Folders of files are"), (session, "Uploads that go on are")):
                if given is not None:
                    connection.require_v2(client, what)
            from simstudio.core.files import File

            with Waiting(f"{file.name}: uploading"):
                found = client.v1.files.upload(workspace_id, File(file, name=name, mime=content_type)).to_dict()
    _show(connection, found)


class _Upload:
    """An upload over an upload session, which is kept if it does not end."""

    def __init__(self, connection: Connection, file: Path, session: Path | None) -> None:
        self._connection = connection
        self._file = file
        self._session = session
        self._progress: UploadProgress | None = None

    def run(
        self,
        client: SimStudioClient,
        workspace_id: str,
        folder: str | None,
        name: str | None,
        content_type: str | None,
    ) -> Mapping[str, Any]:
        from simstudio.cli.upload_sessions import load
        from simstudio.errors import APIConnectionError, RateLimitError, ServerError, SimStudioError

        session = None if self._session is None else load(self._session, self._file)
        with Waiting(f"{self._file.name}: uploading") as waiting:

            def show(progress: UploadProgress) -> None:
                self._progress = progress
                waiting.update(f"{self._file.name}: {size(progress.sent)} of {size(progress.size)}")

            try:
                made = client.v2.files.upload(
                    self._file,
                    workspace_id=workspace_id,
                    name=name,
                    content_type=content_type,
                    folder_path=folder,
                    session=session,
                    keep_session=True,
                    on_progress=show,
                )
            except KeyboardInterrupt:
                self._connection.invocation.interruption = self._keep(client, workspace_id)
                raise
            except SimStudioError as error:
                waiting.stop()
                if isinstance(error, (APIConnectionError, ServerError, RateLimitError)):
                    say(f"note: {self._keep(client, workspace_id)}")
                elif self._session is None:
                    self._abort(client, workspace_id)
                raise
        if self._session is not None:
            self._session.unlink(missing_ok=True)
        return made.to_dict()

    def _keep(self, client: SimStudioClient, workspace_id: str) -> str:
        """Keep the session if the server has a part of the file, else abort it; return a sentence about it."""
        from simstudio.cli.upload_sessions import save

        invocation, progress = self._connection.invocation, self._progress
        if progress is None:
            return "Nothing was uploaded." if self._session is None else f"Go on with: {invocation.again()}"
        if progress.sent or self._session is not None:
            with suppress(OSError):
                path = save(progress, self._file, self._session)
                more = () if self._session is not None else ("--session", str(path))
                known = f"The server keeps {size(progress.sent)} of {size(progress.size)} for 24 hours"
                return f"{known}; go on with: {invocation.again(*more)}"
        aborted = self._abort(client, workspace_id)
        return "Nothing was uploaded." if aborted else "The server may have the file all the same."

    def _abort(self, client: SimStudioClient, workspace_id: str) -> bool:
        """Abort the session, if there is one; return whether that worked."""
        from simstudio.errors import SimStudioError

        if self._progress is None:
            return True
        session: Any = self._progress.upload
        try:
            client.v2.files.uploads.abort(
                session.session.id, workspace_id=workspace_id, upload_token=session.upload_token
            )
        except SimStudioError:
            return False
        return True


def _show(connection: Connection, found: Mapping[str, Any]) -> None:
    if connection.as_json or not on_terminal():
        write_json(found)
        return
    show_fields(
        [
            ("file", found.get("id")),
            ("name", found.get("name")),
            ("folder", found.get("folderPath")),
            ("size", size(found.get("size"))),
            ("type", found.get("type")),
            ("page", found.get("webUrl")),
        ]
    )


@files.command(short_help="Download a file.")
@click.argument("file_id", metavar="ID")
@workspace_option
@click.option(
    "--output",
    "-o",
    metavar="FILE|DIRECTORY",
    type=click.Path(path_type=Path),
    default=".",
    help="Place to save it: a new file, or a directory for a file with its name in Sim. Default: the working "
    "directory. Nothing is replaced.",
)
@connected
def download(connection: Connection, file_id: str, workspace: str | None, output: Path) -> None:
    """Download the file ID. It appears under its name when it is complete."""
    connection.invocation.interruption = "Nothing was saved; a download begins again."
    with connection.client() as client, Waiting(f"{file_id}: downloading"):
        file_id = find_file(connection, client, file_id, workspace)
        found = connection.surface(client).files.download(
            file_id, workspace_id=connection.workspace(workspace), to=output
        )
    count = found.path.stat().st_size
    if connection.as_json or not on_terminal():
        write_json({"id": file_id, "output": str(found.path), "bytes": count, "contentType": found.content_type})
    else:
        show_fields([("file", str(found.path)), ("size", size(count)), ("type", found.content_type)])
