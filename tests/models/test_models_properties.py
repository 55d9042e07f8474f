"""Properties of models: whatever came in the fields that they read, they raise errors of this package only."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from typing import Any

import pytest

import simstudio.models
from simstudio import SimStudioError
from simstudio.core.conversion import structure
from simstudio.core.model import Model

VALUES = (None, True, 1, 1.5, "x", "paused", [], [1], [{}], {}, {"a": {}})


def with_properties() -> Iterator[type[Model]]:
    for module in pkgutil.walk_packages(simstudio.models.__path__, "simstudio.models."):
        for found in vars(import_module(module.name)).values():
            is_model = isinstance(found, type) and issubclass(found, Model) and found.__module__ == module.name
            if is_model and set(properties_of(found)) > {"extra"}:
                yield found


def properties_of(kind: type[Model]) -> Iterator[str]:
    for name in dir(kind):
        if isinstance(inspect.getattr_static(kind, name), property):
            yield name


@pytest.mark.parametrize("kind", list(with_properties()), ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_a_deviation_brings_no_foreign_error(kind: type[Model]) -> None:
    wires = [wire for names in kind._wire_names.values() for wire in names]
    bodies: list[dict[str, Any]] = [{}, *(dict.fromkeys(wires, value) for value in VALUES)]
    for made in (structure(body, kind) for body in bodies):
        for name in properties_of(kind):
            with suppress(SimStudioError):
                getattr(made, name)
