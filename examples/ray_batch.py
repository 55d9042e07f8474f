"""Run a workflow over many inputs on a Ray cluster: a ``concurrent.futures.Executor`` in twenty lines.

Against your Sim and your cluster, or offline against the workflow at the end of this file and processes here:

    SIM_API_KEY=… SIM_WORKFLOW_ID=… RAY_ADDRESS=ray://… python ray_batch.py
    python ray_batch.py --sandbox

Ray runs the tasks of a worker that dies again, by itself. With v2 of the API that is harmless: each execution carries
an id under which the server runs it once. With v1 the workers claim each item in a Redis that all of them can reach:
``client.workflows.map(…, claims="redis://host:6379/0")``.

The workers get the client, its API key included: a cluster belongs into a network of its own, or under TLS.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

from simstudio import SimStudioClient
from simstudio.sandbox import Sandbox

WORKFLOW = os.environ.get("SIM_WORKFLOW_ID", "square")


class RayExecutor(Executor):
    """Runs functions as Ray tasks.

    Args:
        ray: The module, after ``ray.init()``.
        options: Of each task. One that waits for an answer needs little of a processor.
    """

    def __init__(self, ray: Any, **options: Any) -> None:
        self._remote = ray.remote(**{"num_cpus": 0.1, **options})
        self._functions: dict[Callable[..., Any], Any] = {}
        self._closed = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if self._closed:
            raise RuntimeError("cannot schedule new futures after shutdown")
        if fn not in self._functions:
            self._functions[fn] = self._remote(fn)
        future: Future[Any] = self._functions[fn].remote(*args, **kwargs).future()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        self._closed = True


def main(client: SimStudioClient, executor: Executor) -> None:
    inputs = [{"n": n} for n in range(20)]
    total = failed = 0
    batch = client.workflows.map(WORKFLOW, inputs, executor=executor, concurrency=50)
    for item in batch:
        if item.ok:
            total += item.output["squared"]
        else:
            failed += 1
            print(f"{item.input}: {item.state}: {item.error}")
    print(f"{batch.progress.done} done, {failed} not; the sum is {total}")


sandbox = Sandbox()


@sandbox.workflow("square")
def square(input: dict[str, Any]) -> dict[str, int]:
    return {"squared": input["n"] ** 2}


if __name__ == "__main__":
    import ray

    ray.init()  # the cluster that RAY_ADDRESS names, or processes here
    with RayExecutor(ray) as executor:
        if "--sandbox" in sys.argv:
            with sandbox.serve() as server, server.client(api_version="v2") as client:
                main(client, executor)
        else:
            with SimStudioClient(api_version="v2") as client:
                main(client, executor)
