"""Run a workflow over many inputs in a Prefect flow: a task that is tried again sends only what is not finished.

Against your Sim, or offline against the workflow at the end of this file:

    SIM_API_KEY=… SIM_WORKFLOW_ID=… python prefect_batch.py
    python prefect_batch.py --sandbox

The ledger remembers each item, so it lies where every try finds it: on a disk of the machine that runs the task. The
client is made in the task from its environment: an argument would be stored by Prefect, the API key included.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from prefect import flow, task

from simstudio import SimStudioClient
from simstudio.sandbox import Sandbox

WORKFLOW = os.environ.get("SIM_WORKFLOW_ID", "square")
sandbox = Sandbox()
tried: set[int] = set()


@task(retries=3, retry_delay_seconds=1)
def run_batch(count: int) -> str:
    inputs = [{"n": n} for n in range(count)]
    with SimStudioClient() as client:
        batch = client.workflows.map(WORKFLOW, inputs, ledger="squares.sqlite", out="squares.csv", on_failed="rerun")
        progress = batch.run()
    if progress.done < count:
        raise RuntimeError(f"Not all items are done: {progress}")
    return f"{progress.done} done, {progress.replayed} of them in earlier tries"


@flow
def squares(count: int = 20) -> None:
    print(run_batch(count))


@sandbox.workflow("square")
def square(input: dict[str, Any]) -> dict[str, int]:
    if input["n"] == 7 and 7 not in tried:
        tried.add(7)
        raise RuntimeError("the first try fails")
    return {"squared": input["n"] ** 2}


if __name__ == "__main__":
    if "--sandbox" in sys.argv:
        with sandbox.serve() as server:
            os.environ.update(server.environ)
            squares()
    else:
        squares()
