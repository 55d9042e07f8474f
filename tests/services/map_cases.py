"""The services beside Sim, each with its sandbox and its ``map``, for tests of what is the same for all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from simstudio import SimStudioError
from simstudio.sandbox.services.oomol import OomolSandbox
from simstudio.sandbox.services.speedpix import SpeedPixSandbox
from simstudio.sandbox.services.vectorvein import VectorVeinSandbox
from simstudio.services.oomol import OomolConnectError
from simstudio.services.speedpix import SpeedPixException
from simstudio.services.vectorvein import VectorVeinAPIError
from tests.services.limited import fields


@attrs.frozen
class Case:
    """A service: its sandbox, how ``map`` is called, an input, and where a run begins."""

    sandbox: Callable[[], Any]
    map: Callable[..., Any]
    input: Callable[[int], Any]
    begins: str
    root: type[SimStudioError]


CASES = {
    "oomol": Case(
        OomolSandbox,
        lambda client, inputs, of="sandbox::echo", **options: client.tasks.map(of, inputs, **options),
        lambda n: {"n": n},
        "/api/v1/tasks",
        OomolConnectError,
    ),
    "speedpix": Case(
        lambda: SpeedPixSandbox(states=()),
        lambda client, inputs, of="echo", **options: client.map(of, inputs, **options),
        lambda n: {"n": n},
        "/scc/comfy_prompt",
        SpeedPixException,
    ),
    "vectorvein": Case(
        lambda: VectorVeinSandbox(polls=0),
        lambda client, inputs, of="hello", **options: client.workflows.map(of, inputs, **options),
        fields,
        "/api/v1/open-api/workflow/run",
        VectorVeinAPIError,
    ),
}
