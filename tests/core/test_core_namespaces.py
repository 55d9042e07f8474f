"""Namespaces are declared on the classes of clients, so that mocks, ``help()`` and completion know them."""

from __future__ import annotations

import pydoc
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest import mock

import pytest

from simstudio import AsyncSimStudioClient, SimStudioClient
from simstudio.core.resource import APIResource, namespace
from simstudio.resources.v1 import V1
from simstudio.resources.v2 import V2
from simstudio.services import oomol, speedpix, vectorvein
from tests.driving import Both, async_client, client

SIM = ("workflows", "jobs", "usage", "v1", "v2")
OOMOL = ("tasks", "blocks", "flows", "packages", "applets")
SPEEDPIX = ("predictions", "files")
VECTORVEIN = ("workflows", "access_keys", "files", "agents", "agent_tasks", "agent_cycles", "workspaces")
DECLARED: dict[type, tuple[str, ...]] = {
    SimStudioClient: SIM,
    AsyncSimStudioClient: SIM,
    oomol.OomolConnectClient: OOMOL,
    oomol.AsyncOomolConnectClient: OOMOL,
    speedpix.Client: SPEEDPIX,
    speedpix.AsyncClient: SPEEDPIX,
    vectorvein.VectorVeinClient: VECTORVEIN,
    vectorvein.AsyncVectorVeinClient: VECTORVEIN,
    V1: ("workflows", "logs", "audit_logs", "tables", "files", "knowledge"),
    V2: ("workflows", "chat_deployments", "runs", "logs", "audit_logs", "billing", "meta", "blocks", "tools"),
}


@pytest.mark.parametrize("kind", DECLARED, ids=lambda kind: kind.__name__)
class TestDeclaration:
    @pytest.mark.parametrize("mocking", [mock.Mock, mock.MagicMock, mock.create_autospec])
    def test_a_mock_of_the_class_knows_each_and_no_other(self, kind: type, mocking: Any) -> None:
        made = mocking(spec=kind)
        for name in DECLARED[kind]:
            assert getattr(made, name) is getattr(made, name)
        with pytest.raises(AttributeError):
            made.nothing  # noqa: B018

    def test_help_describes_each(self, kind: type) -> None:
        text = pydoc.render_doc(kind, renderer=pydoc.plaintext)
        for name in DECLARED[kind]:
            assert f" {name} = " in text
            assert vars(getattr(kind, name))["__doc__"] in text


class TestObjects:
    def test_each_is_one_object_of_its_client_or_clone(self, both: Both) -> None:
        made = both.client()
        for each in (made, made.with_options(timeout=1), made.with_raw_response):
            assert isinstance(each.jobs, APIResource)
            assert each.jobs is each.jobs
            assert each.v2.workflows.versions is each.v2.workflows.versions
        assert made.jobs is not made.with_options(timeout=1).jobs

    def test_it_is_one_object_for_threads_that_ask_at_the_same_time(self) -> None:
        meeting = threading.Barrier(2)

        class Client:
            @namespace
            def jobs(self) -> object:
                meeting.wait()
                return object()

        made = Client()
        with ThreadPoolExecutor(2) as pool:
            first, second = pool.map(lambda _: made.jobs, range(2))
        assert first is second is made.jobs

    async def test_a_mock_of_the_user_stands_in_for_one_and_it_comes_back(self, both: Both) -> None:
        made = both.client()
        with mock.patch.object(made, "jobs", autospec=True) as jobs:
            jobs.get.return_value = "job"
            assert await both(made.jobs.get("t1")) == "job"
        assert made.jobs.get.__self__ is made.jobs
        made.usage = jobs
        assert made.usage is jobs

    @pytest.mark.parametrize("name", SIM)
    def test_a_mock_stands_in_for_no_other(self, name: str) -> None:
        made = client()
        with mock.patch.object(made, name, mock.Mock()):
            found = [made.traces._jobs, *(getattr(made, other) for other in SIM if other != name)]
        for each in (*found, getattr(made, name)):
            assert isinstance(each, APIResource)

    def test_nothing_is_made_before_it_is_asked_for(self) -> None:
        assert not {"workflows", "jobs", "usage", "v1", "v2"} & set(vars(client()))
        assert not {"workflows", "jobs", "usage", "v1", "v2"} & set(vars(async_client()))


@pytest.mark.parametrize(
    ("program", "names"),
    [
        ("from simstudio import SimStudioClient as Client; c = Client(); c.", {*SIM, "execute_workflow"}),
        ("from simstudio import SimStudioClient as Client; c = Client(); c.workflows.", {"execute", "map", "stream"}),
        ("from simstudio import AsyncSimStudioClient as Client; c = Client(); c.jobs.", {"get", "wait"}),
        ("from simstudio import Client; c = Client(); c.v2.workflows.versions.", {"list"}),
        ("from simstudio import SimStudioClient as Client; c = Client(); c.with_raw_response.usage.", {"limits"}),
        ("from simstudio.services.oomol import OomolConnectClient; c = OomolConnectClient(); c.tasks.", {"create"}),
        ("from simstudio.services.speedpix import Client; c = Client(); c.predictions.", {"create", "get"}),
        ("from simstudio.services.vectorvein import VectorVeinClient as Client; c = Client(''); c.files.", {"upload"}),
        ("from simstudio import SimStudioClient as Client; c = Client().with_options(timeout=1); c.jobs.", {"get"}),
        ("from simstudio import SimStudioClient as Client\nwith Client() as c: c.jobs.", {"get"}),
        (
            "from simstudio import AsyncClient\nasync def f():\n async with AsyncClient() as c: c.jobs.",
            {"get"},
        ),
        (
            "from simstudio.services.speedpix import Client\nasync def f():\n async with Client() as c: c.predictions.",
            {"get"},
        ),
        ("from simstudio.sandbox import Sandbox\nwith Sandbox().serve() as server: server.client().jobs.", {"get"}),
        ("from simstudio.sandbox import Sandbox; s = Sandbox().serve().start(); s.client().jobs.", {"get"}),
    ],
)
def test_jedi_completes_them(program: str, names: set[str]) -> None:
    import jedi

    completed = {each.name for each in jedi.Script(program).complete()}
    assert names <= completed
