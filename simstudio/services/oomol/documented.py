"""Types under the names that the package ``oomol_connect_sdk`` gives them, for programs that import these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypedDict

from simstudio.services.oomol.inputs import InputValues
from simstudio.services.oomol.models import (
    Applet,
    BlockList,
    Dependency,
    FlowList,
    InstallTaskList,
    PackageList,
    TaskList,
)
from simstudio.services.oomol.resources.applets import Applets
from simstudio.services.oomol.resources.blocks import Blocks, Flows
from simstudio.services.oomol.resources.packages import Packages
from simstudio.services.oomol.resources.tasks import Tasks

TasksClient = Tasks
BlocksClient = Blocks
FlowsClient = Flows
PackagesClient = Packages
AppletsClient = Applets

ListTasksResponse = TaskList
ListBlocksResponse = BlockList
ListFlowsResponse = FlowList
ListPackagesResponse = PackageList
ListInstallTasksResponse = InstallTaskList
ListAppletsResponse = list[Applet]
PackageDependency = Dependency
TaskInputValues = InputValues

TaskStatus = Literal["created", "pending", "running", "completed", "failed", "stopped"]
InstallTaskStatus = Literal["pending", "running", "success", "failed"]


class InputHandle(TypedDict, total=False):
    """An input that a block takes."""

    handle: str
    json_schema: dict[str, Any] | None


class InputValue(TypedDict):
    """The value of one input."""

    handle: str
    value: Any


class NodeInputs(TypedDict):
    """The inputs of one node."""

    nodeId: str
    inputs: list[InputValue]


class FlowInputNode(TypedDict, total=False):
    """A node of a flow, and the inputs that it takes."""

    id: str
    inputs: list[InputHandle] | None


class CreateTaskRequest(TypedDict, total=False):
    """Request of ``tasks.create`` and ``tasks.run``."""

    blockId: str
    manifest: str
    inputValues: InputValues | None


class RunAppletRequest(TypedDict, total=False):
    """Applet to run, and its inputs."""

    applet_id: str
    input_values: InputValues | None


class ClientOptions(TypedDict, total=False):
    """Options of a client, as one dict."""

    base_url: str
    api_token: str | None
    default_headers: Mapping[str, str] | None
    timeout: float | None
