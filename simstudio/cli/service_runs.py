"""How the runs of each service beside Sim begin, are found again, and are shown: a :class:`Runs` for each."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import attrs
import click

from simstudio.cli.failures import CommandError
from simstudio.cli.inputs import assemble, file_option, input_json_option, input_option
from simstudio.cli.lists import Column
from simstudio.core.disk import safe_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from simstudio.core.runs import SubmittedRun

Decorator = Callable[[Callable[..., None]], Callable[..., None]]


@attrs.frozen
class Listing:
    """A list that a service gives.

    Attributes:
        name: The command.
        help: What it lists.
        items: The items, from a client.
        columns: Columns of the table.
        default: Default of ``--limit``; None for all.
    """

    name: str
    help: str
    items: Callable[[Any], Iterable[Any]]
    columns: Sequence[Column]
    default: int | None = None


class Runs(ABC):
    """The runs of a service, in its words.

    Attributes:
        noun: A run.
        target: What is run, as the help names it.
        example: Arguments of ``run`` in an example that the embedded sandbox can run.
        input_options: The options that make an input.
        begin_options: Further options of ``run``, which :meth:`begin` gets.
        handle_options: Options of the commands that find a run, which :meth:`handle` gets.
        result_options: Options of the commands that show what a run gave, which :meth:`output` gets.
        lists: The lists that the service gives.
        stops: Whether a run can be stopped.
        uploads: Whether a file can be uploaded by itself.
    """

    noun: str
    target: str
    example: str
    input_options: Sequence[Decorator] = (input_option, input_json_option, file_option)
    begin_options: Sequence[Decorator] = ()
    handle_options: Sequence[Decorator] = ()
    result_options: Sequence[Decorator] = ()
    lists: Sequence[Listing] = ()
    stops: bool = False
    uploads: bool = False

    def input(self, pairs: Sequence[tuple[str, Any]], input_json: str | None, files: Sequence[Any]) -> Any:
        """The input, from the options that make one.

        Raises:
            click.BadParameter: They cannot be read, or not be put together.
        """
        return assemble(pairs, input_json, files) or {}

    @abstractmethod
    def begin(self, client: Any, target: str, data: Any, **options: Any) -> SubmittedRun[Any, Any, Any]:
        """Begin a run."""

    @abstractmethod
    def handle(self, client: Any, run_id: str, **options: Any) -> SubmittedRun[Any, Any, Any]:
        """Find a run; nothing is sent."""

    def wait_options(self, target: str, **options: Any) -> list[str]:
        """The options by which other commands find a run that was begun so."""
        del target, options
        return []

    def output(self, result: Any, **options: Any) -> Any:
        """What a run gave, as text or JSON data."""
        del options
        return result.output

    def state(self, run: SubmittedRun[Any, Any, Any]) -> Mapping[str, Any]:
        """The state of a run as JSON data."""
        state: Any = run.state
        found: Mapping[str, Any] = state.to_dict()
        return found

    def succeeded(self, run: SubmittedRun[Any, Any, Any]) -> bool:
        """Whether a run had ended well when its state was last fetched."""
        state: Any = run.state
        return bool(state.succeeded)

    def stop(self, client: Any, run_id: str) -> Any:
        """Stop a run."""
        raise NotImplementedError

    def upload(self, client: Any, path: Path) -> tuple[str, Mapping[str, Any]]:
        """Upload a file; what an input has in its place, and all that the service says of it."""
        raise NotImplementedError


def _moment(name: str) -> Callable[[Mapping[str, Any]], Any]:
    """A column's value: milliseconds since the epoch as ISO 8601; anything else as it came."""

    def value(item: Mapping[str, Any]) -> Any:
        found = item.get(name)
        if isinstance(found, bool) or not isinstance(found, (int, float)):
            return found
        try:
            return f"{datetime.fromtimestamp(found / 1000, timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
        except (ValueError, OverflowError, OSError):
            return found

    return value


class OomolTasks(Runs):
    """Tasks of Oomol: blocks, and the flows that older servers run."""

    noun = "task"
    target = "BLOCK"
    example = "sandbox::echo --input text=hello"
    input_options = (
        input_option,
        input_json_option,
        click.option(
            "--file",
            "-f",
            "files",
            metavar="PATH",
            multiple=True,
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="Send a file with the task. Again for more.",
        ),
    )
    stops = True
    lists = (
        Listing(
            "list",
            "List the tasks.",
            lambda client: client.tasks.list().tasks,
            (
                Column("task", "id", "id"),
                Column("status", "status"),
                Column("created", _moment("created_at"), "time"),
                Column("path", "manifest_path", wide=True),
            ),
        ),
        Listing(
            "blocks",
            "List the blocks that can be run, each in its newest version.",
            lambda client: client.blocks.list().blocks,
            (Column("block", "blockId", "id"), Column("version", "version"), Column("description", "description")),
        ),
        Listing(
            "packages",
            "List the packages that are installed.",
            lambda client: client.packages.list().packages,
            (
                Column("name", "name", "id"),
                Column("version", "version"),
                Column("description", "description"),
                Column("path", "path", wide=True),
            ),
        ),
        Listing(
            "applets",
            "List the applets of the account.",
            lambda client: client.applets.list(),
            (
                Column("applet", "appletId", "id"),
                Column("title", lambda item: _within(item, "title")),
                Column("package", lambda item: _within(item, "packageId")),
                Column("block", lambda item: _within(item, "blockName")),
            ),
        ),
    )

    def input(self, pairs: Sequence[tuple[str, Any]], input_json: str | None, files: Sequence[Any]) -> Any:
        """Inputs by handle, or in another form that the service takes, and the files beside them."""
        return assemble(pairs, input_json, ()), list(files)

    def begin(self, client: Any, target: str, data: Any, **options: Any) -> SubmittedRun[Any, Any, Any]:
        """Create a task."""
        del options
        values, files = data
        if files:
            created = client.tasks.create_with_files(target, values, files)
        else:
            request = {"blockId": target} if values is None else {"blockId": target, "inputValues": values}
            created = client.tasks.create(request)
        return self.handle(client, created.id)

    def handle(self, client: Any, run_id: str, **options: Any) -> SubmittedRun[Any, Any, Any]:
        """A task by its id."""
        del options
        found: SubmittedRun[Any, Any, Any] = client.tasks.handle(run_id)
        return found

    def stop(self, client: Any, run_id: str) -> Any:
        """Stop a task."""
        return client.tasks.stop(run_id).to_dict()


class SpeedPixPredictions(Runs):
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
    uploads = True

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
        """What is known of a prediction."""
        known = {"id": run.id, "status": run.status}
        told = {name: getattr(run, name) for name in ("progress", "eta", "message", "error", "error_code")}
        return {**known, **{name: value for name, value in told.items() if value is not None}}

    def upload(self, client: Any, path: Path) -> tuple[str, Mapping[str, Any]]:
        """Upload a file; its address."""
        file = client.files.create(path)
        return file.access_url, file.to_dict()


class VectorVeinRuns(Runs):
    """Runs of VectorVein's workflows."""

    noun = "run"
    target = "WORKFLOW"
    example = "hello --input node-1.Name=Ada"
    begin_options = (
        click.option(
            "--outputs",
            "output_scope",
            type=click.Choice(["output_fields_only", "all"]),
            default="output_fields_only",
            show_default=True,
            help="Whose outputs come: those of the output nodes, or of all nodes.",
        ),
        click.option("--vapp", is_flag=True, help="The key is that of a VApp."),
    )
    handle_options = (
        click.option("--workflow", metavar="ID", help="Workflow of the run: needed with the key of a VApp."),
    )
    uploads = True

    def input(self, pairs: Sequence[tuple[str, Any]], input_json: str | None, files: Sequence[Any]) -> Any:
        """Input fields: of ``NODE.FIELD``, or a JSON list of them."""
        data = super().input(pairs, input_json, files)
        if not isinstance(data, Mapping):
            return data
        fields = []
        for name, value in data.items():
            node, dot, field = name.partition(".")
            if not (node and dot and field):
                raise click.BadParameter(
                    f"{name!r} is not NODE.FIELD, the id of a node and the name of its field",
                    click.get_current_context(silent=True),
                    param_hint="--input",
                )
            fields.append({"node_id": node, "field_name": field, "value": value})
        return fields

    def begin(self, client: Any, target: str, data: Any, **options: Any) -> SubmittedRun[Any, Any, Any]:
        """Begin a run."""
        made: SubmittedRun[Any, Any, Any] = client.workflows.submit(
            target, data, output_scope=options["output_scope"], api_key_type=_key_type(vapp=options["vapp"])
        )
        return made

    def wait_options(self, target: str, **options: Any) -> list[str]:
        """The workflow, without which the key of a VApp finds no run."""
        return ["--workflow", target] if options["vapp"] else []

    def handle(self, client: Any, run_id: str, **options: Any) -> SubmittedRun[Any, Any, Any]:
        """A run by its id."""
        workflow = options.get("workflow")
        found: SubmittedRun[Any, Any, Any] = client.workflows.handle(
            run_id, workflow, _key_type(vapp=workflow is not None)
        )
        return found

    def upload(self, client: Any, path: Path) -> tuple[str, Mapping[str, Any]]:
        """Upload a file; the path under which VectorVein keeps it."""
        file = client.files.upload(path)
        return file.oss_path, file.to_dict()


def _key_type(*, vapp: bool) -> str:
    return "VAPP" if vapp else "WORKFLOW"


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


def _within(item: Mapping[str, Any], name: str) -> Any:
    data = item.get("data")
    return data.get(name) if isinstance(data, Mapping) else None


RUNS: Mapping[str, Runs] = {"oomol": OomolTasks(), "speedpix": SpeedPixPredictions(), "vectorvein": VectorVeinRuns()}
"""The runs of each service, by its word."""
