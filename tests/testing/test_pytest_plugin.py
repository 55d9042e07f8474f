"""The fixtures and the marker that pytest users get by installing the package."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

SANDBOX = """
import pytest

class Client:
    def __init__(self):
        self.closed_in = None
    def __enter__(self):
        return self
    def __exit__(self, *error):
        self.closed_in = "with"
    async def aclose(self):
        import asyncio
        self.closed_in = asyncio.get_running_loop()

class Server:
    base_url = "http://127.0.0.1:1"
    def __init__(self, seen):
        self.seen = seen
    def __enter__(self):
        self.seen["serving"] = True
        return self
    def __exit__(self, *error):
        self.seen["serving"] = False
    def client(self):
        self.seen["client"] = Client()
        return self.seen["client"]
    async_client = client

SEEN = {}

class Sandbox:
    def serve(self):
        return Server(SEEN)

@pytest.fixture
def sim_sandbox():
    return Sandbox()
"""


@pytest.fixture
def project(pytester, server):
    """A directory of tests with this repository's strict configuration; ``URL`` is a server on this machine."""
    pytester.makeini(
        "[pytest]\naddopts = --strict-markers -p no:cacheprovider\nasyncio_mode = auto\n"
        "asyncio_default_fixture_loop_scope = function\nfilterwarnings = error\n"
    )

    def run(source: str, *arguments: str, conftest: str = ""):
        pytester.makeconftest(conftest)
        pytester.makepyfile(test_it=f"import httpx, pytest\nURL = {server.url!r}\n{source}")
        return pytester.runpytest(*arguments)

    return run


def test_loading_the_plugin_imports_no_library_that_is_slow_to_import():
    code = (
        "import sys, pytest; before = set(sys.modules); import simstudio.testing.plugin\n"
        "print(*(set(sys.modules) - before))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert "simstudio.testing.plugin" in loaded
    slow = {"anyio", "asyncio", "attr", "cattrs", "httpx", "httpx2", "starlette", "vcr"}
    assert not slow & set(loaded)


def test_the_marker_is_registered(project):
    result = project("def test(): pass", "--markers")

    result.stdout.fnmatch_lines(["@pytest.mark.sim_cassette(name=None, *"])


def test_a_marked_test_is_recorded_and_then_replayed(project, pytester, server):
    source = """
@pytest.mark.sim_cassette("run.yaml", all_played=True)
def test_run():
    assert httpx.get(URL).json() == {"success": True}
"""
    project(source).assert_outcomes(passed=1)
    project(source).assert_outcomes(passed=1)

    assert len(server.received) == 1
    assert (pytester.path / "cassettes" / "run.yaml").exists()


def test_a_marked_async_test_as_well(project, server):
    source = """
@pytest.mark.sim_cassette()
async def test_run():
    async with httpx.AsyncClient() as client:
        await client.get(URL)
"""
    project(source).assert_outcomes(passed=1)
    project(source).assert_outcomes(passed=1)

    assert len(server.received) == 1


def test_without_a_name_a_cassette_is_named_after_the_test(project, pytester):
    project("""
class TestRuns:
    @pytest.mark.sim_cassette
    @pytest.mark.parametrize("path", ["/a/b"])
    def test_run(self, path):
        httpx.get(URL + path)
""").assert_outcomes(passed=1)

    assert [file.name for file in (pytester.path / "cassettes" / "test_it").iterdir()] == ["TestRuns.test_run_a_b.yaml"]


def test_other_fixtures_requests_are_in_the_cassette_too(project, server):
    source = """
@pytest.fixture
def fetched():
    return httpx.get(URL + "/from-fixture").json()

@pytest.mark.sim_cassette
def test_run(fetched):
    assert fetched == {"success": True}
"""
    project(source).assert_outcomes(passed=1)
    project(source).assert_outcomes(passed=1)

    assert len(server.received) == 1


def test_a_failed_test_records_nothing(project, pytester):
    project("""
@pytest.mark.sim_cassette
def test_run():
    httpx.get(URL)
    assert False
""").assert_outcomes(failed=1)

    assert not (pytester.path / "cassettes").exists()


def test_only_the_marked_parameters_have_a_cassette(project, pytester):
    project("""
@pytest.mark.parametrize("path", [pytest.param("/a", marks=pytest.mark.sim_cassette("a")), "/b"])
def test_run(path):
    httpx.get(URL + path)
""").assert_outcomes(passed=2)

    assert [file.name for file in (pytester.path / "cassettes").iterdir()] == ["a.yaml"]


def test_exchanges_left_over_fail_a_test_that_asks_for_it(project):
    source = """
import os
@pytest.mark.sim_cassette("run", all_played=True)
def test_run():
    for path in PATHS:
        httpx.get(URL + path)
"""
    project(f"PATHS = ['/a', '/b']{source}").assert_outcomes(passed=1)
    result = project(f"PATHS = ['/a']{source}")

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*1 of 2 exchanges*", "*GET http://127.0.0.1:*/b: never sent*"])


def test_cassettes_open_by_hand(project, pytester, server):
    source = """
def test_run(sim_cassette):
    with sim_cassette("one"):
        httpx.get(URL)
    with sim_cassette("two") as cassette:
        httpx.get(URL)
        assert len(cassette) == 1
"""
    project(source).assert_outcomes(passed=1)

    assert sorted(file.name for file in (pytester.path / "cassettes").iterdir()) == ["one.yaml", "two.yaml"]
    assert len(server.received) == 2


def test_the_configuration_of_all_cassettes_is_a_fixture(project, pytester):
    conftest = """
import pytest

@pytest.fixture
def sim_vcr_config():
    return {"secrets": ["hunter2"]}
"""
    project(
        """
def test_run(sim_cassette):
    with sim_cassette("run"):
        httpx.get(URL, params={"password": "hunter2"})
""",
        conftest=conftest,
    ).assert_outcomes(passed=1)

    assert "?password=REDACTED" in (pytester.path / "cassettes" / "run.yaml").read_text()


def test_an_unknown_request_fails_with_vcrpys_error(project, monkeypatch):
    monkeypatch.setenv("CI", "true")
    result = project("""
@pytest.mark.sim_cassette
def test_run():
    httpx.get(URL)
""")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*CannotOverwriteExistingCassetteException*"])


def test_pytest_recording_gets_to_know_the_matchers():
    import vcr

    from simstudio.testing import vcr_config
    from simstudio.testing.plugin import pytest_recording_configure

    recorder = vcr.VCR(**vcr_config())
    pytest_recording_configure(config=None, vcr=recorder)

    assert {"simstudio.path", "simstudio.query", "simstudio.body"} <= set(recorder.matchers)


def test_the_network_can_be_blocked_by_a_fixture(project):
    project("""
from simstudio.testing import NetworkBlockedError

def test_run(sim_no_network):
    httpx.get(URL)
    with pytest.raises(NetworkBlockedError):
        httpx.get("http://sim.test")
""").assert_outcomes(passed=1)


def test_deviations_are_errors_while_a_test_wants_them_to_be(project):
    project(
        """
import pytest
from simstudio import InvalidResponseError, Job
from simstudio.core.conversion import structure

def test_run(sim_strict_models):
    with pytest.raises(InvalidResponseError, match="Job.status is missing"):
        structure({"taskId": "t"}, Job)

def test_after():
    assert structure({"taskId": "t"}, Job).task_id == "t"
"""
    ).assert_outcomes(passed=2)


def test_the_server_is_up_during_the_test_only(project):
    project(
        """
from conftest import SEEN

def test_run(sim_server, sim_client):
    assert SEEN["serving"] and sim_client is SEEN["client"]

def test_after():
    assert not SEEN["serving"]
    assert SEEN["client"].closed_in == "with"
""",
        conftest=SANDBOX,
    ).assert_outcomes(passed=2)


def test_the_async_client_is_closed_in_the_loop_of_its_test(project):
    project(
        """
import asyncio
from conftest import SEEN

async def test_run(sim_async_client):
    assert sim_async_client.closed_in is None
    SEEN["loop"] = asyncio.get_running_loop()

def test_after():
    assert SEEN["client"].closed_in is SEEN["loop"]
""",
        conftest=SANDBOX,
    ).assert_outcomes(passed=2)


def test_the_async_client_is_closed_after_a_failing_test_too(project):
    project(
        """
from conftest import SEEN

async def test_run(sim_async_client):
    assert False

class TestClass:
    async def test_after(self, sim_async_client):
        assert SEEN["client"].closed_in is None

def test_afterwards():
    assert SEEN["client"].closed_in is not None
""",
        conftest=SANDBOX,
    ).assert_outcomes(passed=2, failed=1)


def test_a_blocking_test_may_use_the_async_client(project):
    project(
        """
from conftest import SEEN

def test_run(sim_async_client):
    assert sim_async_client.closed_in is None

def test_after():
    assert SEEN["client"].closed_in is not None
""",
        conftest=SANDBOX,
    ).assert_outcomes(passed=2)


def test_the_fixtures_run_a_real_workflow(project):
    project("""
def test_run(sim_server, sim_client):
    assert sim_client.base_url == sim_server.base_url
    assert sim_client.usage.limits()

async def test_async(sim_server, sim_async_client):
    assert await sim_async_client.usage.limits()
""").assert_outcomes(passed=2)


def test_every_service_has_a_sandbox_a_server_and_clients(project):
    project("""
def test_oomol(oomol_sandbox, oomol_client):
    oomol_sandbox.block("a::b")(lambda inputs: {"n": 1})
    assert oomol_client.tasks.run({"blockId": "a::b", "inputValues": {}})["result"] == {"n": 1}

async def test_speedpix(speedpix_server, speedpix_async_client):
    assert await speedpix_async_client.run("echo", {"n": 1}) == {"n": 1}
    assert speedpix_server.requests

def test_vectorvein(vectorvein_client):
    fields = [{"node_id": "n", "field_name": "Name", "value": "Ada"}]
    assert vectorvein_client.workflows.run("hello", fields).data[0].value == "Hello, Ada!"

@pytest.mark.parametrize("sim_api_version", ["v1", "v2"])
async def test_sim(sim_client, sim_async_client, sim_api_version):
    assert {sim_client.api_version, sim_async_client.api_version} == {sim_api_version}
    assert sim_client.workflows.execute("hello").success
""").assert_outcomes(passed=5)
