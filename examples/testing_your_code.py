"""Test code that calls Sim: on a local Sim that runs Python functions as workflows, and from recordings.

The fixtures come with the extras `[sandbox,testing]`; nothing is to be imported or configured for them.

    pytest testing_your_code.py
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from simstudio import AsyncSimStudioClient, RateLimitError, SimStudioClient
from simstudio.sandbox import Sandbox, SandboxServer

# --- the code under test --------------------------------------------------------------------------------------------


def welcome(client: SimStudioClient, name: str) -> str:
    """A greeting for a new customer, an ordinary one when Sim is too busy to write it."""
    try:
        result = client.workflows.execute("greet", {"name": name})
    except RateLimitError:
        return f"Welcome, {name}."
    return str(result.output["text"])


async def welcome_async(client: AsyncSimStudioClient, name: str) -> str:
    """The same, awaited."""
    result = await client.workflows.execute("greet", {"name": name})
    return str(result.output["text"])


# --- its tests ------------------------------------------------------------------------------------------------------


@pytest.fixture
def sim_sandbox() -> Sandbox:
    """Our workflows, under the names our code calls; `sim_server` and the clients below stand on it."""
    sandbox = Sandbox()

    @sandbox.workflow("greet")
    def greet(input: dict[str, Any]) -> dict[str, str]:
        return {"text": f"Hello, {input['name']}!"}

    return sandbox


def test_a_customer_is_welcomed_by_name(sim_client: SimStudioClient, sim_server: SandboxServer) -> None:
    assert welcome(sim_client, "Ada") == "Hello, Ada!"

    assert sim_server.requests[-1].json == {"name": "Ada"}


@pytest.mark.asyncio
async def test_a_customer_is_welcomed_asynchronously(sim_async_client: AsyncSimStudioClient) -> None:
    assert await welcome_async(sim_async_client, "Ada") == "Hello, Ada!"


def test_a_busy_sim_does_not_keep_a_customer_waiting(sim_client: SimStudioClient, sim_sandbox: Sandbox) -> None:
    sim_sandbox.faults.add(status=429, workflow="greet", times=None)

    assert welcome(sim_client, "Ada") == "Welcome, Ada."


def test_a_customer_is_welcomed_as_recorded(
    sim_cassette: Callable[..., AbstractContextManager[Any]], sim_client: SimStudioClient
) -> None:
    """Recorded the first time, in cassettes/ beside this file, replayed from then on (with CI set: only replayed).

    It records the sandbox here. To record your own Sim, take `SimStudioClient()` in place of `sim_client` for one run.
    """
    with sim_cassette("welcome"):
        assert welcome(sim_client, "Grace") == "Hello, Grace!"
