"""``Target``: where a dialect reads the state of a background execution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from simstudio.resources.settings import APIVersion


@attrs.frozen(eq=False, repr=False)
class Target:
    """The place of the state of a background execution.

    Attributes:
        paths: Paths below the base URL, in the order to try: the first that does not respond with 404 counts.
        workflow_id: The job's workflow, if known.
        execution_id: Id for cancelling, if known.
        version: API version of the dialect to use.
        fresh: Whether the job was queued just now, so that a 404 may mean "not yet".
    """

    task_id: str
    paths: tuple[str, ...]
    workflow_id: str | None
    execution_id: str | None
    version: APIVersion
    fresh: bool = False
