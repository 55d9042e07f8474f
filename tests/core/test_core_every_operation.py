"""Every operation of every client: Python tells its signature, its types and its source."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from types import ModuleType, UnionType
from typing import Any, Union, get_origin, get_type_hints

import pytest

import simstudio
from simstudio import ConfigurationError
from simstudio.core.operation import Method
from simstudio.core.resource import APIResource, namespace
from simstudio.services import oomol, speedpix, vectorvein
from tests.driving import async_client, client

WRITTEN = re.compile(r"\b(Flow|Pages|Plan)\[")
"""What a decorated method returns, and no operation."""

CLIENTS: dict[str, Callable[[], Any]] = {
    "sim": client,
    "async sim": async_client,
    "oomol": lambda: oomol.OomolConnectClient("https://oomol.test"),
    "async oomol": lambda: oomol.AsyncOomolConnectClient("https://oomol.test"),
    "speedpix": lambda: speedpix.Client("key", "secret", "https://speedpix.test"),
    "async speedpix": lambda: speedpix.AsyncClient("key", "secret", "https://speedpix.test"),
    "vectorvein": lambda: vectorvein.VectorVeinClient("key"),
    "async vectorvein": lambda: vectorvein.AsyncVectorVeinClient("key"),
}


def operations_of(resource: APIResource[Any]) -> Iterator[Any]:
    """The operations of a resource and of its namespaces."""
    for name in dir(type(resource)):
        declared = inspect.getattr_static(type(resource), name)
        if isinstance(declared, Method):
            yield getattr(resource, name)
        elif isinstance(declared, namespace) and not name.startswith("_"):
            yield from operations_of(getattr(resource, name))


@pytest.mark.parametrize("raw", [False, True], ids=["plain", "raw"])
@pytest.mark.parametrize("service", CLIENTS)
def test_signature_types_and_source_are_those_of_its_method(service: str, raw: bool) -> None:
    made = CLIENTS[service]().with_raw_response if raw else CLIENTS[service]()
    operations = list(operations_of(made))
    assert len(operations) >= 9
    for each in operations:
        signature = inspect.signature(each)
        assert set(get_type_hints(each)) == {*signature.parameters, "return"}
        assert not WRITTEN.search(str(signature.return_annotation))
        assert WRITTEN.search(inspect.getsource(each))
        assert inspect.getdoc(each)
        assert getattr(each.__self__, each.__name__) == each


def test_the_type_of_a_result_depends_on_no_argument() -> None:
    several = {
        each.__qualname__
        for make in CLIENTS.values()
        for each in operations_of(make())
        if get_origin(get_type_hints(each)["return"]) in (Union, UnionType)
    }
    documented = {"DocumentedMethods.execute_workflow", "DocumentedMethods.execute_with_retry"}
    documented |= {"DocumentedMethods.run_workflow"}  # of VectorVein
    decided_by_the_server = {
        "WorkflowPauses.resume",
        "Runs.resume",
        "Files.get_share",
        "TableEnrichments.get",
        "Selectors.get",
    }
    assert several == documented | decided_by_the_server


def resources_of(resource: APIResource[Any]) -> Iterator[APIResource[Any]]:
    """A client or namespace, and the namespaces in it."""
    yield resource
    for name in dir(type(resource)):
        if isinstance(inspect.getattr_static(type(resource), name), namespace) and not name.startswith("_"):
            yield from resources_of(getattr(resource, name))


@pytest.mark.parametrize("service", CLIENTS)
def test_the_other_methods_of_clients_and_namespaces_tell_their_types_too(service: str) -> None:
    for resource in resources_of(CLIENTS[service]()):
        for name, _ in inspect.getmembers(type(resource), inspect.isfunction):
            if not name.startswith("_"):
                method = getattr(resource, name)
                assert set(inspect.signature(method).parameters) <= set(get_type_hints(method))


@pytest.mark.parametrize("module", [simstudio, oomol, speedpix, vectorvein], ids=lambda module: module.__name__)
def test_methods_and_properties_of_public_classes_tell_their_types(module: ModuleType) -> None:
    for kind in filter(inspect.isclass, (getattr(module, name) for name in module.__all__)):
        members = {name: member for base in reversed(kind.__mro__) for name, member in vars(base).items()}
        for name, member in members.items():
            written = member.fget if isinstance(member, property) else member
            if not name.startswith("_") and inspect.isfunction(written):
                get_type_hints(written)  # raises for a name that cannot be found


@pytest.mark.parametrize("make", CLIENTS.values(), ids=CLIENTS)
def test_every_client_reads_the_level_of_the_log_when_it_is_made(
    make: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIM_LOG", "loud")
    with pytest.raises(ConfigurationError, match="SIM_LOG='loud' names no log level"):
        make()
