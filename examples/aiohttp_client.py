"""Send with another HTTP library: here aiohttp, by the httpx interface that `pip install httpx-aiohttp` gives it.

Whatever has the interface of `httpx.AsyncClient` (or, for the sync client, `httpx.Client`) can carry the requests. Its
proxies, certificates, hooks and limits are its own; `timeout` bounds each phase of a call, not the whole.

    SIM_API_KEY=… SIM_WORKFLOW_ID=… python aiohttp_client.py
    python aiohttp_client.py --sandbox
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from typing import Any

import httpx
from httpx_aiohttp import HttpxAiohttpClient

from simstudio import AsyncSimStudioClient
from simstudio.sandbox import Sandbox

WORKFLOW = os.environ.get("SIM_WORKFLOW_ID", "greet")


async def main(client: AsyncSimStudioClient) -> None:
    async with client:
        for name in ("Ada", "Bob"):
            print((await client.workflows.execute(WORKFLOW, {"name": name})).output)


async def with_aiohttp(connect: Callable[..., AsyncSimStudioClient]) -> None:
    limits = httpx.Limits(max_connections=20)
    async with HttpxAiohttpClient(limits=limits) as http_client:  # whoever makes it closes it
        await main(connect(http_client=http_client))


sandbox = Sandbox()


@sandbox.workflow("greet")
async def greeter(input: dict[str, Any]) -> dict[str, str]:
    return {"text": f"Hello, {input['name']}!"}


if __name__ == "__main__":
    if "--sandbox" in sys.argv:
        with sandbox.serve() as server:
            asyncio.run(with_aiohttp(server.async_client))
    else:
        asyncio.run(with_aiohttp(AsyncSimStudioClient))
