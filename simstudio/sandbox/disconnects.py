"""Runs whose caller disconnects before the response."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Receive

    from simstudio.sandbox.core import Core
    from simstudio.sandbox.runs import Outcome, Run


async def wait_for_outcome(core: Core, run: Run, work: asyncio.Task[Outcome], receive: Receive) -> Outcome:
    """Wait for a synchronous run. If the caller disconnects, the run continues or is cancelled, as configured."""
    watcher = asyncio.ensure_future(cancel_on_disconnect(run, receive)) if core.settings.cancel_on_disconnect else None
    try:
        return await asyncio.shield(work)
    finally:
        if watcher is not None:
            watcher.cancel()


async def cancel_on_disconnect(run: Run, receive: Receive) -> None:
    """Cancel a run when its caller disconnects."""
    while (await receive())["type"] != "http.disconnect":
        pass
    run.cancel()
