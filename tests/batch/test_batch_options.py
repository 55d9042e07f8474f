"""The options of ``map`` are declared once: signatures, checks and the command line are made of the declaration."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from typing import Any

import click
import pytest

import simstudio as sim
from simstudio.batch.options import BatchOptions, complete, declared_options
from simstudio.cli.batch_options import given_options, map_options
from simstudio.services.oomol import OomolConnectClient
from simstudio.services.speedpix import SpeedPixClient
from simstudio.services.vectorvein import VectorVeinClient

MAPS: dict[str, Callable[[], Any]] = {
    "sim": lambda: sim.SimStudioClient(api_key="k").workflows.map,
    "oomol": lambda: OomolConnectClient("https://oomol.example.com", "k").tasks.map,
    "speedpix": lambda: SpeedPixClient("k", "s").map,
    "vectorvein": lambda: VectorVeinClient(api_key="k").workflows.map,
}


@pytest.mark.parametrize("make", MAPS.values(), ids=MAPS)
def test_the_signature_of_each_map_shows_them_all(make: Callable[[], Any]) -> None:
    method = make()
    parameters = inspect.signature(method).parameters
    for name, option in declared_options().items():
        assert parameters[name].kind is inspect.Parameter.KEYWORD_ONLY
        assert parameters[name].default == option.default
    assert parameters["ordered"].annotation == "bool"
    assert typing.get_type_hints(method)["concurrency"] == int | typing.Literal["auto"] | None
    with pytest.raises(TypeError, match="orderd"):
        method("wf", [], orderd=True)


def test_all_of_them_are_explained() -> None:
    documented = inspect.getdoc(MAPS["sim"]()) or ""
    assert [name for name in declared_options() if f"\n    {name}: " not in documented] == []


def test_what_is_not_given_has_its_default() -> None:
    options = complete({"ordered": False})
    assert set(options) == set(BatchOptions.__annotations__)
    assert (options["ordered"], options["on_unknown"], options["key"]) == (False, "report", None)
    with pytest.raises(TypeError, match="no option 'orderd'"):
        complete({"orderd": True})  # type: ignore[typeddict-unknown-key]


@pytest.mark.parametrize(
    ("words", "given"),
    [
        ([], {}),
        (["--concurrency", "auto"], {"concurrency": "auto"}),
        (["--concurrency", "7", "--unordered"], {"concurrency": 7, "ordered": False}),
        (["--stop-on-error", "--retry-failed"], {"stop_on_error": True, "on_failed": "rerun"}),
        (["--on-unknown", "rerun", "--bad-lines", "report"], {"on_unknown": "rerun", "on_bad_row": "report"}),
        (["--column", "a", "--column", "b=c"], {"columns": {"a": "a", "b": "c"}}),
        (["--key", "id"], {"key": "id"}),
    ],
)
def test_each_flag_gives_its_option(words: list[str], given: dict[str, Any]) -> None:
    found: list[dict[str, Any]] = []

    @click.command()
    @map_options
    def command(**values: Any) -> None:
        found.append(given_options(values))

    command.main(words, standalone_mode=False)
    assert found == [given]


def test_a_flag_that_cannot_be_used_is_told_as_such() -> None:
    command = click.command()(map_options(lambda **_: None))
    with pytest.raises(click.BadParameter, match="it must be 'auto' or a whole number from 1 to 10,000"):
        command.main(["--concurrency", "0"], standalone_mode=False)
