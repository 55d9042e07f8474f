"""Run a workflow over many inputs on a Ray cluster: its processes send, this one keeps the count.

Against your Sim and your cluster, or offline against the workflow at the end of this file and processes here:

    SIM_API_KEY=… SIM_WORKFLOW_ID=… RAY_ADDRESS=ray://… python ray_batch.py
    python ray_batch.py --sandbox

With v2 of the API each execution carries an id under which the server runs it once, whatever dies. With v1 the workers
claim each item in a Redis that all of them can reach: ``client.workflows.map(…, claims="redis://host:6379/0")``.
The workers get the client, its API key included: a cluster belongs into a network of its own, or under TLS.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from concurrent.futures import Executor, Future
from itertools import cycle
from typing import Any

import ray

from simstudio import SimStudioClient
from simstudio.sandbox import Sandbox

WORKFLOW = os.environ.get("SIM_WORKFLOW_ID", "square")
sandbox = Sandbox()


class Worker:
    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        return function(*args)


class RayExecutor(Executor):
    def __init__(self, processes: int, threads: int) -> None:
        worker = ray.remote(num_cpus=0.1, max_concurrency=threads, max_restarts=-1)(Worker)
        self._workers = cycle([worker.remote() for _ in range(processes)])

    def submit(self, fn: Callable[..., Any], /, *args: Any, **_: Any) -> Future[Any]:
        return next(self._workers).run.remote(fn, *args).future()  # type: ignore[no-any-return]


def main(client: SimStudioClient) -> None:
    inputs = [{"n": n} for n in range(20)]
    batch = client.workflows.map(WORKFLOW, inputs, executor=RayExecutor(2, threads=20), concurrency=40)
    print(f"the sum is {sum(item.unwrap().output['squared'] for item in batch)}: {batch.progress.done} done")


@sandbox.workflow("square")
def square(input: dict[str, Any]) -> dict[str, int]:
    return {"squared": input["n"] ** 2}


if __name__ == "__main__":
    ray.init()  # the cluster that RAY_ADDRESS names, or processes here
    served = sandbox.serve().start() if "--sandbox" in sys.argv else None
    with served.client(api_version="v2") if served else SimStudioClient(api_version="v2") as client:
        main(client)
