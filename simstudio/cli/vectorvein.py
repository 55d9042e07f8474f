"""``simstudio vectorvein``: runs of VectorVein's workflows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simstudio.cli.inputs import file_option, input_json_option, named_input_option
from simstudio.cli.lists import Column
from simstudio.cli.service_runs import Listing, StoppableRuns, Uploads, moment_of

if TYPE_CHECKING:
    from simstudio.core.runs import SubmittedRun

_PAGE = 50


def _run_records(client: Any) -> Iterator[Any]:
    """All records of runs, fetched page by page. A page is the first list in what comes, as no schema names it."""
    for page in count(1):
        told = client.run_records.list(page, _PAGE)
        found = told if isinstance(told, list) else next(filter(_is_list, _values(told)), [])
        yield from found
        if len(found) < _PAGE:
            return


def _values(told: Any) -> Iterable[Any]:
    return told.values() if isinstance(told, Mapping) else ()


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


class VectorVeinRuns(StoppableRuns, Uploads):
    """Runs of VectorVein's workflows."""

    noun = "run"
    target = "WORKFLOW"
    example = "hello --input node-1.Name=Ada"
    input_options = (
        named_input_option("NODE.FIELD=VALUE", "One field of the input, by the id of its node."),
        input_json_option,
        file_option,
    )
    begin_options = (
        click.option(
            "--outputs",
            "output_scope",
            type=click.Choice(["output_fields_only", "all"]),
            default="output_fields_only",
            show_default=True,
            help="Outputs to return: those of the output nodes, or of all nodes.",
        ),
        click.option("--vapp", is_flag=True, help="The key is that of a VApp."),
    )
    lists = (
        Listing(
            "list",
            "List the runs, the newest first.",
            _run_records,
            (
                Column("run", "rid", "id"),
                Column("status", "status"),
                Column("started", moment_of("start_time"), "time"),
                Column("ended", moment_of("end_time"), "time", wide=True),
                Column("workflow", "wid", "id"),
            ),
            50,
        ),
        Listing(
            "workflows",
            "List the workflows, the newest first.",
            lambda client: client.workflows.iterate(),
            (
                Column("workflow", "wid", "id"),
                Column("title", "title"),
                Column("updated", moment_of("update_time"), "time"),
                Column("brief", "brief", wide=True),
            ),
            50,
        ),
    )
    handle_options = (
        click.option("--workflow", metavar="ID", help="Workflow of the run: needed with the key of a VApp."),
    )

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

    def error(self, run: SubmittedRun[Any, Any, Any]) -> Any:
        """The message of a run that failed."""
        state: Any = run.state
        return state.msg if run.done and not state.succeeded else None

    def stop(self, client: Any, run_id: str) -> Any:
        """Stop a run."""
        return client.workflows.stop(run_id)

    def upload(self, client: Any, path: Path) -> tuple[str, Mapping[str, Any]]:
        """Upload a file; the path under which VectorVein keeps it."""
        file = client.files.upload(path)
        return file.oss_path, file.to_dict()


def _key_type(*, vapp: bool) -> str:
    return "VAPP" if vapp else "WORKFLOW"
