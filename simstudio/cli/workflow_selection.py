"""Selection of workflows for ``simstudio workflows pull``, ``push`` and ``promote``: ``--only``, ``--mapping``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from simstudio.cli.completion import complete_workflows
from simstudio.cli.failures import CommandError
from simstudio.cli.references import is_short

if TYPE_CHECKING:
    from typing import TypeAlias

    from simstudio.models.v2.workflows import Workflow
    from simstudio.workflow_files.plan import Mapped, Source

    Select: TypeAlias = Callable[[Sequence[Workflow]], Sequence[Workflow]]

T = TypeVar("T")

only_option = click.option(
    "--only",
    multiple=True,
    metavar="NAME",
    shell_complete=complete_workflows,
    help="Only this workflow: its name, file or id, or the first characters of the id. Again for more.",
)
mapping_option = click.option(
    "--mapping",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON of names and ids that differ in the workspace to update: "
    '{"workflows": {"name": "name or id"}, "references": {"id": "id"}}.',
)


def read_mapping(path: Path | None) -> Mapped:
    """The mapping in the file of ``--mapping``; an empty one without a file.

    Raises:
        CommandError: The file cannot be read.
    """
    from simstudio.workflow_files.document import read_json
    from simstudio.workflow_files.plan import Mapped

    if path is None:
        return Mapped()
    try:
        return Mapped.parse(read_json(path.read_text(encoding="utf-8"), str(path)), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read: {error}.") from error


def candidates(sources: Sequence[Source], mapped: Mapped) -> Select:
    """The workflows of the target that the sources may be."""
    names = {source.document["name"] for source in sources} | {source.id for source in sources}
    names.update(mapped.workflows.values())
    return lambda listed: [each for each in listed if each.id in names or each.name in names]


def choose_workflows(only: Sequence[str]) -> Select:
    """The workflows of a workspace that ``--only`` names."""
    return lambda listed: _choose(only, listed, lambda each: (each.id, each.name))


def choose_sources(only: Sequence[str], sources: Sequence[Source]) -> list[Source]:
    """The workflows of a folder that ``--only`` names."""
    return _choose(only, sources, lambda each: (each.id or each.origin, each.document["name"], each.file, each.origin))


def _choose(only: Sequence[str], items: Sequence[T], labels: Callable[[T], tuple[str | None, ...]]) -> list[T]:
    """The items that ``--only`` names by a label, or by the beginning of the first label, which is an id; default: all.

    Raises:
        CommandError: No item has this name, or several ids begin so.
    """
    chosen: list[T] = []
    for name in only:
        found = [each for each in items if name in labels(each)]
        if not found and is_short(name):
            found = [each for each in items if (labels(each)[0] or "").startswith(name)]
            if len(found) > 1:
                raise CommandError(
                    f"--only {name} is the beginning of {len(found)} ids. Give more of it:",
                    kind="AmbiguousId",
                    choices=[(str(id_), str(label)) for id_, label, *_ in map(labels, found)],
                )
        if not found:
            raise CommandError(f"--only {name}: there is no such workflow.")
        chosen += found
    return [each for each in items if each in chosen] if only else list(items)
