"""Run blocks of Oomol Connect: with progress and logs, with a file, several at once, and what can go wrong.

Against your server, or offline against the blocks at the end of this file:

    OOMOL_BASE_URL=http://localhost:3000/api OOMOL_TOKEN=… python oomol_run.py
    python oomol_run.py --sandbox
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from simstudio.sandbox.services.oomol import Context, OomolSandbox
from simstudio.services.oomol import AsyncOomolConnectClient, OomolConnectClient, OomolConnectError, TaskFailedError

QUICK = {"interval_ms": 20, "timeout_ms": 60_000}


def blocking(client: OomolConnectClient) -> None:
    result = client.tasks.run(
        {"blockId": "audio-lab::text-to-audio", "inputValues": {"text": "Good morning"}},
        QUICK,
        on_log=lambda log: print(f"log: {log.type}"),
    )
    print(result["result"])

    counted = client.tasks.run_with_files("text-lab::count-lines", {}, Path(__file__), QUICK)
    print(f"{counted.result['name']} has lines: {counted.result['lines'] > 0}")

    try:
        client.tasks.run({"blockId": "audio-lab::text-to-audio", "inputValues": {"text": ""}}, QUICK)
    except TaskFailedError as error:
        print(f"Failed: {error.reason}")
    except OomolConnectError as error:
        print(f"Could not be run, task {error.task_id}: {error}")


async def at_once(client: AsyncOomolConnectClient, texts: list[str]) -> list[Any]:
    requests = [{"blockId": "audio-lab::text-to-audio", "inputValues": {"text": text}} for text in texts]
    results = await asyncio.gather(*(client.tasks.run(request, QUICK) for request in requests))
    return [result.result["audio"] for result in results]


async def main(client: AsyncOomolConnectClient) -> None:
    async with client:
        print(await at_once(client, ["one", "two"]))


sandbox = OomolSandbox()


@sandbox.block("audio-lab::text-to-audio")
def text_to_audio(inputs: dict[str, Any]) -> dict[str, str]:
    if not inputs["text"]:
        raise ValueError("nothing to say")
    return {"audio": f"/oomol-driver/{inputs['text'].lower().replace(' ', '-')}.wav"}


@sandbox.block("text-lab::count-lines")
def count_lines(inputs: dict[str, Any], context: Context) -> dict[str, Any]:
    (file,) = context.files
    return {**inputs, "name": file.name, "lines": file.content.count(b"\n")}


if __name__ == "__main__":
    if "--sandbox" in sys.argv:
        with sandbox.serve() as server, server.client() as client:
            blocking(client)
            asyncio.run(main(server.async_client()))
    else:
        with OomolConnectClient() as client:
            blocking(client)
        asyncio.run(main(AsyncOomolConnectClient()))
