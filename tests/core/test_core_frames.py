"""No frame of a failed constructor, setter or pickle holds a secret. (tests/wire has those of calls.)"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest

from simstudio import AsyncSimStudioClient, ConfigurationError, SimStudioClient, SimStudioError
from simstudio.services import oomol, speedpix, vectorvein
from simstudio.transport.secret import Secret
from tests.frames import leaks

SECRET = "sk-sim-test-Zebra4711"

Make = Callable[..., Any]


def named(names: Mapping[str, str], make: Make, *keys: str) -> Make:
    """Make a client with a secret for each key, and with options by the names that Sim's client has for them."""

    def made(secret: Any = SECRET, **options: Any) -> Any:
        return make(**dict.fromkeys(keys, secret), **{names.get(name, name): value for name, value in options.items()})

    return made


def oomol_dict(secret: Any = SECRET, **options: Any) -> Any:
    names = {"base_url": "base_url", "timeout": "timeout", "headers": "default_headers"}
    documented = {names[name]: options.pop(name) for name in names.keys() & options.keys()}
    return oomol.OomolConnectClient({"api_token": secret, **documented}, **options)


MAKERS: dict[str, Make] = {
    "sim": named({}, SimStudioClient, "api_key"),
    "async sim": named({}, AsyncSimStudioClient, "api_key"),
    "oomol": named({"headers": "default_headers"}, oomol.OomolConnectClient, "api_token"),
    "oomol applets": named({"headers": "default_headers"}, oomol.OomolConnectClient, "applets_token"),
    "oomol dict": oomol_dict,
    "speedpix": named({"base_url": "endpoint"}, speedpix.Client, "app_key", "app_secret"),
    "async speedpix": named({"base_url": "endpoint"}, speedpix.AsyncClient, "app_key", "app_secret"),
    "vectorvein": named({}, vectorvein.VectorVeinClient, "api_key"),
    "async vectorvein": named({}, vectorvein.AsyncVectorVeinClient, "api_key"),
}
each_client = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)

WRONG_OPTIONS: dict[str, dict[str, Any]] = {
    "address": {"base_url": "nowhere"},
    "no address": {"base_url": 5},
    "credentials in the address": {"base_url": f"https://ada:{SECRET}@sim.test"},
    "a query in the address": {"base_url": f"https://sim.test?key={SECRET}"},
    "timeout": {"timeout": "soon"},
    "retries": {"max_retries": -1},
    "middleware": {"middleware": [5]},
    "stack": {"middleware": lambda stack: stack[0]},
    "HTTP client": {"http_client": object()},
    "headers": {"headers": [("Authorization", SECRET)]},
    "header value": {"headers": {"X-Token": f"{SECRET}\n"}},
    "header name": {"headers": {"Author ization": SECRET}},
    "header beside another": {"headers": {"X-Token": SECRET, "User-Agent": " "}},
    "header and retries": {"headers": {"X-Token": SECRET}, "max_retries": -1},
    "size": {"max_response_size": -1},
}
WRONG_SECRETS: dict[str, Any] = {
    "bytes": SECRET.encode(),
    "list": [SECRET],
    "dict": {"key": SECRET},
    "line end": f"{SECRET}\n",
    "blank": f" {SECRET}",
    "control character": f"{SECRET}\x00",
    "no text": f"{SECRET}\ud800",
}


def failure_of(make: Callable[[], Any]) -> SimStudioError:
    with pytest.raises(SimStudioError) as caught:
        make()
    return caught.value


class TestConstructors:
    @each_client
    @pytest.mark.parametrize("options", WRONG_OPTIONS.values(), ids=WRONG_OPTIONS)
    def test_with_an_option_that_is_wrong(self, make: Make, options: dict[str, Any]) -> None:
        assert leaks(failure_of(lambda: make(**options)), SECRET) == []

    @each_client
    @pytest.mark.parametrize("secret", WRONG_SECRETS.values(), ids=WRONG_SECRETS)
    def test_with_a_secret_that_is_wrong(self, make: Make, secret: Any) -> None:
        assert leaks(failure_of(lambda: make(secret)), SECRET) == []

    @pytest.mark.parametrize("value", [f"{SECRET}\n", SECRET], ids=["wrong", "right"])
    @pytest.mark.parametrize(
        "make",
        [SimStudioClient, AsyncSimStudioClient, speedpix.Client, lambda: speedpix.run("workflow", {})],
        ids=["sim", "async sim", "speedpix", "speedpix.run"],
    )
    def test_with_secrets_of_the_environment(self, make: Make, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("SIM_API_KEY", "SPEEDPIX_APP_KEY", "SPEEDPIX_APP_SECRET"):
            monkeypatch.setenv(name, value)
        for name in ("SIM_BASE_URL", "SPEEDPIX_ENDPOINT"):
            monkeypatch.setenv(name, "nowhere")
        assert leaks(failure_of(make), SECRET) == []

    @pytest.mark.parametrize(
        "options",
        [
            {"api_token": SECRET, "nothing": 1},
            {"default_headers": {"authorization": f"{SECRET}\n"}},
            {"base_url": "nowhere", "default_headers": {"Authorization": SECRET}},
        ],
        ids=["unknown option", "wrong header", "wrong address"],
    )
    def test_with_the_documented_dict_of_oomol(self, options: dict[str, Any]) -> None:
        assert leaks(failure_of(lambda: oomol.OomolConnectClient(options)), SECRET) == []

    @each_client
    def test_a_client_that_is_not_complete_can_be_shown(self, make: Make) -> None:
        error = failure_of(lambda: make(max_retries=-1))
        trace = error.__traceback__
        shown = []
        while trace is not None:
            shown += [repr(value) for name, value in trace.tb_frame.f_locals.items() if name == "self"]
            trace = trace.tb_next
        assert any(text.endswith("Client(…)") for text in shown)


class TestSetters:
    @pytest.mark.parametrize("secret", WRONG_SECRETS.values(), ids=WRONG_SECRETS)
    @pytest.mark.parametrize(
        "setter",
        [
            SimStudioClient(SECRET).set_api_key,
            vectorvein.VectorVeinClient(SECRET).set_api_key,
            oomol.OomolConnectClient("https://oomol.test").set_api_token,
        ],
        ids=["sim", "vectorvein", "oomol"],
    )
    def test_with_a_secret_that_is_wrong(self, setter: Callable[[Any], None], secret: Any) -> None:
        assert leaks(failure_of(lambda: setter(secret)), SECRET) == []

    @each_client
    def test_of_the_address(self, make: Make) -> None:
        for address in (f"https://ada:{SECRET}@sim.test", f"https://sim.test?key={SECRET}"):
            assert leaks(failure_of(lambda address=address: make().set_base_url(address)), SECRET) == []

    @each_client
    @pytest.mark.parametrize(
        "options",
        [{"headers": {"X-Key": f"{SECRET}\n"}}, {"headers": {"X-Key": SECRET}, "timeout": -1}],
        ids=["header", "timeout"],
    )
    def test_of_a_clone(self, make: Make, options: dict[str, Any]) -> None:
        assert leaks(failure_of(lambda: make().with_options(**options)), SECRET) == []

    @pytest.mark.parametrize(
        "arguments",
        [("app:", SECRET, "id"), ("app", f"{SECRET}:", "id"), ("app", [SECRET], "id"), ("app", SECRET, "")],
        ids=["app", "access key", "no text", "id"],
    )
    def test_of_a_link_into_a_vapp(self, arguments: Any) -> None:
        client = vectorvein.VectorVeinClient("0123456789abcdef")
        assert leaks(failure_of(lambda: client.generate_vapp_url(*arguments)), SECRET, "0123456789abcdef") == []


@pytest.mark.parametrize("options", [{"concurrency": -1, "shared": 5}, {"concurrency": -1}, {"ledger": 5}, {}])
def test_of_a_batch_that_cannot_begin(options: dict[str, Any]) -> None:
    stores = {"shared": f"redis://:{SECRET}@127.0.0.1/0", "claims": f"redis://:{SECRET}@127.0.0.1/0"}
    client = SimStudioClient("sk-sim-test-other")
    assert leaks(failure_of(lambda: client.workflows.map("wf", [{}], **{**stores, **options})), SECRET) == []


class TestPickles:
    @each_client
    def test_that_cannot_be_made(self, make: Make) -> None:
        def local(request: Any, call_next: Any) -> Any:
            return (yield from call_next(request))

        assert leaks(failure_of(lambda: pickle.dumps(make(middleware=[local]))), SECRET) == []

    @each_client
    def test_that_cannot_be_loaded(self, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
        pickled = pickle.dumps(make(headers={"X-Key": SECRET}))
        monkeypatch.setattr("simstudio.core.session.Session.__init__", refuse)
        assert leaks(failure_of(lambda: pickle.loads(pickled)), SECRET) == []

    def test_that_hold_an_http_client(self) -> None:
        with httpx.Client() as http_client:
            made = SimStudioClient(SECRET, http_client=http_client)
            assert leaks(failure_of(lambda: pickle.dumps(made)), SECRET) == []


def refuse(*_: Any, **__: Any) -> None:
    raise ConfigurationError("refused")


class TestSecret:
    def test_no_repr_shows_it(self) -> None:
        assert SECRET not in repr(Secret(SECRET)) + str(Secret(SECRET)) + repr([Secret({"key": SECRET})])
        assert Secret(SECRET).reveal() == SECRET

    def test_a_secret_of_a_secret_is_the_same(self) -> None:
        assert Secret(Secret(SECRET)) == Secret(SECRET)
        assert Secret(SECRET) != Secret("other")
        assert Secret(SECRET) != SECRET

    def test_it_pickles(self) -> None:
        assert pickle.loads(pickle.dumps(Secret(SECRET))) == Secret(SECRET)
