"""Run a workflow of SpeedPix: upload a picture, wait, save what comes out.

Against SpeedPix, or offline against the workflow at the end of this file:

    SPEEDPIX_APP_KEY=… SPEEDPIX_APP_SECRET=… SPEEDPIX_WORKFLOW_ID=… python speedpix_run.py
    python speedpix_run.py --sandbox
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from simstudio.sandbox.services.speedpix import Media, SpeedPixSandbox, WorkflowFailed
from simstudio.services.speedpix import Client, Prediction, PredictionError

WORKFLOW = os.environ.get("SPEEDPIX_WORKFLOW_ID", "white-background")
STARTED = time.perf_counter()


def main(client: Client) -> None:
    directory = Path(tempfile.mkdtemp())
    picture = directory / "input.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")

    output = client.run(
        WORKFLOW,
        {"text": "a cup on a table", "image": picture},  # a Path is uploaded wherever it lies
        on_progress=show,
    )
    saved = output["images"]["url"].save(directory / "output.png")  # streamed; it appears when it is whole
    print(saved.name, saved.stat().st_size, "bytes")

    try:
        client.run(WORKFLOW, {"text": ""})
    except PredictionError as error:
        print("failed:", error.error_code, error.prediction.error)

    print(asyncio.run(several(client)))


async def several(client: Client) -> list[int]:
    texts = ["a cup", "a bowl", "a spoon"]
    outputs = await asyncio.gather(*(client.async_run(WORKFLOW, {"text": text}) for text in texts))
    return [len(await output["images"]["url"].async_read()) for output in outputs]


def show(prediction: Prediction[Any]) -> None:
    print(f"{time.perf_counter() - STARTED:6.1f} s  {prediction.status}", file=sys.stderr)


sandbox = SpeedPixSandbox(states=("running",))


@sandbox.workflow("white-background")
def white_background(input: dict[str, Any]) -> dict[str, Any]:
    if not input["text"]:
        raise WorkflowFailed("say what to cut out", "EMPTY_TEXT")
    return {"images": {"url": Media(input["text"].encode(), "output.png")}}


if __name__ == "__main__":
    if "--sandbox" in sys.argv:
        with sandbox.serve() as server, server.client() as client:
            main(client)
    else:
        with Client() as client:
            main(client)
