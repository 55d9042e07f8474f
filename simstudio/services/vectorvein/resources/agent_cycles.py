"""``client.agent_cycles``: the steps of an agent in a task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.services.vectorvein.models.agents import AgentCycle, AgentCycleListResponse
from simstudio.services.vectorvein.resource import VectorVeinResource, identifier

if TYPE_CHECKING:
    from simstudio.transport.flow import Flow


class AgentCycles(VectorVeinResource[M]):
    """Cycles of tasks: list and get."""

    @operation
    def list(self, task_id: str, cycle_index_offset: int = 0) -> Flow[AgentCycleListResponse]:
        """List the cycles of a task.

        Args:
            cycle_index_offset: Index of the first cycle to list, from 0.

        Example:
            >>> client.list_agent_cycles("task-id").cycles  # doctest: +SKIP
        """
        body = {"task_id": identifier(task_id, "task_id"), "cycle_index_offset": cycle_index_offset}
        envelope = yield from self._read("task-agent/agent-cycle/list", body)
        return self._data(envelope, AgentCycleListResponse)

    @operation
    def get(self, cycle_id: str) -> Flow[AgentCycle]:
        """Retrieve a cycle.

        Example:
            >>> client.get_agent_cycle("cycle-id").ai_response  # doctest: +SKIP
        """
        envelope = yield from self._read("task-agent/agent-cycle/get", {"cycle_id": identifier(cycle_id, "cycle_id")})
        return self._data(envelope, AgentCycle)
