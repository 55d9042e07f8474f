"""Links into VApps: the recorded vectors, the server's side of them, and what cannot be part of one."""

from __future__ import annotations

import asyncio
import builtins
import copy
import pickle
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from simstudio import ConfigurationError, InvalidInputError
from simstudio.sandbox.services.vectorvein import VectorVeinServer
from simstudio.services.vectorvein import APIKeyError, VAppURL, VectorVeinAPIError, VectorVeinClient
from tests.services.vectorvein.helpers import KEY, new_client, run, samples

VECTORS = {each["name"]: each for each in samples()["newest/01_vapp_url_vectors"].told["vectors"]}
IV = bytes(range(16))


def link(vector: dict[str, Any], **other: Any) -> Any:
    arguments = {name: vector[name] for name in ("app_id", "access_key", "key_id", "timeout", "base_url", "now")}
    return lambda client: client.generate_vapp_url(**{**arguments, "iv": bytes.fromhex(vector["iv_hex"]), **other})


@pytest.mark.parametrize("name", ["key32", "key24", "key16", "block_multiple"])
def test_a_link_is_that_of_the_vector(name: str, mode: str):
    vector = VECTORS[name]

    assert run(new_client(mode, api_key=vector["api_key"]), link(vector)) == vector["url"]


def test_a_token_holds_text_in_utf_8_and_the_link_is_quoted(mode: str):
    vector = VECTORS["utf8_and_unsafe"]

    url = run(new_client(mode), link(vector, access_key="a/k+="))

    parts = urlsplit(url)
    assert (parts.netloc, parts.path) == ("example.test", "/public/v-app/%E5%BA%94%E7%94%A8%201")
    assert parse_qs(parts.query)["key_id"] == [vector["key_id"]]


@pytest.mark.parametrize("length", [1, 15, 17, 23, 25, 31, 33, 40])
def test_a_key_of_a_length_that_the_cipher_does_not_take_is_a_clear_error(length: int, mode: str):
    client = new_client(mode, api_key="k" * length)

    with pytest.raises(ConfigurationError, match=f"16, 24 or 32 bytes long.* has {length}") as caught:
        run(client, lambda client: client.generate_vapp_url("a", "b", "c"))

    assert isinstance(caught.value, APIKeyError)
    assert length == 1 or "k" * length not in str(caught.value)


def test_each_link_is_another():
    client = VectorVeinClient(KEY)

    assert client.generate_vapp_url("a", "b", "c", now=1.0) != client.generate_vapp_url("a", "b", "c", now=1.0)


BAD: dict[str, dict[str, Any]] = {
    "an app id with a colon": {"app_id": "a:b"},
    "an access key with a colon": {"access_key": "a:b"},
    "no app id": {"app_id": ""},
    "an app id that climbs": {"app_id": ".."},
    "an access key that is no text": {"access_key": None},
    "no key id": {"key_id": " "},
    "half a character": {"app_id": "\ud800"},
    "no time": {"timeout": 0},
    "time that runs backwards": {"timeout": -1},
    "a fraction of a second": {"timeout": 1.5},
    "a truth": {"timeout": True},
    "a short iv": {"iv": b"short"},
}


@pytest.mark.parametrize("what", BAD)
def test_what_cannot_be_part_of_a_link_is_refused(what: str, mode: str):
    arguments = {"app_id": "a", "access_key": "b", "key_id": "c", **BAD[what]}

    with pytest.raises(InvalidInputError) as caught:
        run(new_client(mode), lambda client: client.generate_vapp_url(**arguments))

    assert isinstance(caught.value, VectorVeinAPIError)


def test_an_address_that_is_none_is_refused():
    with pytest.raises(ConfigurationError, match="base_url"):
        VectorVeinClient(KEY).generate_vapp_url("a", "b", "c", base_url="vectorvein.com")


def test_a_link_may_be_awaited_as_that_of_the_original_was():
    async def main() -> str:
        async with new_client("async") as client:
            return await client.generate_vapp_url("a", "b", "c", iv=IV, now=0)

    assert asyncio.run(main()) == VectorVeinClient(KEY).generate_vapp_url("a", "b", "c", iv=IV, now=0)


def test_a_link_is_a_str_like_others():
    url = VectorVeinClient(KEY).generate_vapp_url("a", "b", "c")

    assert isinstance(url, str)
    assert pickle.loads(pickle.dumps(url)) == copy.copy(url) == url
    assert VAppURL("x") == "x"


def test_without_cryptography_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    imported = builtins.__import__

    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("cryptography"):
            raise ModuleNotFoundError(name)
        return imported(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)

    with pytest.raises(ConfigurationError, match="pip install cryptography"):
        VectorVeinClient(KEY).generate_vapp_url("a", "b", "c")


@pytest.mark.parametrize("app_id", ["app-1", "应用 1", "a/b?c#d"])
def test_the_server_understands_a_link(app_id: str, server: VectorVeinServer):
    with server.client() as client:
        url = client.generate_vapp_url(app_id, "ak+/=", "kid&1", base_url=server.site)

    page = httpx.get(url)

    assert page.json() == {"app_id": app_id, "access_key": "ak+/=", "key_id": "kid&1"}


def test_a_link_ends_with_its_time(server: VectorVeinServer):
    with server.client() as client:
        url = client.generate_vapp_url("a", "b", "c", 60, server.site, now=0)

    assert httpx.get(url).status_code == 403
