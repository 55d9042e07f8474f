"""``simstudio oomol``: tasks of Oomol Connect."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simstudio.cli.inputs import assemble, input_json_option, input_option
from simstudio.cli.lists import Column
from simstudio.cli.service_runs import Listing, StoppableRuns, moment_of

if TYPE_CHECKING:
    from simstudio.core.runs import SubmittedRun


def _event(log: Mapping[str, Any]) -> Any:
    """The event of a line of a log, on one line."""
    event = log.get("event")
    return event if event is None or isinstance(event, str) else json.dumps(event, ensure_ascii=False)


class OomolTasks(StoppableRuns):
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
    lists = (
        Listing(
            "list",
            "List the tasks.",
            lambda client: client.tasks.list().tasks,
            (
                Column("task", "id", "id"),
                Column("status", "status"),
                Column("created", moment_of("created_at"), "time"),
                Column("path", "manifest_path", wide=True),
            ),
        ),
        Listing(
            "logs",
            "List the log of the task ID.",
            lambda client, task_id: client.tasks.get_logs(task_id),
            (
                Column("time", moment_of("created_at"), "time"),
                Column("type", "type"),
                Column("node", "node_id"),
                Column("event", _event),
            ),
            of_run=True,
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


def _within(item: Mapping[str, Any], name: str) -> Any:
    data = item.get("data")
    return data.get(name) if isinstance(data, Mapping) else None
