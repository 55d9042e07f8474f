"""What Oomol Connect answers, as models that are also mappings over the names of the wire.

The wire is not of one mind: a task is in snake_case, an installation in camelCase, both count in milliseconds. The
attributes are all snake_case, and both spellings are understood.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from simstudio.core.model import Model, model

_FINAL = ("completed", "failed", "stopped")
_INSTALL_FINAL = ("success", "failed")


def _snake(name: str, camel: str) -> Any:
    """An optional field that the wire calls by its own name."""
    return attrs.field(default=None, metadata={"wire": (name, camel)})


def _camel(camel: str, name: str) -> Any:
    """An optional field that the wire calls in camelCase."""
    return attrs.field(default=None, metadata={"wire": (camel, name)})


@model
class Task(Model):
    """The state of one task.

    Attributes:
        status: ``created``, ``pending``, ``running``, ``completed``, ``failed``, ``stopped``, or a word that is newer.
        project_id: Of the project it runs in.
        manifest_path: Of the block or flow it runs, on the server.
        input_values: Its inputs, as the server keeps them.
        created_at: Milliseconds since the epoch.
        updated_at: Milliseconds since the epoch.
    """

    id: str
    status: str
    project_id: str | None = _snake("project_id", "projectId")
    manifest_path: str | None = _snake("manifest_path", "manifestPath")
    input_values: list[Any] | None = _camel("inputValues", "input_values")
    created_at: int | None = _snake("created_at", "createdAt")
    updated_at: int | None = _snake("updated_at", "updatedAt")

    @property
    def done(self) -> bool:
        """Whether it has ended, well or not."""
        return self.status in _FINAL

    @property
    def succeeded(self) -> bool:
        """Whether it has ended well."""
        return self.status == "completed"


@model
class CreatedTask(Model):
    """What creating a task answered.

    Attributes:
        task: The new task.
        success: True, where the server says so.
    """

    task: Task
    success: bool | None = None

    @property
    def id(self) -> str:
        """The task's id."""
        return self.task.id

    @property
    def status(self) -> str:
        """The task's status."""
        return self.task.status


@model
class StopReply(Model):
    """What stopping a task answered.

    Attributes:
        task: The task, where the server shows it.
        success: True, where the server says so.
    """

    task: Task | None = None
    success: bool | None = None


@model
class TaskList(Model):
    """All tasks.

    Attributes:
        tasks: As the server lists them.
    """

    tasks: list[Task]


@model
class TaskLog(Model):
    """One line of a task's log.

    Attributes:
        type: ``SessionStarted``, ``BlockStarted``, ``BlockOutput``, ``BlockFinished``, ``SessionFinished`` …
        event: What happened, as plain JSON data, or None.
        project_name: Of the project.
        session_id: Of the run.
        node_id: Of the node it is about.
        manifest_path: Of the block or flow.
        created_at: Milliseconds since the epoch.
    """

    id: int | None = None
    type: str = ""
    event: Any = None
    project_name: str | None = _snake("project_name", "projectName")
    session_id: str | None = _snake("session_id", "sessionId")
    node_id: str | None = _snake("node_id", "nodeId")
    manifest_path: str | None = _snake("manifest_path", "manifestPath")
    created_at: int | None = _snake("created_at", "createdAt")


@model
class RunResult(Model):
    """A task that was run to its end; ``result["task_id"]`` and ``result.task_id`` are the same.

    Attributes:
        task: Its last state.
        logs: All of its logs.
        result: What its last finished block gave, as plain JSON data; None where no log tells.
    """

    task_id: str = attrs.field(metadata={"wire": "task_id"})
    task: Task
    logs: list[TaskLog]
    result: Any = None

    @property
    def output(self) -> Any:
        """The same as ``result``, as ``item.output`` of a batch has it."""
        return self.result

    @property
    def run_id(self) -> str | None:
        """The same as ``task_id``."""
        return self.task_id

    @property
    def status(self) -> str | None:
        """The status of the task."""
        return self.task.status


@model
class Block(Model):
    """A block: a step that a task can run.

    Attributes:
        path: Where it is on the server.
        description: What it does.
        inputs: ``{"handle": …, "json_schema": …}`` each, as plain JSON data.
        block_id: ``package::name``, what ``tasks.run`` takes.
        version: Of its package, ``unknown`` where the path does not tell.
    """

    package: str
    name: str
    path: str | None = None
    description: str | None = None
    inputs: list[Any] | None = None
    block_id: str = attrs.field(default="", metadata={"wire": ("blockId", "block_id")})
    version: str = "unknown"


@model
class BlockList(Model):
    """Blocks.

    Attributes:
        blocks: As the server lists them.
    """

    blocks: list[Block]


@model
class Flow(Model):
    """A flow: blocks that work together.

    Attributes:
        name: Its name, what ``tasks.run`` takes as ``manifest``.
        path: Where it is on the server.
        description: What it does.
        inputs: ``{"id": …, "inputs": [{"handle": …}]}`` each, as plain JSON data.
    """

    name: str
    path: str | None = None
    description: str | None = None
    inputs: list[Any] | None = None


@model
class FlowList(Model):
    """Flows.

    Attributes:
        flows: As the server lists them.
    """

    flows: list[Flow]


@model
class Package(Model):
    """An installed package.

    Attributes:
        path: Where it is on the server.
        description: What is in it.
    """

    name: str
    version: str | None = None
    path: str | None = None
    description: str | None = None


@model
class PackageList(Model):
    """The installed packages.

    Attributes:
        packages: As the server lists them.
    """

    packages: list[Package]


@model
class Dependency(Model):
    """A package that another one needs."""

    name: str
    version: str | None = None


@model
class InstallTask(Model):
    """The installation of a package.

    Attributes:
        name: Of the package.
        status: ``pending``, ``running``, ``success``, ``failed``, or a word that is newer.
        version: Of the package.
        package_path: Where it was put on the server.
        dependencies: What was installed with it.
        error: Why it failed.
        created_at: Milliseconds since the epoch.
        updated_at: Milliseconds since the epoch.
    """

    id: str
    status: str
    name: str | None = None
    version: str | None = None
    package_path: str | None = _camel("packagePath", "package_path")
    dependencies: list[Dependency] | None = None
    error: Any = None
    created_at: int | None = _camel("createdAt", "created_at")
    updated_at: int | None = _camel("updatedAt", "updated_at")

    @property
    def done(self) -> bool:
        """Whether it has ended, well or not."""
        return self.status in _INSTALL_FINAL


@model
class InstallTaskList(Model):
    """The installations.

    Attributes:
        tasks: As the server lists them.
    """

    tasks: list[InstallTask]


@model
class AppletData(Model):
    """What an applet runs.

    Attributes:
        package_id: The package, with its version at the end.
        block_name: The block in it.
        id: Of this data.
        title: For people.
        description: For people.
        preset_inputs: Inputs by handle that the applet brings along.
        created_at: Milliseconds since the epoch.
    """

    package_id: str
    block_name: str
    id: str | None = None
    title: str | None = None
    description: str | None = None
    preset_inputs: dict[str, Any] | None = None
    created_at: int | None = None


@model
class Applet(Model):
    """A block with inputs of its own.

    Attributes:
        data: What it runs.
        user_id: Whose it is.
        created_at: Milliseconds since the epoch.
        updated_at: Milliseconds since the epoch.
    """

    applet_id: str
    data: AppletData
    user_id: str | None = None
    created_at: int | None = None
    updated_at: int | None = None


def result_of(logs: Sequence[TaskLog]) -> Any:
    """What the last ``BlockFinished`` log with something in its event gives as ``result``; None where none does."""
    for log in reversed(logs):
        if isinstance(log, TaskLog) and log.type == "BlockFinished" and isinstance(log.event, dict) and log.event:
            return log.event.get("result")
    return None
