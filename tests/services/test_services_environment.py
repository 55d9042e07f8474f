"""One rule for the environment variables of every service: an argument wins, and an empty variable is unset."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

import simstudio
from simstudio import ConfigurationError
from simstudio.services.oomol import AsyncOomolConnectClient, OomolConnectClient
from simstudio.services.speedpix import AsyncSpeedPixClient, SpeedPixClient
from simstudio.services.vectorvein import AsyncVectorVeinClient, VectorVeinClient

VARIABLES = {
    "oomol": {"base_url": "OOMOL_BASE_URL", "api_token": "OOMOL_TOKEN", "applets_url": "OOMOL_APPLETS_URL"},
    "speedpix": {
        "endpoint": "SPEEDPIX_ENDPOINT", "app_key": "SPEEDPIX_APP_KEY", "app_secret": "SPEEDPIX_APP_SECRET",
    },
    "vectorvein": {"base_url": "VECTORVEIN_BASE_URL", "api_key": "VECTORVEIN_API_KEY"},
}  # fmt: skip
CLIENTS: dict[str, tuple[Any, Any]] = {
    "oomol": (OomolConnectClient, AsyncOomolConnectClient),
    "speedpix": (SpeedPixClient, AsyncSpeedPixClient),
    "vectorvein": (VectorVeinClient, AsyncVectorVeinClient),
}
SETTINGS = [(service, name) for service, variables in VARIABLES.items() for name in variables]


def value_of(service: str, name: str, prefix: str) -> str:
    return f"https://{prefix}.test/{name}" if name in ("base_url", "endpoint", "applets_url") else f"{prefix}-{name}-x"


def arguments_of(client: Any) -> dict[str, Any]:
    """What a client was made with."""
    session = client._context.session
    found = {"base_url": client.base_url, "endpoint": client.base_url, **session.arguments()}
    return {name: getattr(value, "reveal", lambda value=value: value)() for name, value in found.items()}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for service, variables in VARIABLES.items():
        for name, variable in variables.items():
            monkeypatch.setenv(variable, value_of(service, name, "env"))


@pytest.mark.parametrize(("service", "name"), SETTINGS)
def test_an_argument_wins_over_its_variable(service: str, name: str):
    for kind in CLIENTS[service]:
        assert arguments_of(kind())[name] == value_of(service, name, "env")
        assert arguments_of(kind(**{name: None}))[name] == value_of(service, name, "env")
        given = value_of(service, name, "given")
        assert arguments_of(kind(**{name: given}))[name] == given


@pytest.mark.parametrize(("service", "name"), SETTINGS)
def test_an_empty_variable_is_an_unset_one(service: str, name: str, monkeypatch: pytest.MonkeyPatch):
    def found() -> Any:
        try:
            return arguments_of(CLIENTS[service][0]())[name]
        except ConfigurationError as error:
            return str(error)

    monkeypatch.setenv(VARIABLES[service][name], "")
    empty = found()
    monkeypatch.delenv(VARIABLES[service][name])
    assert found() == empty


@pytest.mark.parametrize("service", ["speedpix", "vectorvein"])
def test_a_missing_key_names_its_variable(service: str, monkeypatch: pytest.MonkeyPatch):
    for name, variable in VARIABLES[service].items():
        if name in ("app_key", "app_secret", "api_key"):
            monkeypatch.delenv(variable)
            with pytest.raises(ConfigurationError, match=variable):
                CLIENTS[service][0]()
            monkeypatch.setenv(variable, "key")


def test_a_client_without_a_token_stays_one_when_it_is_pickled():
    client = OomolConnectClient(api_token=simstudio.ANONYMOUS)

    for made in (client, pickle.loads(pickle.dumps(client))):
        assert arguments_of(made)["api_token"] is simstudio.ANONYMOUS
        session: Any = made._context.session
        assert session.credentials.applets is None


def test_a_header_of_the_published_dict_wins_over_the_variable():
    client = OomolConnectClient({"default_headers": {"authorization": "of the dict"}})

    assert arguments_of(client)["api_token"] == "of the dict"
