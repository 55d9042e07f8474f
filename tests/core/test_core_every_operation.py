"""Every operation of every client: Python tells its signature, its types and its source."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from types import ModuleType, UnionType
from typing import Any, Union, get_origin, get_type_hints

import pytest

import simstudio
from simstudio import ConfigurationError, sandbox, telemetry, testing
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


@pytest.mark.parametrize("service", CLIENTS)
def test_the_other_methods_of_a_namespace_make_handles_and_iterators(service: str) -> None:
    _, *namespaces = resources_of(CLIENTS[service]())
    others = {name for each in namespaces for name, _ in inspect.getmembers(type(each), inspect.isfunction)}
    assert {name for name in others if not re.match("_|handle$|iterate(_|$)", name)} == set()


@pytest.mark.parametrize("service", CLIENTS)
def test_a_namespace_tells_the_type_of_its_object(service: str) -> None:
    for resource in resources_of(CLIENTS[service]()):
        for name in filter(lambda name: not name.startswith("_"), dir(type(resource))):
            declared = inspect.getattr_static(type(resource), name)
            if isinstance(declared, namespace):
                told = get_type_hints(declared.func)["return"]
                assert isinstance(getattr(resource, name), get_origin(told))


PUBLIC = [simstudio, oomol, speedpix, vectorvein, sandbox, telemetry, testing]


@pytest.mark.parametrize("module", PUBLIC, ids=lambda module: module.__name__)
def test_public_functions_and_the_methods_and_properties_of_public_classes_tell_their_types(module: ModuleType) -> None:
    public = [getattr(module, name) for name in module.__all__]
    classes = [each for kind in filter(inspect.isclass, public) for each in kind.__mro__]
    members = [member for owner in classes for name, member in vars(owner).items() if not name.startswith("_")]
    for member in (*public, *members):
        written = member.fget if isinstance(member, property) else member
        if inspect.isfunction(written):
            get_type_hints(written)  # raises for a name that cannot be found


@pytest.mark.parametrize(
    "module", [simstudio, oomol, speedpix, vectorvein, sandbox], ids=lambda module: module.__name__
)
def test_public_classes_tell_the_types_of_their_attributes(module: ModuleType) -> None:
    for kind in filter(inspect.isclass, (getattr(module, name) for name in module.__all__)):
        get_type_hints(kind)  # raises for a name that cannot be found


@pytest.mark.parametrize("make", CLIENTS.values(), ids=CLIENTS)
def test_every_client_reads_the_level_of_the_log_when_it_is_made(
    make: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIM_LOG", "loud")
    with pytest.raises(ConfigurationError, match="SIM_LOG='loud' names no log level"):
        make()
