"""Run a workflow over many inputs on a Dask cluster: several processes send, one keeps the count.

Against your Sim and your cluster, or offline against the workflow at the end of this file and three processes here:

    SIM_API_KEY=… SIM_WORKFLOW_ID=… DASK_SCHEDULER=tcp://…:8786 python dask_batch.py
    python dask_batch.py --sandbox

Dask runs the tasks of a worker that dies again, by itself. With v2 of the API that is harmless: each execution carries
an id under which the server runs it once. With v1 the workers claim each item in a Redis that all of them can reach:
``client.workflows.map(…, claims="redis://host:6379/0")``.

The workers get the client, its API key included: a cluster belongs into a network of its own, or under TLS.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from distributed import Client

from simstudio import SimStudioClient
from simstudio.sandbox import Sandbox

WORKFLOW = os.environ.get("SIM_WORKFLOW_ID", "square")
LEDGER = os.environ.get("SIM_LEDGER")  # a file: then a second run sends only what the first one did not finish


def main(client: SimStudioClient, cluster: Client) -> None:
    inputs = [{"n": n} for n in range(20)]
    total = failed = 0
    batch = client.workflows.map(WORKFLOW, inputs, executor=cluster.get_executor(), ledger=LEDGER)
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
    address = os.environ.get("DASK_SCHEDULER")
    processes: dict[str, Any] = {"n_workers": 3, "threads_per_worker": 4, "dashboard_address": "127.0.0.1:0"}
    with Client(address) if address else Client(**processes) as cluster:
        if "--sandbox" in sys.argv:
            with sandbox.serve() as server, server.client(api_version="v2") as client:
                main(client, cluster)
        else:
            with SimStudioClient(api_version="v2") as client:
                main(client, cluster)
