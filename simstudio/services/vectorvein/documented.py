"""The flat methods of VectorVein's own package: names, order of arguments and defaults as documented.

Each is an operation of a namespace under another name, except for running a workflow and making a link.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from simstudio.core.client import BaseClient
from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.core.resource import namespace
from simstudio.services.vectorvein.models.workflows import WorkflowRunResult
from simstudio.services.vectorvein.resource import VectorVeinResource, invalid
from simstudio.services.vectorvein.resources.access_keys import AccessKeys
from simstudio.services.vectorvein.resources.agent_cycles import AgentCycles
from simstudio.services.vectorvein.resources.agent_tasks import AgentTasks
from simstudio.services.vectorvein.resources.agents import Agents
from simstudio.services.vectorvein.resources.files import Files
from simstudio.services.vectorvein.resources.flat import flat
from simstudio.services.vectorvein.resources.run_records import RunRecords
from simstudio.services.vectorvein.resources.run_schedules import RunSchedules
from simstudio.services.vectorvein.resources.user import UserAccount
from simstudio.services.vectorvein.resources.workflow_inputs import InputFields
from simstudio.services.vectorvein.resources.workflow_templates import WorkflowTemplates
from simstudio.services.vectorvein.resources.workflows import Workflows
from simstudio.services.vectorvein.resources.workspaces import Workspaces
from simstudio.services.vectorvein.vapp import SITE, VAppURL, vapp_url
from simstudio.transport.secret import Secret

if TYPE_CHECKING:
    from simstudio.transport.flow import Flow


class DocumentedMethods(VectorVeinResource[M], BaseClient[M]):
    """The namespaces of a VectorVein client, and the flat methods of the documented package."""

    @namespace
    def workflows(self) -> Workflows[M]:
        """Workflows and their runs."""
        return Workflows(self._context, "workflows")

    @namespace
    def run_records(self) -> RunRecords[M]:
        """Runs as VectorVein keeps them."""
        return RunRecords(self._context, "run_records")

    @namespace
    def run_schedules(self) -> RunSchedules[M]:
        """Workflows that run at set times."""
        return RunSchedules(self._context, "run_schedules")

    @namespace
    def workflow_templates(self) -> WorkflowTemplates[M]:
        """Workflows that others may copy and run."""
        return WorkflowTemplates(self._context, "workflow_templates")

    @namespace
    def user(self) -> UserAccount[M]:
        """The account that the API key belongs to."""
        return UserAccount(self._context, "user")

    @namespace
    def access_keys(self) -> AccessKeys[M]:
        """Keys that open VApps."""
        return AccessKeys(self._context, "access_keys")

    @namespace
    def files(self) -> Files[M]:
        """Uploads of files."""
        return Files(self._context, "files")

    @namespace
    def agents(self) -> Agents[M]:
        """Task agents."""
        return Agents(self._context, "agents")

    @namespace
    def agent_tasks(self) -> AgentTasks[M]:
        """Tasks of agents."""
        return AgentTasks(self._context, "agent_tasks")

    @namespace
    def agent_cycles(self) -> AgentCycles[M]:
        """Cycles of a task: the steps of its agent."""
        return AgentCycles(self._context, "agent_cycles")

    @namespace
    def workspaces(self) -> Workspaces[M]:
        """Workspaces of tasks, and the files in them."""
        return Workspaces(self._context, "workspaces")

    @operation
    def run_workflow(
        self,
        wid: str,
        input_fields: InputFields,
        output_scope: str = "output_fields_only",
        wait_for_completion: bool = False,  # noqa: FBT001, FBT002 - the documented signature
        api_key_type: str | float | None = "WORKFLOW",
        timeout: float | None = 30,
        *,
        on_progress: Callable[[WorkflowRunResult], Any] | None = None,
        poll_interval: float | None = None,
    ) -> Flow[str | WorkflowRunResult]:
        """Run a workflow, waiting for its outputs or not; also ``client.workflows.run`` and ``submit``.

        Args:
            wid: The workflow's id.
            input_fields: Inputs, as ``client.workflows.run``.
            output_scope: ``output_fields_only``, or ``all`` for the outputs of every node.
            wait_for_completion: Whether to wait for the outputs.
            api_key_type: ``VAPP`` when the client's key belongs to a VApp. Version 0.2 had ``timeout`` in this place:
                a number here is one.
            timeout: Seconds to wait for the outputs, as ``client.workflows.run``.
            on_progress: As ``client.workflows.run``.
            poll_interval: As ``client.workflows.run``.

        Returns:
            The run's id; with ``wait_for_completion`` the run, its outputs in ``data``.

        Raises:
            SimStudioError: As ``client.workflows.run``.

        Example:
            >>> client.run_workflow("wid", [WorkflowInputField("n", "Name", "Ada")])  # doctest: +SKIP
        """
        key_type, seconds = _key_type_and_timeout(api_key_type, timeout)
        workflows = self.workflows
        if not wait_for_completion:
            run, _ = yield from workflows._start(wid, input_fields, output_scope, key_type, needs_rid=True)
            return run.rid
        return (
            yield from workflows._run(wid, input_fields, output_scope, key_type, seconds, on_progress, poll_interval)
        )

    check_workflow_status = flat(Workflows.status, "workflows")
    create_workflow = flat(Workflows.create, "workflows")
    get_workflow = flat(Workflows.get, "workflows")
    list_workflows = flat(Workflows.list, "workflows")
    update_workflow = flat(Workflows.update, "workflows")
    delete_workflow = flat(Workflows.delete, "workflows")
    run_workflow_template = flat(Workflows.run_template, "workflows")
    stop_workflow_run = flat(Workflows.stop, "workflows")
    resume_workflow_run = flat(Workflows.resume, "workflows")

    get_workflow_run_record = flat(RunRecords.get, "run_records")
    list_workflow_run_records = flat(RunRecords.list, "run_records")
    stop_workflow_run_record = flat(RunRecords.stop, "run_records")
    delete_workflow_run_record = flat(RunRecords.delete, "run_records")

    get_workflow_run_schedule = flat(RunSchedules.get, "run_schedules")
    list_workflow_run_schedules = flat(RunSchedules.list, "run_schedules")
    update_workflow_run_schedule = flat(RunSchedules.update, "run_schedules")
    delete_workflow_run_schedule = flat(RunSchedules.delete, "run_schedules")

    get_workflow_template = flat(WorkflowTemplates.get, "workflow_templates")
    list_workflow_templates = flat(WorkflowTemplates.list, "workflow_templates")

    validate_api_key = flat(UserAccount.validate_api_key, "user")
    get_user_info = flat(UserAccount.get, "user")

    get_access_keys = flat(AccessKeys.get, "access_keys")
    create_access_keys = flat(AccessKeys.create, "access_keys")
    list_access_keys = flat(AccessKeys.list, "access_keys")
    delete_access_keys = flat(AccessKeys.delete, "access_keys")
    update_access_keys = flat(AccessKeys.update, "access_keys")
    add_apps_to_access_keys = flat(AccessKeys.add_apps, "access_keys")
    remove_apps_from_access_keys = flat(AccessKeys.remove_apps, "access_keys")

    upload_file = flat(Files.upload, "files")

    create_agent = flat(Agents.create, "agents")
    get_agent = flat(Agents.get, "agents")
    list_agents = flat(Agents.list, "agents")
    update_agent = flat(Agents.update, "agents")
    delete_agent = flat(Agents.delete, "agents")
    list_public_agents = flat(Agents.list_public, "agents")
    duplicate_agent = flat(Agents.duplicate, "agents")

    create_agent_task = flat(AgentTasks.create, "agent_tasks")
    get_agent_task = flat(AgentTasks.get, "agent_tasks")
    list_agent_tasks = flat(AgentTasks.list, "agent_tasks")
    delete_agent_task = flat(AgentTasks.delete, "agent_tasks")
    respond_to_agent_task = flat(AgentTasks.respond, "agent_tasks")
    update_agent_task_share = flat(AgentTasks.update_share, "agent_tasks")
    get_shared_agent_task = flat(AgentTasks.get_shared, "agent_tasks")
    list_public_shared_agent_tasks = flat(AgentTasks.list_public_shared, "agent_tasks")
    continue_agent_task = flat(AgentTasks.continue_, "agent_tasks")
    pause_agent_task = flat(AgentTasks.pause, "agent_tasks")
    resume_agent_task = flat(AgentTasks.resume, "agent_tasks")
    batch_delete_agent_tasks = flat(AgentTasks.delete_many, "agent_tasks")
    add_pending_message = flat(AgentTasks.add_pending_message, "agent_tasks")

    list_agent_cycles = flat(AgentCycles.list, "agent_cycles")
    get_agent_cycle = flat(AgentCycles.get, "agent_cycles")

    list_agent_workspaces = flat(Workspaces.list, "workspaces")
    get_agent_workspace = flat(Workspaces.get, "workspaces")
    list_workspace_files = flat(Workspaces.list_files, "workspaces")
    read_workspace_file = flat(Workspaces.read_file, "workspaces")
    download_workspace_file = flat(Workspaces.download_file, "workspaces")
    write_workspace_file = flat(Workspaces.write_file, "workspaces")
    delete_workspace_file = flat(Workspaces.delete_file, "workspaces")
    zip_workspace_files = flat(Workspaces.zip_files, "workspaces")
    sync_workspace_container_to_oss = flat(Workspaces.sync_container, "workspaces")

    def generate_vapp_url(
        self,
        app_id: str,
        access_key: str,
        key_id: str,
        timeout: int = 900,
        base_url: str = SITE,
        *,
        iv: bytes | None = None,
        now: float | None = None,
    ) -> VAppURL:
        """A link that opens a VApp for its bearer. Nothing is sent, so it is no coroutine on an async client either.

        It can be awaited as well, because the method of VectorVein's own async client is a coroutine.

        Args:
            access_key: An access key of the app.
            key_id: The id of the client's API key.
            timeout: Seconds for which the link is valid.
            base_url: Address of the site.
            iv: The cipher's 16 random bytes, for tests.
            now: Epoch seconds, for tests.

        Returns:
            The link, a ``str``.

        Raises:
            ConfigurationError: The API key is not 16, 24 or 32 bytes long, or ``cryptography`` is not installed.
            InvalidInputError: An argument cannot be part of a link: ``app_id`` and ``access_key`` cannot hold a ``:``.

        Example:
            >>> client.generate_vapp_url("YOUR_APP_ID", "YOUR_ACCESS_KEY", "YOUR_KEY_ID")  # doctest: +SKIP
        """
        keys = Secret(cast("str", self._context.session.credentials.key)), Secret(access_key)
        del access_key
        return vapp_url(*keys, app_id, key_id, timeout=timeout, base_url=base_url, iv=iv, now=now)


def _key_type_and_timeout(api_key_type: object, timeout: Any) -> tuple[str, float | None]:
    """Read the two arguments in either order: versions of VectorVein's package differ."""
    if isinstance(api_key_type, (int, float)) and not isinstance(api_key_type, bool):
        if isinstance(timeout, str):
            return timeout, api_key_type
        return "WORKFLOW", api_key_type
    if api_key_type is None:
        return "WORKFLOW", timeout
    if not isinstance(api_key_type, str):
        raise invalid(f'api_key_type must be "WORKFLOW" or "VAPP", not {api_key_type!r}.')
    return api_key_type, timeout
