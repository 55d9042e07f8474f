"""``simstudio speedpix``: predictions of SpeedPix."""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import click

from simstudio.cli.failures import CommandError
from simstudio.cli.service_runs import Runs, Uploads
from simstudio.core.disk import safe_name

if TYPE_CHECKING:
    from simstudio.core.runs import SubmittedRun


class SpeedPixPredictions(Runs, Uploads):
    """Predictions of SpeedPix."""

    noun = "prediction"
    target = "WORKFLOW"
    example = "echo --input text=hello"
    begin_options = (
        click.option("--version-id", metavar="ID", help="A version of the workflow."),
        click.option("--alias-id", metavar="ID", help="An alias of a version; main if neither is given."),
    )
    result_options = (
        click.option(
            "--output",
            "-o",
            "folder",
            metavar="DIRECTORY",
            type=click.Path(file_okay=False, path_type=Path),
            help="Save the files of the output here, and print their paths for their addresses. Nothing is replaced.",
        ),
    )

    def begin(self, client: Any, target: str, data: Any, **options: Any) -> SubmittedRun[Any, Any, Any]:
        """Submit a prediction; files of its input are uploaded before."""
        made: SubmittedRun[Any, Any, Any] = client.predictions.create(
            target, data, version_id=options["version_id"], alias_id=options["alias_id"]
        )
        return made

    def handle(self, client: Any, run_id: str, **options: Any) -> SubmittedRun[Any, Any, Any]:
        """A prediction by its id."""
        del options
        found: SubmittedRun[Any, Any, Any] = client.predictions.handle(run_id)
        return found

    def output(self, result: Any, **options: Any) -> Any:
        """The output with the address of each file in its place, or the path that it was saved to."""
        from simstudio.services.speedpix.outputs import plain_output

        folder: Path | None = options.get("folder")
        return plain_output(result if folder is None else _save_files(result, folder))

    def state(self, run: SubmittedRun[Any, Any, Any]) -> Mapping[str, Any]:
        """The state of a prediction as JSON data."""
        known = {"id": run.id, "status": run.status}
        told = {name: getattr(run, name) for name in ("progress", "eta", "message", "error", "error_code")}
        return {**known, **{name: value for name, value in told.items() if value is not None}}

    def upload(self, client: Any, path: Path) -> tuple[str, Mapping[str, Any]]:
        """Upload a file; its address."""
        file = client.files.create(path)
        return file.access_url, file.to_dict()


def _save_files(output: Any, folder: Path) -> Any:
    """Save the files of an output; the output with their paths in their place.

    Raises:
        SimStudioError: A file did not come, or cannot be written.
        CommandError: The folder cannot be made.
    """
    from simstudio.services.speedpix import FileOutput

    if isinstance(output, FileOutput):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CommandError(f"{folder} cannot be made: {error.strerror or error}.") from error
        return str(output.save(_free_path(folder, safe_name(unquote(urlsplit(output.url).path)))))
    if isinstance(output, Mapping):
        return {name: _save_files(value, folder) for name, value in output.items()}
    if isinstance(output, (list, tuple)):
        return [_save_files(value, folder) for value in output]
    return output


def _free_path(folder: Path, name: str) -> Path:
    """A path of this name where there is nothing yet: ``cat.png``, else ``cat-2.png``, and so on."""
    path = Path(name)
    names = chain([name], (f"{path.stem}-{number}{path.suffix}" for number in count(2)))
    return next(folder / each for each in names if not os.path.lexists(folder / each))
