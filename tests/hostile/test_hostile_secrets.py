"""A key is accepted where it is kept out of texts, and nowhere else; what carries it in a pickle says so."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from simstudio import ANONYMOUS, AsyncSimStudioClient, ConfigurationError, InvalidInputError, SimStudioClient
from simstudio.services import oomol, speedpix, vectorvein
from tests.driving import scripted
from tests.frames import chain, leaks

KEY, OTHER = "sk-sim-test-Zebra4711", "sk-sim-test-Gnu08154"

MAKERS: dict[str, tuple[Callable[..., Any], str]] = {
    "sim": (partial(SimStudioClient, KEY, "https://sim.test"), "X-API-Key"),
    "async sim": (partial(AsyncSimStudioClient, KEY, "https://sim.test"), "x-api-key"),
    "anonymous sim": (partial(SimStudioClient, ANONYMOUS, "https://sim.test"), "X-Api-Key"),
    "oomol": (partial(oomol.OomolConnectClient, "https://oomol.test", KEY), "Authorization"),
    "vectorvein": (partial(vectorvein.VectorVeinClient, KEY), "VectorVein-API-Key"),
    "async vectorvein": (partial(vectorvein.AsyncVectorVeinClient, KEY), "VECTORVEIN-API-KEY"),
}


class TestAKeyAmongHeaders:
    """It would be sent, or lose against the client's own without a word, and stay in errors that echo it."""

    @pytest.mark.parametrize("make", [name for name in MAKERS if name != "oomol"])
    def test_is_refused_by_a_constructor(self, make: str) -> None:
        maker, header = MAKERS[make]
        with pytest.raises(ConfigurationError, match="Pass the key to the client") as caught:
            maker(headers={"X-Mine": "1", header: OTHER})
        assert leaks(caught.value, OTHER) == []
        assert not any(OTHER in str(error) for error in chain(caught.value))

    @pytest.mark.parametrize("make", MAKERS)
    def test_is_refused_by_a_clone(self, make: str) -> None:
        maker, header = MAKERS[make]
        with pytest.raises(ConfigurationError, match="Pass the key to the client") as caught:
            maker().with_options(headers={header: OTHER})
        assert leaks(caught.value, OTHER) == []

    @pytest.mark.parametrize("make", [name for name in MAKERS if "async" not in name])
    def test_is_refused_by_a_call_before_anything_is_sent(self, make: str) -> None:
        maker, header = MAKERS[make]
        client = scripted(maker())
        with pytest.raises(InvalidInputError, match="Pass the key to the client"):
            client.request("GET", "/x", headers={header: OTHER})
        assert client.script.requests == []

    def test_is_the_documented_client_s_token_where_it_has_no_other(self) -> None:
        client = oomol.OomolConnectClient("https://oomol.test", default_headers={"authorization": OTHER})
        assert client.get_default_headers() == {}
        assert OTHER not in repr(client)


HANDLES: dict[str, Callable[[], Any]] = {
    "sim": lambda: SimStudioClient(KEY).jobs.handle("t"),
    "async sim": lambda: AsyncSimStudioClient(KEY).jobs.handle("t"),
    "oomol": lambda: oomol.OomolConnectClient("https://oomol.test", KEY).tasks.handle("t"),
    "vectorvein run": lambda: vectorvein.VectorVeinClient(KEY).workflows.handle("rid"),
    "vectorvein task": lambda: vectorvein.VectorVeinClient(KEY).agent_tasks.handle("t"),
    "speedpix": lambda: speedpix.Prediction(None, "t"),
    "speedpix file": lambda: speedpix.FileOutput("https://x.test/a"),
}


@pytest.mark.parametrize("name", HANDLES)
def test_a_handle_s_pickle_carries_a_key_only_where_its_docstring_says_so(name: str) -> None:
    handle = HANDLES[name]()
    carries = KEY.encode() in pickle.dumps(handle)
    said = "treat it as a secret" in (inspect.getdoc(type(handle)) or "")
    assert carries == said
    assert KEY not in repr(handle)
