"""Iterating over all that a list has."""

from __future__ import annotations

from typing import Any

import pytest

from simstudio import ConfigurationError, InvalidResponseError, RateLimitError
from tests.modes import both_modes
from tests.services.vectorvein.helpers import Canned, Clock, envelope

LISTS: dict[str, tuple[Any, str, str]] = {
    "access_keys": (lambda c: c.access_keys.iterate(page_size=2), "access_keys", "access_key"),
    "agents": (lambda c: c.agents.iterate(page_size=2), "agents", "agent_id"),
    "public agents": (lambda c: c.agents.iterate_public(page_size=2), "agents", "agent_id"),
    "tasks": (lambda c: c.agent_tasks.iterate(page_size=2), "tasks", "task_id"),
    "public tasks": (lambda c: c.agent_tasks.iterate_public_shared(page_size=2), "tasks", "task_id"),
    "workspaces": (lambda c: c.workspaces.iterate(page_size=2), "workspaces", "workspace_id"),
}


def page(items: str, name: str, ids: list[str], **more: Any) -> dict[str, Any]:
    return envelope({items: [{name: each} for each in ids], **more})


def collect(pages: Any, mode: str) -> Any:
    if mode == "sync":
        return list(pages)

    async def gather() -> list[Any]:
        return [each async for each in pages]

    return gather()


@both_modes
@pytest.mark.parametrize("counts", [{"total": 5}, {"total": 5, "page_count": 3}, {}])
@pytest.mark.parametrize("name", LISTS)
def test_all_pages_are_iterated_over(name: str, counts: dict[str, int], mode: str):
    make, items, key = LISTS[name]
    server = Canned([page(items, key, ids, **counts) for ids in (["a", "b"], ["c", "d"], ["e"])])

    found = server.run(mode, lambda client: collect(make(client), mode))

    assert [each[key] for each in found] == ["a", "b", "c", "d", "e"]
    assert [body["page"] for body in server.bodies] == [1, 2, 3]
    assert {body["page_size"] for body in server.bodies} == {2}


@both_modes
def test_pages_are_fetched_when_they_are_needed(mode: str):
    server = Canned([page("agents", "agent_id", ["a", "b"], total=5)])

    def script(client: Any) -> Any:
        pages = client.agents.iterate(page_size=2)
        assert server.requests == []
        if mode == "sync":
            found = iter(pages)
            return [next(found), next(found)]
        return first_two(pages)

    async def first_two(pages: Any) -> list[Any]:
        found = pages.__aiter__()
        return [await found.__anext__(), await found.__anext__()]

    assert [agent.agent_id for agent in server.run(mode, script)] == ["a", "b"]
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "replies",
    [
        [page("agents", "agent_id", [], total=1_000_000, page_count=500_000)],
        [page("agents", "agent_id", ["a"], total=10, page_count=1)],
        [page("agents", "agent_id", ["a", "b"], total=2)],
        [page("agents", "agent_id", ["a", "b"], total="many"), page("agents", "agent_id", [])],
    ],
    ids=["an empty page", "the last by its number", "all there are", "a count that is none"],
)
def test_iterating_ends_whatever_the_server_counts(replies: list[Any], mode: str):
    server = Canned(replies)

    server.run(mode, lambda client: collect(client.agents.iterate(page_size=2), mode))

    assert len(server.requests) == len(replies)


@both_modes
@pytest.mark.parametrize("length", [1, 2, 3])
def test_pages_that_come_again_without_end_are_given_up(mode: str, length: int):
    server = Canned([page("agents", "agent_id", [str(n % length)], page_count=10**9) for n in range(50)])

    with pytest.raises(InvalidResponseError, match="the same page again"):
        server.run(mode, lambda client: collect(client.agents.iterate(page_size=1), mode))

    assert len(server.requests) < 10


@both_modes
def test_each_iteration_starts_anew(mode: str):
    server = Canned([page("agents", "agent_id", ["a"], total=1)])

    def script(client: Any) -> Any:
        pages = client.agents.iterate()
        first = yield collect(pages, mode)
        second = yield collect(pages, mode)
        return first, second

    first, second = server.run(mode, script)

    assert first == second
    assert len(server.requests) == 2


def test_the_filters_go_with_every_page(mode: str):
    server = Canned([page("access_keys", "access_key", ["a", "b"], total=3), page("access_keys", "access_key", ["c"])])

    def script(client: Any) -> Any:
        return collect(client.access_keys.iterate(page_size=2, status=iter(["AC", "EX"]), app_id="app"), mode)

    server.run(mode, script)

    assert [(body["status"], body["app_id"]) for body in server.bodies] == [(["AC", "EX"], "app")] * 2


@both_modes
def test_a_page_that_fails_raises_as_a_call_does(mode: str, clock: Clock):
    server = Canned([page("agents", "agent_id", ["a", "b"], total=9), (429, envelope(None, 429))])

    with pytest.raises(RateLimitError):
        server.run(mode, lambda client: collect(client.agents.iterate(page_size=2), mode))


def test_the_wrong_kind_of_loop_says_which_is_right():
    with pytest.raises(ConfigurationError, match="`async for`"):
        Canned([]).run("async", lambda client: list(client.agents.iterate()))
    with pytest.raises(ConfigurationError, match="`for`"):
        Canned([]).run("sync", lambda client: client.agents.iterate().__aiter__().__anext__().send(None))


FIRST: dict[str, tuple[Any, dict[str, Any]]] = {
    "list_access_keys": (lambda c: c.list_access_keys(), {"page": 1, "page_size": 10}),
    "list_agents": (lambda c: c.list_agents(), {"page": 1, "page_size": 10}),
    "list_public_agents": (lambda c: c.list_public_agents(), {"page": 1, "page_size": 10}),
    "list_agent_tasks": (lambda c: c.list_agent_tasks(), {"page": 1, "page_size": 10}),
    "list_agent_workspaces": (lambda c: c.list_agent_workspaces(), {"page": 1, "page_size": 10}),
    "list_agent_cycles": (lambda c: c.list_agent_cycles("t"), {"cycle_index_offset": 0}),
}


@pytest.mark.parametrize("method", FIRST)
def test_a_list_begins_at_its_beginning(method: str) -> None:
    call, first = FIRST[method]
    server = Canned([envelope({"access_keys": [], "agents": [], "tasks": [], "workspaces": [], "cycles": []})])
    server.run("sync", call)

    (body,) = server.bodies
    assert {name: body[name] for name in first} == first
