"""Ids on the command line: whole, shortened to their beginning, or ``last``.

A shortened id has at least 4 characters (after ``wf_`` or ``tbl_``), and is looked up in the list of what it may name.
The ids of Sim have known forms (a UUID, ``wf_`` and 21 characters for a file, ``tbl_`` and 32 for a table), so that a
whole id, or a name of the sandbox, is recognised and costs no request. Background jobs of v1 and workspaces are in no
list: their ids are whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import attrs

from simstudio.cli.connection import Connection
from simstudio.cli.failures import CommandError, ExitCode
from simstudio.cli.lists import MOST_ON_A_PAGE
from simstudio.cli.output import say
from simstudio.cli.readable import moment
from simstudio.errors import NotFoundError, PermissionDeniedError

if TYPE_CHECKING:
    from simstudio.client import SimStudioClient

LAST = "last"
"""The newest run of the workspace, or of the workflow that ``--workflow`` names; whatever became of it."""
_SHORTEST = 4
_MOST_RUNS = 1000
"""Newest runs among which a shortened id is looked up."""
_UUID = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
_PREFIXED = {"wf_": 24, "tbl_": 36}
"""Lengths of whole ids, by how they begin."""


@attrs.frozen
class Listed:
    """An entry of a list: its id, and its distinguishing name.

    Attributes:
        name: Description for a choice among several: a name, or the status and time of a run.
        workflow_id: The workflow of a run.
    """

    id: str
    name: str = ""
    workflow_id: str | None = None


def find_workflow(
    connection: Connection, client: SimStudioClient, given: str, *, workspace: str | None = None, acts: bool = False
) -> str:
    """The id of a workflow.

    Args:
        connection: Says which workspace is meant.
        client: Sends the request for the list, if one is needed.
        given: The id, or its beginning.
        workspace: ``--workspace``.
        acts: Whether the command changes something: then it says which workflow was chosen.

    Raises:
        CommandError: Several workflows have ids that begin so.
    """
    return _find(connection, client, "workflow", given, workspace, acts=acts).id


def find_file(connection: Connection, client: SimStudioClient, given: str, workspace: str | None) -> str:
    """The id of a file; the arguments are those of :func:`find_workflow`.

    Raises:
        CommandError: Several files have ids that begin so.
    """
    return _find(connection, client, "file", given, workspace).id


def find_table(
    connection: Connection, client: SimStudioClient, given: str, workspace: str | None, *, acts: bool = False
) -> str:
    """The id of a table; the arguments are those of :func:`find_workflow`.

    Raises:
        CommandError: Several tables have ids that begin so.
    """
    return _find(connection, client, "table", given, workspace, acts=acts).id


def find_base(
    connection: Connection, client: SimStudioClient, given: str, workspace: str | None, *, acts: bool = False
) -> str:
    """The id of a knowledge base; the arguments are those of :func:`find_workflow`.

    Raises:
        CommandError: Several knowledge bases have ids that begin so.
    """
    return _find(connection, client, "knowledge base", given, workspace, acts=acts).id


def find_run(
    connection: Connection,
    client: SimStudioClient,
    given: str,
    workflow: str | None = None,
    workspace: str | None = None,
    *,
    acts: bool = False,
    as_log: bool = False,
) -> Listed:
    """A run, and its workflow if that is known.

    Args:
        connection: Says which workspace is meant.
        client: Sends the request for the list, if one is needed.
        given: The id, its beginning, or ``last``.
        workflow: ``--workflow``, whose id is whole.
        workspace: ``--workspace``.
        acts: Whether the command changes something: then it says which run was chosen.
        as_log: Whether the id in v1 is that of the log of the run; then ``given`` may be either.

    Raises:
        CommandError: Several runs have ids that begin so, or there is no run yet.
        click.UsageError: ``last``, and no workspace is known.
    """
    if given != LAST and not is_short(given):
        if client.api_version != "v2" and not _is_uuid(given):
            connection.invocation.id_advice = "The id of a background job must be whole, as v1 has no list of jobs."
        return Listed(given, workflow_id=workflow)
    if given != LAST:
        found = _find(connection, client, "run", given, workspace, workflow=workflow, as_log=as_log, acts=acts)
        return found if found.workflow_id is not None else attrs.evolve(found, workflow_id=workflow)
    if client.api_version != "v2" or workflow is None:
        connection.workspace(workspace)
    newest = next(_candidates(connection, client, "run", workspace, workflow, 1, as_log=as_log), None)
    if newest is None:
        what = f"The workflow {workflow}" if workflow else "The workspace"
        raise CommandError(f"{what} has no runs yet.", ExitCode.FAILED, "NotFound")
    if acts:
        _say_chosen(given, "run", newest)
    return newest


def find_run_and_workflow(
    connection: Connection,
    client: SimStudioClient,
    given: str,
    workflow: str | None,
    workspace: str | None,
    *,
    acts: bool = False,
) -> tuple[str, str | None]:
    """The ids of a run and of its workflow, which may be None with v1; the arguments are those of :func:`find_run`.

    Raises:
        CommandError: Several runs or workflows have ids that begin so, or there is no run yet.
        click.UsageError: ``last``, and no workspace is known; or v2, and the workflow is unknown.
    """
    if workflow is not None:
        workflow = find_workflow(connection, client, workflow, workspace=workspace)
    found = find_run(connection, client, given, workflow, workspace, acts=acts)
    return found.id, connection.workflow_of(client, found.workflow_id)


def is_short(given: str) -> bool:
    """Whether a text may be the beginning of an id of Sim.

    Example:
        >>> [is_short(each) for each in ("6e2d", "6e2d1f0a-93", "hello", "6e2", "wf_zwaC")]
        [True, True, False, False, True]
    """
    for beginning, length in _PREFIXED.items():
        if given.startswith(beginning):
            return len(beginning) + _SHORTEST <= len(given) < length
    return _SHORTEST <= len(given) < len(_UUID) and _begins_uuid(given)


def _is_uuid(given: str) -> bool:
    return len(given) == len(_UUID) and _begins_uuid(given)


def _begins_uuid(given: str) -> bool:
    return all(letter == "-" if at == "-" else letter in "0123456789abcdef" for letter, at in zip(given, _UUID))  # noqa: B905 - of any length


def _find(
    connection: Connection,
    client: SimStudioClient,
    noun: str,
    given: str,
    workspace: str | None,
    *,
    workflow: str | None = None,
    as_log: bool = False,
    acts: bool = False,
) -> Listed:
    """The entry that an id names; the id as it was given if it is whole, or if no entry of the list begins so."""
    if not is_short(given):
        return Listed(given)
    invocation = connection.invocation
    by_workflow = noun == "run" and workflow is not None and client.api_version == "v2"
    if connection.known_workspace(workspace) is None and not by_workflow:
        invocation.id_advice = f"The id of a {noun} can be shortened if SIM_WORKSPACE_ID says where to look."
        return Listed(given)
    try:
        found = list(
            _find_by_beginning(given, _candidates(connection, client, noun, workspace, workflow, None, as_log=as_log))
        )
    except (NotFoundError, PermissionDeniedError):  # the server has no such list, or the key may not see it
        return Listed(given)
    exact = [each for each in found if each.id == given]
    if exact:
        return exact[0]
    if len(found) > 1:
        raise CommandError(
            f"{given} is the beginning of {len(found)} ids of {noun}s. Give more of it:",
            kind="AmbiguousId",
            choices=[(each.id, each.name) for each in found],
        )
    if not found:
        among = f" among the newest {_MOST_RUNS:,} runs" if noun == "run" else ""
        invocation.id_advice = f"No id of a {noun} of the workspace begins so{among}."
        return Listed(given)
    if acts:
        _say_chosen(given, noun, found[0])
    return found[0]


def _say_chosen(given: str, noun: str, chosen: Listed) -> None:
    name = "" if chosen.name in ("", chosen.id) else f" ({chosen.name})"
    say(f"note: {given} is the {noun} {chosen.id}{name}")


def _find_by_beginning(given: str, listed: Iterable[Listed]) -> Iterator[Listed]:
    seen = set()
    for each in listed:
        if each.id.startswith(given) and each.id not in seen:
            seen.add(each.id)
            yield each


def _candidates(
    connection: Connection,
    client: SimStudioClient,
    noun: str,
    workspace: str | None,
    workflow: str | None,
    limit: int | None,
    *,
    as_log: bool,
) -> Iterator[Listed]:
    """All entries that an id may name; of runs, the newest."""
    if noun == "run":
        yield from _runs(connection, client, workspace, workflow, limit, as_log=as_log)
        return
    for item in _LISTS[noun](connection.surface(client), connection.workspace(workspace)):
        found = _text(item, "id")
        if found is not None:
            yield Listed(found, _text(item, "name") or "")


_LISTS: Mapping[str, Callable[[Any, str], Iterable[object]]] = {
    "workflow": lambda surface, workspace: surface.workflows.list(workspace, limit=MOST_ON_A_PAGE),
    "file": lambda surface, workspace: surface.files.list(workspace),
    "table": lambda surface, workspace: surface.tables.list(workspace),
    "knowledge base": lambda surface, workspace: surface.knowledge.list(workspace),
}


def _runs(
    connection: Connection,
    client: SimStudioClient,
    workspace: str | None,
    workflow: str | None,
    limit: int | None,
    *,
    as_log: bool,
) -> Iterator[Listed]:
    items: Iterable[object]
    size = MOST_ON_A_PAGE if limit is None else limit
    if client.api_version == "v2" and workflow is not None:
        items = client.v2.runs.list(workflow, limit=size)
    else:
        filters: dict[str, Any] = {"workflow_ids": [workflow]} if workflow is not None else {}
        items = connection.surface(client).logs.list(connection.workspace(workspace), limit=size, **filters)
    names: Sequence[str] = ("runId",) if client.api_version == "v2" else ("id", "executionId") if as_log else _EXECUTION
    for item in islice(items, limit or _MOST_RUNS):
        started, status = _text(item, "startedAt"), _text(item, "status") or _text(item, "level")
        of = _text(item, "workflowId") or workflow
        name = ", ".join(filter(None, (of, status, moment(started))))
        for key in names:
            found = _text(item, key)
            if found is not None:
                yield Listed(found, name, of)


_EXECUTION = ("executionId",)


def _text(item: object, key: str) -> str | None:
    found = item.get(key) if isinstance(item, Mapping) else None
    return found if isinstance(found, str) else None
