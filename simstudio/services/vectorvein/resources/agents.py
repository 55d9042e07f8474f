"""``client.agents``: task agents."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.services.vectorvein.models.agents import Agent, AgentListResponse
from simstudio.services.vectorvein.resources.base import VectorVeinResource, given, identifier, texts
from simstudio.services.vectorvein.resources.pages import Pages

if TYPE_CHECKING:
    from simstudio.transport.flow import Flow


class Agents(VectorVeinResource[M]):
    """Make agents, look at them, change them."""

    @operation
    def create(
        self,
        name: str,
        avatar: str | None = None,
        description: str | None = None,
        system_prompt: str = "You are a helpful assistant.",
        default_model_name: str | None = None,
        default_backend_type: str | None = None,
        default_max_cycles: int = 20,
        default_allow_interruption: bool = True,  # noqa: FBT001, FBT002 - the documented signature
        default_use_workspace: bool = True,  # noqa: FBT001, FBT002
        default_compress_memory_after_characters: int = 128000,
        available_workflow_ids: Iterable[str] | None = None,
        available_template_ids: Iterable[str] | None = None,
        shared: bool = False,  # noqa: FBT001, FBT002
        is_public: bool = False,  # noqa: FBT001, FBT002
        is_official: bool = False,  # noqa: FBT001, FBT002
        official_order: int = 0,
    ) -> Flow[Agent]:
        """Make an agent.

        Args:
            avatar: The address of its picture.
            description: What it is for.
            system_prompt: What it is told first.
            default_model_name: The model of its tasks.
            default_backend_type: The backend of its tasks.
            default_max_cycles: The most cycles that a task may take.
            default_allow_interruption: Whether its tasks may ask a human.
            default_use_workspace: Whether its tasks have a workspace.
            default_compress_memory_after_characters: Characters after which memory is compressed.
            available_workflow_ids: Workflows that it may call.
            available_template_ids: Templates of workflows that it may call.
            shared: Whether others who know it may use it.
            is_public: Whether it is listed.
            is_official: Whether it is one of VectorVein's own.
            official_order: Its place among those.

        Example:
            >>> client.create_agent("Researcher").agent_id  # doctest: +SKIP
        """
        body = {
            "name": identifier(name, "name"),
            "system_prompt": system_prompt,
            "default_max_cycles": default_max_cycles,
            "default_allow_interruption": default_allow_interruption,
            "default_use_workspace": default_use_workspace,
            "default_compress_memory_after_characters": default_compress_memory_after_characters,
            "shared": shared,
            "is_public": is_public,
            "is_official": is_official,
            "official_order": official_order,
            **given(
                avatar=avatar,
                description=description,
                default_model_name=default_model_name,
                default_backend_type=default_backend_type,
                available_workflow_ids=_texts(available_workflow_ids, "available_workflow_ids"),
                available_template_ids=_texts(available_template_ids, "available_template_ids"),
            ),
        }
        envelope = yield from self._write("task-agent/agent/create", body)
        return self._data(envelope, Agent)

    @operation
    def get(self, agent_id: str) -> Flow[Agent]:
        """Look at an agent.

        Example:
            >>> client.get_agent("agent-id").name  # doctest: +SKIP
        """
        envelope = yield from self._read("task-agent/agent/get", {"agent_id": identifier(agent_id, "agent_id")})
        return self._data(envelope, Agent)

    @operation
    def list(self, page: int = 1, page_size: int = 10, search: str | None = None) -> Flow[AgentListResponse]:
        """List agents, one page of them; :meth:`iterate` gives all.

        Args:
            page: Which page, from 1.
            page_size: Agents a page.
            search: Only those that match.

        Example:
            >>> client.list_agents(search="research").agents  # doctest: +SKIP
        """
        return (yield from self._page("list", page, page_size, search=search))

    def iterate(self, *, page_size: int = 50, search: str | None = None) -> Pages[Agent]:
        """All agents, fetched page by page as they are iterated over (``async for`` on an async client).

        Example:
            >>> [agent.name for agent in client.agents.iterate()]  # doctest: +SKIP
        """
        return Pages(self, lambda page: self._page("list", page, page_size, search=search), "agents", page_size)

    @operation
    def update(
        self,
        agent_id: str,
        name: str | None = None,
        avatar: str | None = None,
        description: str | None = None,
        system_prompt: str | None = None,
        default_model_name: str | None = None,
        default_backend_type: str | None = None,
        default_max_cycles: int | None = None,
        default_allow_interruption: bool | None = None,  # noqa: FBT001
        default_use_workspace: bool | None = None,  # noqa: FBT001
        default_compress_memory_after_characters: int | None = None,
        available_workflow_ids: Iterable[str] | None = None,
        available_template_ids: Iterable[str] | None = None,
        shared: bool | None = None,  # noqa: FBT001
        is_public: bool | None = None,  # noqa: FBT001
        is_official: bool | None = None,  # noqa: FBT001
        official_order: int | None = None,
    ) -> Flow[Agent]:
        """Change an agent. What is not given stays; what is empty is emptied. It takes what :meth:`create` takes.

        Example:
            >>> client.update_agent("agent-id", description="", shared=False)  # doctest: +SKIP
        """
        changes = given(
            name=name,
            avatar=avatar,
            description=description,
            system_prompt=system_prompt,
            default_model_name=default_model_name,
            default_backend_type=default_backend_type,
            default_max_cycles=default_max_cycles,
            default_allow_interruption=default_allow_interruption,
            default_use_workspace=default_use_workspace,
            default_compress_memory_after_characters=default_compress_memory_after_characters,
            available_workflow_ids=_texts(available_workflow_ids, "available_workflow_ids"),
            available_template_ids=_texts(available_template_ids, "available_template_ids"),
            shared=shared,
            is_public=is_public,
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
        """List public agents, one page of them; :meth:`iterate_public` gives all.

        Args:
            page: Which page, from 1.
            page_size: Agents a page.
            search: Only those that match.
            official: Only VectorVein's own, or only others.

        Example:
            >>> client.list_public_agents(official=True).agents  # doctest: +SKIP
        """
        return (yield from self._page("public-list", page, page_size, search=search, official=official))

    def iterate_public(
        self, *, page_size: int = 50, search: str | None = None, official: bool | None = None
    ) -> Pages[Agent]:
        """All public agents, as :meth:`iterate`.

        Example:
            >>> [agent.name for agent in client.agents.iterate_public()]  # doctest: +SKIP
        """

        def fetch(page: int) -> Flow[AgentListResponse]:
            return self._page("public-list", page, page_size, search=search, official=official)

        return Pages(self, fetch, "agents", page_size)

    @operation
    def duplicate(self, agent_id: str, add_templates: bool = False) -> Flow[Agent]:  # noqa: FBT001, FBT002
        """Copy an agent.

        Args:
            agent_id: The agent's id.
            add_templates: Whether the templates of its workflows are added to yours.

        Example:
            >>> client.duplicate_agent("agent-id").agent_id  # doctest: +SKIP
        """
        body = {"agent_id": identifier(agent_id, "agent_id"), "add_templates": add_templates}
        envelope = yield from self._write("task-agent/agent/duplicate", body)
        return self._data(envelope, Agent)

    def _page(self, endpoint: str, page: int, page_size: int, **options: Any) -> Flow[AgentListResponse]:
        body = {"page": page, "page_size": page_size, **given(**options)}
        envelope = yield from self._read(f"task-agent/agent/{endpoint}", body)
        return self._data(envelope, AgentListResponse, agents=list)


def _texts(values: Iterable[str] | None, name: str) -> object:
    return None if values is None else texts(values, name)
