"""What a checker infers for the namespaces of services. Checked by mypy --strict and pyright, never run."""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

import sys
from collections.abc import Callable

from simstudio import APIResponse
from simstudio.core.modes import Async, RawSync, Sync
from simstudio.services.oomol import AsyncOomolConnectClient, OomolConnectClient
from simstudio.services.oomol.resources.tasks import Tasks
from simstudio.services.speedpix import AsyncClient, Client
from simstudio.services.speedpix.prediction import Prediction
from simstudio.services.speedpix.resources.predictions import Predictions

if sys.version_info >= (3, 11):
    from typing import assert_type
else:
    from typing_extensions import assert_type


def oomol(client: OomolConnectClient, other: AsyncOomolConnectClient) -> None:
    assert_type(client.tasks, Tasks[Sync])
    assert_type(other.tasks, Tasks[Async])
    assert_type(client.with_raw_response.tasks, Tasks[RawSync])
    client.task.list()  # type: ignore[attr-defined]


async def speedpix(client: Client, other: AsyncClient) -> None:
    assert_type(client.predictions, Predictions[Sync])
    assert_type(other.predictions, Predictions[Async])
    assert_type(client.predictions.get("p"), Prediction[Sync])
    assert_type(await client.predictions.async_get("p"), Prediction[Sync])
    assert_type(await other.predictions.get("p"), Prediction[Async])
    assert_type(client.with_raw_response.predictions.get("p"), APIResponse[Prediction[RawSync]])
    client.predictions.get()  # type: ignore[call-arg]
    hook: Callable[[str], Prediction[Sync]] = client.predictions.get
    del hook
