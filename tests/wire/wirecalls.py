"""The same calls with either client, over the default wire or an HTTP client of the user's."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from attrs import frozen

from simstudio import AsyncSimStudioClient, SimStudioClient
from simstudio.transport.retry import Backoff, Retry, RetryPolicy
from simstudio.transport.throttle import Throttle
from tests.tls import default_context

KEY = "sk-sim-wire"


def hasty(stack: list[Any]) -> list[Any]:
    """The default stack without pauses: its retries follow at once, and no call waits for a limiter."""
    quick = Retry(RetryPolicy(backoff=Backoff(initial=0.001, maximum=0.002)))
    unlimited = [middleware for middleware in stack if not isinstance(middleware, Throttle)]
    return [quick if isinstance(middleware, Retry) else middleware for middleware in unlimited]


def client_of(url: str, **options: Any) -> SimStudioClient:
    return SimStudioClient(KEY, url, **{"timeout": 20, "middleware": hasty, **options})


def async_client_of(url: str, **options: Any) -> AsyncSimStudioClient:
    return AsyncSimStudioClient(KEY, url, **{"timeout": 20, "middleware": hasty, **options})


@frozen
class Caller:
    """Makes the same calls with either client: each use gets a client, and calls it.

    ``library`` names the HTTP library of the user's client; None is the default wire.
    """

    asynchronous: bool
    library: str | None

    def __call__(self, url: str, *uses: Callable[[Any], Any], **options: Any) -> Any:
        """What the last of some calls on one client gives; they are made one after another."""
        return asyncio.run(self._awaited(url, uses, options)) if self.asynchronous else self._called(url, uses, options)

    def _called(self, url: str, uses: Any, options: Any) -> Any:
        with ExitStack() as stack:
            if self.library:
                options["http_client"] = stack.enter_context(sys.modules[self.library].Client(verify=trust_of(url)))
            client = stack.enter_context(client_of(url, **options))
            return [use(client) for use in uses][-1]

    async def _awaited(self, url: str, uses: Any, options: Any) -> Any:
        user = sys.modules[self.library].AsyncClient(verify=trust_of(url)) if self.library else None
        try:
            async with async_client_of(url, **options, **({"http_client": user} if user else {})) as client:
                return [await use(client) for use in uses][-1]
        finally:
            if user is not None:
                await user.aclose()


def trust_of(url: str) -> Any:
    """What ``verify`` of an HTTP client is, so that only those that speak TLS read certificates."""
    return True if url.startswith("https:") else default_context()
