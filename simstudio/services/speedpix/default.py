"""``speedpix.run`` and ``speedpix.async_run``, which make their client themselves."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from simstudio.core.functions import with_hints
from simstudio.services.speedpix.client import AsyncSpeedPixClient, SpeedPixClient
from simstudio.transport.errors import ConfigurationError
from simstudio.transport.secret import Secret

if TYPE_CHECKING:
    from typing import TypeAlias

    AnyClient: TypeAlias = SpeedPixClient | AsyncSpeedPixClient

_VARIABLES = ("SPEEDPIX_APP_KEY", "SPEEDPIX_APP_SECRET", "SPEEDPIX_ENDPOINT")


class _Default:
    """The client with the settings of the environment. It is made when first needed, and when they have changed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._client: SpeedPixClient | None = None
        self._made_for: Secret[tuple[str | None, ...]] = Secret(())

    def get(self) -> SpeedPixClient:
        """The client.

        Raises:
            ConfigurationError: The environment has no keys.
        """
        wanted = Secret((str(os.getpid()), *(os.environ.get(name) for name in _VARIABLES)))
        with self._lock:
            if self._client is None or self._made_for != wanted:
                self._client, self._made_for = SpeedPixClient(), wanted
            return self._client


_default = _Default()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: setattr(_default, "_lock", threading.Lock()))


def run(workflow_id: str, input: Mapping[str, Any], *, client: SpeedPixClient | None = None, **options: Any) -> Any:
    """Run a workflow with the keys of the environment (``SPEEDPIX_APP_KEY``, ``SPEEDPIX_APP_SECRET``).

    Args:
        client: Client to use; by default one with the settings of the environment.
        **options: Options of :meth:`SpeedPixClient.run`, which also describes the result and the errors.

    Example:
        >>> speedpix.run("workflow-123", {"prompt": "a cat"})["images"]["url"].save("cat.png")  # doctest: +SKIP
    """
    if isinstance(client, AsyncSpeedPixClient):
        raise ConfigurationError("speedpix.run() blocks, and client= is async: await speedpix.async_run().")
    return (client or _default.get()).run(workflow_id, input, **options)


@with_hints
async def async_run(
    workflow_id: str, input: Mapping[str, Any], *, client: AnyClient | None = None, **options: Any
) -> Any:
    """Await a run of a workflow; see :func:`run`. ``client`` may be sync or async.

    Example:
        >>> await speedpix.async_run("workflow-123", {"prompt": "a cat"})  # doctest: +SKIP
    """
    return await (client or _default.get()).async_run(workflow_id, input, **options)
