from __future__ import annotations

import inspect
import pickle
import subprocess
import sys
from typing import Any

import cloudpickle
import httpx
import pytest

import simstudio
from simstudio import (
    ANONYMOUS,
    APIResponse,
    AsyncSimStudioClient,
    ConfigurationError,
    InvalidInputError,
    Request,
    SimStudioClient,
    WorkflowStatus,
)
from tests.driving import KEY, Both, answer, async_client, client, scripted
from tests.modes import both_modes

STATUS = {"isDeployed": True}


def module_level(request: Request, call_next: Any) -> Any:
    """A middleware that pickles."""
    request.headers["X-Mine"] = "1"
    return (yield from call_next(request))


ANSWERED: list[Any] = []
"""What `answered` was asked."""


def answered(request: Request, call_next: Any) -> Any:
    """A middleware that answers by itself, and pickles."""
    ANSWERED.append(request)
    return answer(200, STATUS)
    yield call_next


def choose(stack: list[Any]) -> list[Any]:
    """A choice of middleware that pickles."""
    return [*stack, module_level]


class TestConstruction:
    def test_the_signature_is_as_documented(self) -> None:
        for kind in (SimStudioClient, AsyncSimStudioClient):
            parameters = inspect.signature(kind).parameters
            assert {name: parameter.default for name, parameter in parameters.items()} == {
                "api_key": None,
                "base_url": None,
                "timeout": 30.0,
                "max_retries": 2,
                "api_version": parameters["api_version"].default,
                "middleware": None,
                "http_client": None,
                "headers": None,
                "max_response_size": 64 * 1024 * 1024,
            }
            assert [p.kind for p in parameters.values()][:2] == [inspect.Parameter.POSITIONAL_OR_KEYWORD] * 2
            assert {p.kind for p in list(parameters.values())[2:]} == {inspect.Parameter.KEYWORD_ONLY}

    def test_aliases(self) -> None:
        assert simstudio.Client is SimStudioClient
        assert simstudio.AsyncClient is AsyncSimStudioClient

    def test_attributes(self, both: Both) -> None:
        made = both.client(base_url="https://example.test/sim/")
        assert (made.api_key, made.base_url, made.api_version) == (KEY, "https://example.test/sim", "v1")
        assert both.client(api_key=ANONYMOUS).api_key is None

    def test_repr_shows_no_key(self, both: Both) -> None:
        made = both.client()
        for thing in (
            made,
            made.jobs,
            made.workflows.execute,
            made.with_raw_response,
            made.with_options(timeout=1),
        ):
            assert KEY not in repr(thing)
        assert repr(client()) == "SimStudioClient(base_url='https://sim.test', api_version='v1')"

    def test_what_is_no_http_client_is_refused_at_once(self) -> None:
        for kind in (SimStudioClient, AsyncSimStudioClient):
            with pytest.raises(ConfigurationError, match="http_client="):
                kind(KEY, http_client=object())
        with pytest.raises(ConfigurationError, match="is async"):
            SimStudioClient(KEY, http_client=httpx.AsyncClient())
        with httpx.Client() as http_client, pytest.raises(ConfigurationError, match="is not async"):
            AsyncSimStudioClient(KEY, http_client=http_client)

    @both_modes
    async def test_set_base_url_takes_effect_with_the_next_request_in_clones_too(self, both: Both) -> None:
        made = both.client(answer(200, STATUS))
        clone = made.with_options(timeout=1)
        made.set_base_url("https://other.test/p/")
        await both(clone.workflows.status("wf"))
        assert made.script.requests[0].url == "https://other.test/p/api/workflows/wf/status"
        assert made.script.requests[0].headers["X-API-Key"] == KEY
        with pytest.raises(ConfigurationError):
            made.set_base_url("nowhere")
        assert made.base_url == clone.base_url == "https://other.test/p"

    def test_a_bad_key_set_later_is_refused_and_the_old_one_stays(self, both: Both) -> None:
        made = both.client()
        with pytest.raises(ConfigurationError):
            made.set_api_key("a b")
        assert made.api_key == KEY


class TestRequestsOfAClient:
    async def test_every_request_says_who_asks_and_what_it_takes(self, both: Both) -> None:
        made = both.client(answer(200, STATUS), headers={"X-Mine": "1"})
        await both(made.workflows.status("wf"))
        headers = made.script.requests[0].headers
        assert headers["User-Agent"].startswith("simstudio-sdk/")
        assert (headers["Accept"], headers["X-Mine"], headers["X-API-Key"]) == ("application/json", "1", KEY)

    async def test_the_clients_own_headers_come_before_the_defaults(self, both: Both) -> None:
        made = both.client(answer(200, STATUS), headers={"user-agent": "mine/1"})
        await both(made.workflows.status("wf"))
        assert made.script.requests[0].headers["User-Agent"] == "mine/1"

    async def test_the_escape_hatch_gives_json_bytes_none_or_a_model(self, both: Both) -> None:
        made = both.client(
            answer(200, {"a": 1}),
            answer(200, content=b"\x89PNG"),
            answer(204),
            answer(200, STATUS),
            answer(200, None, content=b"null"),
        )
        assert await both(made.request("GET", "/api/x?y=1", params={"z": True, "n": None, "l": [1, 2]})) == {"a": 1}
        assert await both(made.request("get", "api/x")) == b"\x89PNG"
        assert await both(made.request("DELETE", "/api/x", json={"a": "ü"}, headers={"X-One": "1"})) is None
        assert (await both(made.request("GET", "/api/x", into=simstudio.WorkflowStatus))).is_deployed
        assert await both(made.request("GET", "/api/x")) is None
        first, second, third, *_ = made.script.requests
        assert first.url == "https://sim.test/api/x?y=1&z=true&l=1&l=2"
        assert (second.method, second.url, second.resend) == ("GET", "https://sim.test/api/x", "read")
        assert (third.content, third.headers["X-One"], third.resend) == ('{"a":"ü"}'.encode(), "1", "never")
        assert third.headers["Content-Type"] == "application/json"

    @pytest.mark.parametrize(
        ("arguments", "options"),
        [
            (("GET /", "/x"), {}),
            (("", "/x"), {}),
            ((5, "/x"), {}),
            (("GÉT", "/x"), {}),
            (("GET", "https://evil.test/"), {}),
            (("GET", ""), {}),
            (("POST", "/x"), {"json": {1, 2}}),
            (("POST", "/x"), {"json": float("nan")}),
            (("GET", "/x"), {"params": [1]}),
            (("GET", "/x"), {"params": {"a": "\ud800"}}),
            (("GET", "/x"), {"headers": {"A\n": "1"}}),
            (("GET", "/x"), {"timeout": 0}),
            (("GET", "/x"), {"headers": 5}),
            (("POST", "/x"), {"json": "\ud800"}),
        ],
    )
    async def test_what_the_escape_hatch_cannot_send_is_refused(self, both: Both, arguments: Any, options: Any) -> None:
        made = both.client()
        with pytest.raises(InvalidInputError):
            await both(made.request(*arguments, **options))
        assert made.script.requests == []

    @pytest.mark.parametrize("selected", ["agent.content", [1], 5, {"a": 1}])
    async def test_selected_outputs_are_a_list_of_texts(self, both: Both, selected: Any) -> None:
        with pytest.raises(InvalidInputError, match="selected_outputs"):
            await both(both.client().workflows.stream("wf", selected_outputs=selected))

    async def test_a_timeout_of_a_call_comes_before_the_clients(self, both: Both) -> None:
        made = both.client(*[answer(200, {"success": True, "output": 1})] * 4, timeout=5.0)
        await both(made.workflows.execute("wf"))
        await both(made.workflows.execute("wf", timeout=7))
        await both(made.workflows.execute("wf", timeout=None))
        await both(made.execute_workflow("wf"))
        assert [request.budget.total for request in made.script.requests] == [5.0, 7.0, None, 30.0]

    async def test_input_is_given_once(self, both: Both) -> None:
        made = both.client(answer(200, {"success": True, "output": 1}))
        await both(made.execute_workflow("wf", input={"a": 1}))
        assert made.script.requests[0].json() == {"a": 1}
        with pytest.raises(InvalidInputError, match="once"):
            await both(made.execute_workflow("wf", {"a": 1}, input={"a": 2}))


class TestFlatRetries:
    def limited(self, **more: Any) -> Any:
        return answer(429, {"error": "my own"}, **more)

    async def test_execute_workflow_makes_one_attempt(self, both: Both) -> None:
        made = both.client(answer(429, {"error": "Rate limit exceeded. Please try again later."}))
        with pytest.raises(simstudio.RateLimitError):
            await both(made.execute_workflow("wf"))
        assert len(made.script.requests) == 1

    async def test_execute_with_retry_repeats_every_429_with_growing_pauses(
        self, both: Both, no_waiting: list[float]
    ) -> None:
        made = both.client(self.limited(), self.limited(), answer(200, {"success": True, "output": 1}))
        assert (await both(made.execute_with_retry("wf", initial_delay=1.0))).output == 1
        assert 0.75 <= no_waiting[0] <= 1.25
        assert 1.5 <= no_waiting[1] <= 2.5

    async def test_and_nothing_else(self, both: Both) -> None:
        for failure in (
            answer(503),
            answer(500, {"success": False, "output": None}),
            simstudio.APIConnectionError("x", sent=False),
        ):
            made = both.client(failure)
            with pytest.raises(simstudio.SimStudioError):
                await both(made.execute_with_retry("wf"))
            assert len(made.script.requests) == 1

    async def test_no_more_often_than_asked(self, both: Both, no_waiting: list[float]) -> None:
        made = both.client(*[self.limited()] * 9)
        with pytest.raises(simstudio.RateLimitError):
            await both(made.execute_with_retry("wf", max_retries=2))
        assert len(made.script.requests) == 3

    async def test_retry_after_is_a_floor_above_max_delay(self, both: Both, no_waiting: list[float]) -> None:
        made = both.client(self.limited(headers={"Retry-After": "60"}), answer(200, {"success": True, "output": 1}))
        await both(made.execute_with_retry("wf", max_delay=2))
        assert 60 <= no_waiting[0] <= 75

    @pytest.mark.parametrize("wait", ["1e300", "99999999999"])
    async def test_a_senseless_retry_after_is_not_slept(self, both: Both, no_waiting: list[float], wait: str) -> None:
        made = both.client(self.limited(headers={"Retry-After": wait}))
        with pytest.raises(simstudio.RateLimitError):
            await both(made.execute_with_retry("wf"))
        assert no_waiting == []

    @pytest.mark.parametrize(
        "options",
        [
            {"max_retries": -1},
            {"max_retries": 1.5},
            {"initial_delay": 0},
            {"max_delay": None},
            {"backoff_multiplier": "2"},
            {"timeout": 0},
        ],
    )
    async def test_senseless_options_are_refused(self, both: Both, options: Any) -> None:
        made = both.client()
        with pytest.raises(simstudio.SimStudioError):
            await both(made.execute_with_retry("wf", **options))
        assert made.script.requests == []


class TestValidate:
    async def test_the_namespace_tells_an_error_status_from_no_answer(self, both: Both) -> None:
        made = both.client(
            answer(200, {"isDeployed": False}),
            answer(404),
            answer(200, STATUS),
            simstudio.APIConnectionError("x"),
            max_retries=0,
        )
        assert [await both(made.workflows.validate("wf")) for _ in range(3)] == [False, False, True]
        with pytest.raises(simstudio.APIConnectionError):
            await both(made.workflows.validate("wf"))

    async def test_the_flat_method_is_false_on_any_failure(self, both: Both) -> None:
        made = both.client(
            answer(404),
            answer(200, content=b"<html>"),
            simstudio.APIConnectionError("x"),
            answer(200, STATUS),
            max_retries=0,
        )
        assert [await both(made.validate_workflow("wf")) for _ in range(4)] == [False, False, False, True]
        assert await both(made.validate_workflow("")) is False


class TestClones:
    async def test_they_share_all_but_their_options(self, both: Both) -> None:
        made = both.client(
            answer(200, STATUS, headers={"X-RateLimit-Remaining": "5"}), headers={"X-A": "1", "X-B": "1"}
        )
        clone = made.with_options(timeout=7, max_retries=0, headers={"x-a": "2", "X-C": "3"})
        assert type(clone) is type(made)
        await both(clone.workflows.status("wf"))
        (request,) = made.script.requests
        assert (request.headers["X-A"], request.headers["X-B"], request.headers["X-C"]) == ("2", "1", "3")
        assert (request.budget.total, request.max_retries) == (7.0, 0)
        assert made.get_rate_limit_info() == clone.get_rate_limit_info()
        assert made.get_rate_limit_info().remaining == 5

    async def test_what_is_not_given_stays_and_none_is_no_limit(self, both: Both) -> None:
        made = both.client(answer(200, STATUS), answer(200, STATUS), timeout=9, max_retries=1, headers={"X-A": "1"})
        await both(made.with_options().workflows.status("wf"))
        await both(made.with_options(timeout=None).with_options(max_retries=5).workflows.status("wf"))
        one, two = made.script.requests
        assert (one.budget.total, one.max_retries, one.headers["X-A"]) == (9.0, 1, "1")
        assert (two.budget.total, two.max_retries, two.headers["X-A"]) == (None, 5, "1")

    async def test_the_original_is_not_changed(self, both: Both) -> None:
        made = both.client(answer(200, STATUS))
        made.with_options(timeout=1, headers={"X-C": "3"})
        await both(made.workflows.status("wf"))
        assert made.script.requests[0].budget.total == 30.0
        assert "X-C" not in made.script.requests[0].headers

    @both_modes
    async def test_closing_one_does_nothing(self, both: Both) -> None:
        made = both.client(answer(200, STATUS))
        await both(made.with_options(timeout=1).close())
        await both(made.workflows.status("wf"))
        assert not made.script.closed

    @both_modes
    async def test_raw_clients_can_be_cloned_and_stay_raw(self, both: Both) -> None:
        made = both.client(answer(200, STATUS))
        raw = made.with_raw_response.with_options(max_retries=0)
        response = await both(raw.workflows.status("wf"))
        assert response.parse().is_deployed
        assert made.script.requests[0].max_retries == 0

    async def test_a_subclass_stays_one(self) -> None:
        class Mine(SimStudioClient):
            pass

        assert type(Mine(KEY).with_options(timeout=1)) is Mine


class TestClosing:
    @both_modes
    async def test_a_call_after_closing_is_a_configuration_error_in_clones_too(self, both: Both) -> None:
        made = both.client(answer(200, STATUS))
        clone = made.with_options(timeout=1)
        await both(made.close())
        for closed in (made, clone, made.with_raw_response):
            with pytest.raises(ConfigurationError, match="closed"):
                await both(closed.workflows.status("wf"))
            with pytest.raises(ConfigurationError, match="closed"):
                await both(closed.get_usage_limits())
        with pytest.raises(ConfigurationError, match="closed"):
            await both(made.workflows.stream("wf"))
        assert made.script.closed
        assert made.script.requests == []

    @both_modes
    async def test_closing_again_does_nothing(self, both: Both) -> None:
        made = both.client()
        await both(made.close())
        await both(made.close())

    def test_a_client_that_never_asked_anything_closes(self) -> None:
        SimStudioClient(KEY).close()

    async def test_context_managers_close(self) -> None:
        with client() as made:
            pass
        assert made.script.closed  # type: ignore[attr-defined]
        async with async_client() as other:
            pass
        assert other.script.closed  # type: ignore[attr-defined]


class TestPickling:
    @both_modes
    @pytest.mark.parametrize("pickler", [pickle, cloudpickle], ids=["pickle", "cloudpickle"])
    @pytest.mark.parametrize("middleware", [None, [module_level], choose], ids=["none", "list", "function"])
    async def test_a_client_comes_back_as_it_was_key_included(self, both: Both, pickler: Any, middleware: Any) -> None:
        made = both.client(
            timeout=7, max_retries=1, headers={"X-A": "1"}, middleware=middleware, base_url="https://sim.test/p"
        )
        made.set_api_key("sk-sim-test-Later")
        other = pickle.loads(pickler.dumps(made))
        assert type(other) is type(made)
        assert (other.api_key, other.base_url) == ("sk-sim-test-Later", "https://sim.test/p")
        await both(scripted(other, answer(200, STATUS)).workflows.status("wf"))
        (request,) = other.script.requests
        assert request.headers.get("X-Mine") == (None if middleware is None else "1")
        assert (request.headers["X-API-Key"], request.headers["X-A"]) == ("sk-sim-test-Later", "1")
        assert (request.budget.total, request.max_retries) == (7.0, 1)

    async def test_an_anonymous_one_stays_anonymous(self, both: Both) -> None:
        other = scripted(pickle.loads(pickle.dumps(both.client(api_key=ANONYMOUS))), answer(200, STATUS))
        await both(other.workflows.status("wf"))
        assert other.api_key is None
        assert "X-API-Key" not in other.script.requests[0].headers

    def test_the_environment_does_not_change_it(self, both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
        content = pickle.dumps(both.client())
        monkeypatch.setenv("SIM_API_KEY", "sk-sim-test-env")
        monkeypatch.setenv("SIM_BASE_URL", "https://env.test")
        made = pickle.loads(content)
        assert (made.api_key, made.base_url) == (KEY, "https://sim.test")

    def test_a_handle_of_an_earlier_version_comes_back(self, both: Both) -> None:
        content = pickle.dumps(both.client().jobs.handle("run_1"), 2)  # with names in full
        earlier = content.replace(b"simstudio.resources.dialects.target", b"simstudio.resources.dialects.base")
        assert earlier != content
        assert pickle.loads(earlier).id == "run_1"

    @both_modes
    async def test_clones_raw_clients_and_resources_come_back_too(self, both: Both) -> None:
        made = both.client(timeout=7, middleware=[answered])
        raw = made.with_raw_response
        for thing, timeout, kind in (
            (made.with_options(timeout=3), 3.0, WorkflowStatus),
            (raw, 7.0, APIResponse),
            (raw.with_options(timeout=3), 3.0, APIResponse),
            (made.workflows, 7.0, WorkflowStatus),
            (raw.with_options(timeout=3).workflows, 3.0, APIResponse),
        ):
            copied = pickle.loads(pickle.dumps(thing))
            assert type(copied) is type(thing)
            assert type(await both(getattr(copied, "workflows", copied).status("wf"))) is kind
            assert ANSWERED.pop().budget.total == timeout

    def test_with_an_http_client_it_cannot_and_says_so(self) -> None:
        with httpx.Client() as http_client:
            made = SimStudioClient(KEY, http_client=http_client)
            for thing in (made, made.jobs, made.jobs.get, made.with_options(timeout=1), made.with_raw_response):
                with pytest.raises(ConfigurationError, match="http_client="):
                    pickle.dumps(thing)

    @both_modes
    @pytest.mark.parametrize("as_list", [True, False])
    def test_with_a_middleware_that_cannot_it_names_it(self, both: Both, as_list: bool) -> None:
        def local(request: Any, call_next: Any = None) -> Any:
            return (yield from call_next(request))

        def pick(stack: list[Any]) -> list[Any]:
            return stack

        made = both.client(middleware=[module_level, local] if as_list else pick)
        with pytest.raises(
            ConfigurationError, match=r"local cannot be pickled" if as_list else r"pick cannot be pickled"
        ):
            pickle.dumps(made)


class TestImport:
    def run(self, code: str) -> str:
        finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert finished.returncode == 0, finished.stderr
        return finished.stdout.strip()

    def test_importing_the_package_imports_nothing_heavy(self) -> None:
        heavy = ("httpx", "httpx2", "httpcore", "cattrs", "attrs", "attr", "asyncio")
        code = f"import sys, simstudio; print([m for m in {heavy} if m in sys.modules])"
        assert self.run(code) == "[]"

    def test_making_a_client_opens_nothing_and_imports_no_http_library(self) -> None:
        code = (
            "import sys; from simstudio import SimStudioClient\n"
            "c = SimStudioClient('k1234'); c.with_options(timeout=1).jobs.get; c.close()\n"
            "print([m for m in ('httpx', 'httpcore', 'cattrs') if m in sys.modules])"
        )
        assert self.run(code) == "[]"

    def test_only_a_users_own_type_imports_cattrs(self) -> None:
        code = (
            "import sys; from simstudio import AsyncSimStudioClient, Job, UsageLimits\n"
            "from simstudio.core.conversion import structure\n"
            "structure({'usage': {}, 'rateLimit': {'sync': {}}}, UsageLimits); structure([{}], list[Job])\n"
            "print('cattrs' in sys.modules, structure(5, int), 'cattrs' in sys.modules)"
        )
        assert self.run(code) == "False 5 True"

    def test_every_public_name_is_there_and_listed(self) -> None:
        for name in simstudio.__all__:
            assert getattr(simstudio, name) is not None
        assert sorted(simstudio.__all__) == dir(simstudio)
        assert len(set(simstudio.__all__)) == len(simstudio.__all__)

    def test_an_unknown_name_is_an_attribute_error(self) -> None:
        with pytest.raises(AttributeError, match="nothing_of_it"):
            simstudio.nothing_of_it  # noqa: B018
