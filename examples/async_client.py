"""Run a workflow for many inputs at once, never more than a few at a time.

Against your Sim, or offline against the workflow at the end of this file:

    SIM_API_KEY=… SIM_WORKFLOW_ID=… python async_client.py
    python async_client.py --sandbox
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from simstudio import AsyncSimStudioClient, SimStudioError
from simstudio.sandbox import Sandbox

WORKFLOW = os.environ.get("SIM_WORKFLOW_ID", "classify")
AT_A_TIME = 4  # Sim's rate limits are per minute: many more at once only fail sooner


async def classify_all(client: AsyncSimStudioClient, texts: list[str]) -> list[str]:
    """The label of each text, in order; a failure becomes a label too, so that it does not lose the others."""
    places = asyncio.Semaphore(AT_A_TIME)

    async def classify(text: str) -> str:
        async with places:
            try:
                result = await client.workflows.execute(WORKFLOW, {"text": text}, timeout=60)
            except SimStudioError as error:
                return f"failed: {error.code}"
        return str(result.output["label"]) if result.success else f"failed: {result.error}"

    return await asyncio.gather(*(classify(text) for text in texts))


async def main(client: AsyncSimStudioClient) -> None:
    texts = ["I love it", "Send my money back", "", "It arrived on Monday"]
    async with client:
        for text, label in zip(texts, await classify_all(client, texts), strict=True):
            print(f"{text!r}: {label}")


sandbox = Sandbox()


@sandbox.workflow("classify")
async def classifier(input: dict[str, Any]) -> dict[str, str]:
    if not input["text"]:
        raise ValueError("nothing to classify")
    words = {"love": "praise", "money": "complaint"}
    return {"label": next((label for word, label in words.items() if word in input["text"]), "other")}


if __name__ == "__main__":
    if "--sandbox" in sys.argv:
        with sandbox.serve() as server:
            asyncio.run(main(server.async_client()))
    else:
        asyncio.run(main(AsyncSimStudioClient()))
