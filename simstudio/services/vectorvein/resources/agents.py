"""``client.agents``: task agents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.services.vectorvein.models.agents import Agent, AgentListResponse
from simstudio.services.vectorvein.models.base import plain
from simstudio.services.vectorvein.resource import (
    VectorVeinResource,
    drop_none,
    identifier,
    invalid,
    records,
    texts,
)
from simstudio.services.vectorvein.resources.pages import Pages

if TYPE_CHECKING:
    from simstudio.transport.flow import Flow


class Agents(VectorVeinResource[M]):
    """Task agents: create, get, list, update, delete and duplicate."""

    @operation
    def create(
        self,
        name: str,
        avatar: str | None = None,
        description: str | None = None,
        system_prompt: str = "You are a helpful assistant.",
        usage_hint: Mapping[str, Any] | None = None,
        default_model_name: str | None = None,
        default_backend_type: str | None = None,
        default_max_cycles: int = 80,
        default_allow_interruption: bool = True,  # noqa: FBT001, FBT002 - the documented signature
        default_reasoning_effort: str | None = None,
        default_progress_mode: str | None = None,
        default_load_user_memory: bool | None = None,  # noqa: FBT001
        default_compress_memory_after_tokens: int = 128000,
        default_agent_type: str | None = None,
        default_workspace_files: Iterable[Mapping[str, Any]] | None = None,
        default_sub_agent_ids: Iterable[str] | None = None,
        required_skills: Iterable[Mapping[str, Any]] | None = None,
        default_output_verifier: str | None = None,
        default_computer_pod_setting_id: str | None = None,
        default_cloud_storage_paths: Iterable[str] | None = None,
        default_cloud_storage_write_enabled: bool | None = None,  # noqa: FBT001
        available_workflow_ids: Iterable[str] | None = None,
        available_template_ids: Iterable[str] | None = None,
        available_mcp_tool_ids: Iterable[str] | None = None,
        tag_ids: Iterable[str] | None = None,
        shared: bool = False,  # noqa: FBT001, FBT002
        is_public: bool = False,  # noqa: FBT001, FBT002
        *,
        default_use_workspace: bool | None = None,
        default_compress_memory_after_characters: int | None = None,
        is_official: bool | None = None,
        official_order: int | None = None,
    ) -> Flow[Agent]:
        """Create an agent.

        Args:
            avatar: Address of its picture.
            description: Text for people who choose an agent.
            system_prompt: First message of its tasks.
            usage_hint: Hints for its users, as VectorVein's site keeps them.
            default_model_name: Model of its tasks.
            default_backend_type: Backend of its tasks.
            default_max_cycles: Most cycles of a task.
            default_allow_interruption: Whether its tasks may ask a human.
            default_progress_mode: ``minimal``, ``balanced`` or ``verbose``.
            default_compress_memory_after_tokens: Tokens after which memory is compressed.
            default_output_verifier: Script that checks the result of a task.
            default_cloud_storage_paths: Paths of the cloud storage that are mounted.
            available_workflow_ids: Workflows that it may call.
            available_template_ids: Templates of workflows that it may call.
            shared: Whether others who know its id may use it.
            is_public: Whether it is listed.
            default_use_workspace: Argument of version 0.3.68, sent only if it is given; so are the following.
            default_compress_memory_after_characters: Characters after which memory is compressed.
            is_official: Whether it is one of VectorVein's own agents.
            official_order: Position in the list of those.

        Example:
            >>> client.create_agent("Researcher").agent_id  # doctest: +SKIP
        """
        body = {
            "name": identifier(name, "name"),
            "system_prompt": system_prompt,
            "default_max_cycles": default_max_cycles,
            "default_allow_interruption": default_allow_interruption,
            "default_compress_memory_after_tokens": default_compress_memory_after_tokens,
            "shared": shared,
            "is_public": is_public,
            **_options(
                avatar=avatar,
                description=description,
                usage_hint=usage_hint,
                default_model_name=default_model_name,
                default_backend_type=default_backend_type,
                default_reasoning_effort=default_reasoning_effort,
                default_progress_mode=default_progress_mode,
                default_load_user_memory=default_load_user_memory,
                default_agent_type=default_agent_type,
                default_workspace_files=default_workspace_files,
                default_sub_agent_ids=default_sub_agent_ids,
                required_skills=required_skills,
                default_output_verifier=default_output_verifier,
                default_computer_pod_setting_id=default_computer_pod_setting_id,
                default_cloud_storage_paths=default_cloud_storage_paths,
                default_cloud_storage_write_enabled=default_cloud_storage_write_enabled,
                available_workflow_ids=available_workflow_ids,
                available_template_ids=available_template_ids,
                available_mcp_tool_ids=available_mcp_tool_ids,
                tag_ids=tag_ids,
                default_use_workspace=default_use_workspace,
                default_compress_memory_after_characters=default_compress_memory_after_characters,
                is_official=is_official,
                official_order=official_order,
            ),
        }
        envelope = yield from self._write("task-agent/agent/create", body)
        return self._data(envelope, Agent)

    @operation
    def get(self, agent_id: str) -> Flow[Agent]:
        """Retrieve an agent.

        Example:
            >>> client.get_agent("agent-id").name  # doctest: +SKIP
        """
        envelope = yield from self._read("task-agent/agent/get", {"agent_id": identifier(agent_id, "agent_id")})
        return self._data(envelope, Agent)

    @operation
    def list(
        self,
        page: int = 1,
        page_size: int = 10,
        search: str | None = None,
        is_public: bool | None = None,  # noqa: FBT001 - the documented signature
        official: bool | None = None,  # noqa: FBT001
    ) -> Flow[AgentListResponse]:
        """List agents, one page of them; :meth:`iterate` gives all.

        Args:
            page: Page number, from 1.
            page_size: Agents a page.
            search: Text that the agents match.
            is_public: True for public agents of all users, False for your own agents that are not public.
            official: With ``is_public=True``: True for VectorVein's own agents, False for those of users.

        Example:
            >>> client.list_agents(search="research").agents  # doctest: +SKIP
        """
        return (yield from self._page(page, page_size, search=search, is_public=is_public, official=official))

    def iterate(
        self,
        *,
        page_size: int = 50,
        search: str | None = None,
        is_public: bool | None = None,
        official: bool | None = None,
    ) -> Pages[Agent]:
        """All agents, fetched page by page as they are iterated over (``async for`` on an async client).

        Args:
            page_size: Agents a page; each page is one of the 60 calls a minute.
            search: As :meth:`list`.
            is_public: As :meth:`list`.
            official: As :meth:`list`.

        Example:
            >>> [agent.name for agent in client.agents.iterate()]  # doctest: +SKIP
        """

        def fetch(page: int) -> Flow[AgentListResponse]:
            return self._page(page, page_size, search=search, is_public=is_public, official=official)

        return Pages(self, fetch, "agents", page_size)

    @operation
    def update(
        self,
        agent_id: str,
        name: str | None = None,
        avatar: str | None = None,
        description: str | None = None,
        system_prompt: str | None = None,
        usage_hint: Mapping[str, Any] | None = None,
        default_model_name: str | None = None,
        default_backend_type: str | None = None,
        default_max_cycles: int | None = None,
        default_allow_interruption: bool | None = None,  # noqa: FBT001
        default_reasoning_effort: str | None = None,
        default_progress_mode: str | None = None,
        default_load_user_memory: bool | None = None,  # noqa: FBT001
        default_compress_memory_after_tokens: int | None = None,
        default_agent_type: str | None = None,
        default_workspace_files: Iterable[Mapping[str, Any]] | None = None,
        default_sub_agent_ids: Iterable[str] | None = None,
        required_skills: Iterable[Mapping[str, Any]] | None = None,
        default_output_verifier: str | None = None,
        default_computer_pod_setting_id: str | None = None,
        default_cloud_storage_paths: Iterable[str] | None = None,
        default_cloud_storage_write_enabled: bool | None = None,  # noqa: FBT001
        available_workflow_ids: Iterable[str] | None = None,
        available_template_ids: Iterable[str] | None = None,
        available_mcp_tool_ids: Iterable[str] | None = None,
        tag_ids: Iterable[str] | None = None,
        shared: bool | None = None,  # noqa: FBT001
        is_public: bool | None = None,  # noqa: FBT001
        *,
        default_use_workspace: bool | None = None,
        default_compress_memory_after_characters: int | None = None,
        is_official: bool | None = None,
        official_order: int | None = None,
    ) -> Flow[Agent]:
        """Change an agent. Fields that are not given stay unchanged; an empty text clears one. See :meth:`create`.

        Example:
            >>> client.update_agent("agent-id", description="", shared=False)  # doctest: +SKIP
        """
        changes = _options(
            name=name,
            avatar=avatar,
            description=description,
            system_prompt=system_prompt,
            usage_hint=usage_hint,
            default_model_name=default_model_name,
            default_backend_type=default_backend_type,
            default_max_cycles=default_max_cycles,
            default_allow_interruption=default_allow_interruption,
            default_reasoning_effort=default_reasoning_effort,
            default_progress_mode=default_progress_mode,
            default_load_user_memory=default_load_user_memory,
            default_compress_memory_after_tokens=default_compress_memory_after_tokens,
            default_agent_type=default_agent_type,
            default_workspace_files=default_workspace_files,
            default_sub_agent_ids=default_sub_agent_ids,
            required_skills=required_skills,
            default_output_verifier=default_output_verifier,
            default_computer_pod_setting_id=default_computer_pod_setting_id,
            default_cloud_storage_paths=default_cloud_storage_paths,
            default_cloud_storage_write_enabled=default_cloud_storage_write_enabled,
            available_workflow_ids=available_workflow_ids,
            available_template_ids=available_template_ids,
            available_mcp_tool_ids=available_mcp_tool_ids,
            tag_ids=tag_ids,
            shared=shared,
            is_public=is_public,
            default_use_workspace=default_use_workspace,
            default_compress_memory_after_characters=default_compress_memory_after_characters,
            is_official=is_official,
            official_order=official_order,
        )
        body = {"agent_id": identifier(agent_id, "agent_id"), **changes}
        envelope = yield from self._write("task-agent/agent/update", body)
        return self._data(envelope, Agent)

    @operation
    def delete(self, agent_id: str) -> Flow[None]:
        """Delete an agent.

        Example:
            >>> client.delete_agent("agent-id")  # doctest: +SKIP
        """
        yield from self._write("task-agent/agent/delete", {"agent_id": identifier(agent_id, "agent_id")})

    @operation
    def list_public(
        self,
        page: int = 1,
        page_size: int = 10,
        search: str | None = None,
        official: bool | None = None,  # noqa: FBT001
    ) -> Flow[AgentListResponse]:
        """List public agents, as ``list(is_public=True)``; :meth:`iterate_public` gives all.

        Args:
            page: Page number, from 1.
            page_size: Agents a page.
            search: Text that the agents match.
            official: True for VectorVein's own agents, False for those of users.

        Example:
            >>> client.list_public_agents(official=True).agents  # doctest: +SKIP
        """
        return (yield from self._page(page, page_size, search=search, is_public=True, official=official))

    def iterate_public(
        self, *, page_size: int = 50, search: str | None = None, official: bool | None = None
    ) -> Pages[Agent]:
        """All public agents, as ``iterate(is_public=True)``.

        Example:
            >>> [agent.name for agent in client.agents.iterate_public()]  # doctest: +SKIP
        """
        return self.iterate(page_size=page_size, search=search, is_public=True, official=official)

    @operation
    def duplicate(self, agent_id: str, add_templates: bool = False) -> Flow[Agent]:  # noqa: FBT001, FBT002
        """Copy an agent.

        Args:
            add_templates: Whether the templates of its workflows are added to yours.

        Example:
            >>> client.duplicate_agent("agent-id").agent_id  # doctest: +SKIP
        """
        body = {"agent_id": identifier(agent_id, "agent_id"), "add_templates": add_templates}
        envelope = yield from self._write("task-agent/agent/duplicate", body)
        return self._data(envelope, Agent)

    def _page(self, page: int, page_size: int, **filters: Any) -> Flow[AgentListResponse]:
        body = {"page": page, "page_size": page_size, **drop_none(**filters)}
        envelope = yield from self._read("task-agent/agent/list", body)
        return self._data(envelope, AgentListResponse, agents=list)


_IDS = frozenset({
    "available_mcp_tool_ids", "available_template_ids", "available_workflow_ids", "default_cloud_storage_paths",
    "default_sub_agent_ids", "tag_ids",
})  # fmt: skip
_RECORDS = frozenset({"default_workspace_files", "required_skills"})


def _options(**values: Any) -> dict[str, Any]:
    """The arguments that were given, as JSON data.

    Raises:
        InvalidInputError: An argument cannot be sent.
    """
    sent = drop_none(**values)
    usage_hint = sent.get("usage_hint")
    if usage_hint is not None and not isinstance(usage_hint, Mapping):
        raise invalid(
            f"usage_hint must be a mapping, not {type(usage_hint).__name__}. It follows system_prompt since version "
            "0.3.91 of VectorVein's package; give what comes after it by name."
        )
    for name, value in sent.items():
        if name in _IDS:
            sent[name] = texts(value, name)
        elif name in _RECORDS:
            sent[name] = plain(records(value, name))
    return sent
