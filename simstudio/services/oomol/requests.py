"""Requests for tasks, and ids in unexpected responses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from simstudio.services.oomol.inputs import normalise
from simstudio.services.oomol.models import CreatedTask, Task
from simstudio.transport.errors import InvalidInputError, InvalidResponseError

if TYPE_CHECKING:
    from simstudio.services.oomol.errors import ApiStatusError
    from simstudio.transport.message import Response


def id_of(task: object) -> str:
    """The id of a task, from the id itself, a state of the task or its receipt."""
    if isinstance(task, (Task, CreatedTask)):
        return task.id
    if isinstance(task, str):
        return task
    raise InvalidInputError(
        f"task_id must be a task's id, a Task or what create() returned, not {type(task).__name__}."
    )


def id_in(response: Response) -> str | None:
    """The id of a task in a response that cannot be used otherwise; None if there is none."""
    try:
        data = response.json()
    except InvalidResponseError:
        return None
    if not isinstance(data, dict):
        return None
    for place in (data, data.get("task"), data.get("data")):
        if not isinstance(place, dict):
            continue
        for name in ("id", "taskId", "taskID", "task_id"):
            found = place.get(name)
            if isinstance(found, (str, int)) and not isinstance(found, bool) and found != "":
                return str(found)
    return None


def task_in(data: Any) -> Any:
    """The task in a response: its member ``task``, or the whole."""
    return data["task"] if isinstance(data, dict) and isinstance(data.get("task"), dict) else data


_OTHER = {"blockId": "manifest", "manifest": "blockId"}
_NAMED = {"blockId": re.compile(r"block[ _-]?id", re.I), "manifest": re.compile(r"\bmanifest\b", re.I)}


class BlockField:
    """The field of a task's request that holds the block id: ``blockId``, or ``manifest`` on other servers.

    The service's own SDKs differ, so a refusal that names the other field decides. A client shares one with its clones.

    Attributes:
        learnt: Field that the server asked for; None before the first refusal.
    """

    def __init__(self) -> None:
        self.learnt: str | None = None

    def name_in(self, body: Mapping[str, Any]) -> str:
        """The field of the block id in the next request."""
        return self.learnt or ("blockId" if "blockId" in body else "manifest")

    def find_wanted(self, refusal: ApiStatusError, sent: str) -> str | None:
        """Return the other field if a refusal asks for it (nothing ran then), else None."""
        response = refusal.response
        asked = refusal.status in (400, 422) and response is not None and _NAMED[_OTHER[sent]].search(response.text)
        return _OTHER[sent] if asked else None


def with_block_in(field: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a task's request with the block id in a field; unchanged if it has that field."""
    return dict(body) if field in body else {field if name in _OTHER else name: value for name, value in body.items()}


def request_body(request: Mapping[str, Any]) -> dict[str, Any]:
    """Check the request for a task, and return it with its inputs in the form that is sent."""
    if not isinstance(request, Mapping):
        raise InvalidInputError(
            f'The task must be a dict such as {{"blockId": "package::block"}}, not {type(request).__name__}.'
        )
    body = dict(request)
    named = {name: body[name] for name in ("blockId", "manifest") if body.get(name) is not None}
    if not named:
        raise InvalidInputError('A task needs "blockId" (or "manifest"): what is to be run, such as "package::block".')
    for name, value in named.items():
        if not isinstance(value, str) or not value.strip():
            raise InvalidInputError(f"{name} must be a non-empty str such as 'package::block', not {value!r}.")
    if len(set(named.values())) > 1:
        raise InvalidInputError(f"blockId {body['blockId']!r} and manifest {body['manifest']!r} differ: give one.")
    for name in {"blockId", "manifest"} - set(named):
        body.pop(name, None)
    nodes = normalise(body.pop("inputValues", None))
    if nodes is not None:
        body["inputValues"] = nodes
    return body


def file_list(files: object) -> list[object]:
    """A file, or several, as a list."""
    if files is None:
        return []
    if isinstance(files, list) or (
        isinstance(files, tuple) and not (files and isinstance(files[0], (str, type(None))))
    ):
        return list(files)
    return [files]
