"""Show a workflow's text while it is being written, then use the whole result.

Against your Sim, or offline against the workflow at the end of this file:

    SIM_API_KEY=… SIM_WORKFLOW_ID=… python streaming.py    (set OUTPUTS to a block of that workflow)
    python streaming.py --sandbox
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

from simstudio import ChunkEvent, ExecutionError, SimStudioClient, StreamError
from simstudio.sandbox import Block, Chunk, Sandbox

WORKFLOW = os.environ.get("SIM_WORKFLOW_ID", "article")
OUTPUTS = ["writer.content"]  # blockName.path; without any, Sim streams no text at all


def show(client: SimStudioClient, topic: str) -> None:
    """Print the text as it comes."""
    with client.workflows.stream(WORKFLOW, {"topic": topic}, selected_outputs=OUTPUTS) as stream:
        try:
            for text in stream.text():
                print(text, end="", flush=True)
        except (ExecutionError, StreamError) as error:
            sys.exit(f"\nBroken off after {len(error.partial)} characters: {error}")
    print()
    result = stream.result()  # complete, also after the `with`
    print("succeeded" if result.success else f"failed: {result.error}")


def count_by_block(client: SimStudioClient, topic: str) -> dict[str | None, int]:
    """Characters by block: what several blocks say at the same time comes interleaved."""
    counts: dict[str | None, int] = {}
    with client.workflows.stream(
        WORKFLOW, {"topic": topic}, selected_outputs=[*OUTPUTS, "critic.content"], idle_timeout=600
    ) as stream:
        for event in stream:
            if isinstance(event, ChunkEvent):
                counts[event.block_id] = counts.get(event.block_id, 0) + len(event.chunk)
    return counts


def main(client: SimStudioClient) -> None:
    show(client, "rivers")
    print(sorted(count_by_block(client, "rivers").values()))


sandbox = Sandbox()


@sandbox.workflow("article", block="writer")
def article(input: dict[str, Any]) -> Iterator[str | Chunk | Block]:
    yield from ("All ", f"{input['topic']} ", "run ", "to ", "the ", "sea.")
    yield Chunk("Not all.", block="critic")


if __name__ == "__main__":
    if "--sandbox" in sys.argv:
        with sandbox.serve() as server, server.client() as client:
            main(client)
    else:
        with SimStudioClient() as client:
            main(client)
