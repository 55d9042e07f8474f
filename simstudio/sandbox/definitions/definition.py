"""The definition of a workflow: its draft, its versions, and the version in service."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Literal

import attrs

from simstudio.sandbox.definitions import graph
from simstudio.sandbox.http import Refusal
from simstudio.sandbox.seeding import new_uuid

if TYPE_CHECKING:
    from simstudio.sandbox.definitions.graph import State

ROOT = "/"


@attrs.define(eq=False)
class Version:
    """One deployed graph. ``created`` is epoch seconds."""

    number: int
    state: State
    created: float
    name: str | None = None
    description: str | None = None
    id: str = attrs.field(factory=lambda: str(new_uuid()))


@attrs.frozen
class Attempt:
    """The latest time a version was put into service. The sandbox needs no time for it. Times are epoch seconds."""

    version: Version
    action: Literal["deploy", "activate"]
    requested: float
    id: str = attrs.field(factory=lambda: str(new_uuid()))


@attrs.define(eq=False)
class Definition:
    """A workflow's definition; times are epoch seconds.

    Attributes:
        id: the registered name of a Python function's own workflow, a UUID of one that was created over the API.
        folder: the path of its folder, ``/`` at the top.
        draft: what is edited; deploying copies it into a new version.
        active: the version in service, None when undeployed.
        public: whether it runs without a key.
        stale: whether it needs redeployment whatever its draft is (``Sandbox.workflow(needs_redeployment=True)``).
        archived: when it was deleted; None while it is in use.
        position: sort key among the workflows of the workspace.
    """

    id: str
    workspace_id: str
    name: str
    description: str | None
    draft: State
    created: float
    position: int
    folder: str = ROOT
    updated: float = attrs.field(default=attrs.Factory(lambda self: self.created, takes_self=True))
    versions: list[Version] = attrs.field(factory=list)
    active: Version | None = None
    deployed_at: float | None = None
    attempt: Attempt | None = None
    public: bool = False
    stale: bool = False
    archived: float | None = None

    @property
    def deployed(self) -> bool:
        """Whether a version is in service."""
        return self.active is not None

    @property
    def needs_redeployment(self) -> bool:
        """Whether the draft differs from the live version."""
        if self.active is None:
            return self.stale
        return self.stale or graph.meaning(self.draft) != graph.meaning(self.active.state)

    def edit(self, draft: State, now: float) -> None:
        """Replace the draft."""
        self.draft = draft
        self.updated = now

    def deploy(self, now: float, name: str | None = None, description: str | None = None) -> Version:
        """Make a version of the draft and put it into service."""
        version = Version(len(self.versions) + 1, copy.deepcopy(self.draft), now, name, description)
        self.versions.append(version)
        self._put_into_service(version, "deploy", now)
        return version

    def undeploy(self) -> None:
        """Take the workflow out of service; its versions stay."""
        self.active = None
        self.deployed_at = None
        self.public = False

    def activate(self, number: int, now: float) -> Version:
        """Make a version live; the draft stays as it is.

        Raises:
            Refusal: there is no such version.
        """
        version = self.version(number)
        self._put_into_service(version, "activate", now)
        return version

    def rollback(self, number: int | None, now: float) -> Version:
        """Put an earlier version into service: the one before the one in service, unless one is named.

        Raises:
            Refusal: there is no such version, or none before.
        """
        if number is None:
            if self.active is None:
                raise Refusal(400, "Workflow is not deployed")
            if self.active.number == 1:
                raise Refusal(400, "No previous deployment version to roll back to")
            number = self.active.number - 1
        return self.activate(number, now)

    def revert(self, number: int | Literal["active"], now: float) -> Version:
        """Replace the draft by the graph of a version.

        Raises:
            Refusal: there is no such version, or none in service.
        """
        version = self.active if number == "active" else self.version(number)
        if version is None:
            raise Refusal(404, "Active deployment version not found")
        self.edit(copy.deepcopy(version.state), now)
        return version

    def version(self, number: int) -> Version:
        """One version.

        Raises:
            Refusal: 404, no version has this number.
        """
        if not 1 <= number <= len(self.versions):
            raise Refusal(404, "Deployment version not found")
        return self.versions[number - 1]

    def archive(self, now: float) -> None:
        """Undeploy the workflow and archive it."""
        self.undeploy()
        self.archived = now
        self.updated = now

    def _put_into_service(self, version: Version, action: Literal["deploy", "activate"], now: float) -> None:
        self.active = version
        self.deployed_at = now
        self.attempt = Attempt(version, action, now)
        self.stale = False
