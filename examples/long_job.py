"""Run a workflow that takes minutes in the background, show that it is alive, and collect what it made.

Against your Sim, or offline against the workflow at the end of this file:

    SIM_API_KEY=… SIM_WORKFLOW_ID=… python long_job.py
    python long_job.py --sandbox
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from simstudio import Job, JobCancelledError, JobFailedError, JobTimeoutError, SimStudioClient
from simstudio.sandbox import Context, Sandbox

WORKFLOW = os.environ.get("SIM_WORKFLOW_ID", "report")


def run(client: SimStudioClient, year: int) -> None:
    """Start a job and wait for it here."""
    started = time.monotonic()

    def show(job: Job) -> None:  # called at each poll: at once, then every 0.5 s, slowly growing to 10 s
        print(f"{time.monotonic() - started:6.1f} s  {job.status}", file=sys.stderr)

    try:
        result = client.workflows.run(WORKFLOW, {"year": year}, timeout=900, on_progress=show)
    except JobTimeoutError as error:
        sys.exit(f"Still running: it goes on. Later: client.jobs.wait({error.task_id!r})")
    except JobCancelledError:
        sys.exit("Somebody cancelled it.")
    except JobFailedError as error:
        sys.exit(f"It failed: {error}")
    print(result.output)


def submit(client: SimStudioClient, year: int) -> str:
    """Start a job and come back at once; keep the id in a database, a queue, a cookie …"""
    return client.workflows.submit(WORKFLOW, {"year": year}).task_id


def collect(client: SimStudioClient, task_id: str) -> Any:
    """The output of a job that any process started, None while there is none."""
    job = client.jobs.get(task_id)
    return job.result.output if job.result else None


def main(client: SimStudioClient) -> None:
    run(client, 2024)

    task_id = submit(client, 2025)
    client.jobs.wait(task_id, timeout=900)
    print(collect(client, task_id))


sandbox = Sandbox()


@sandbox.workflow("report")
def report(input: dict[str, Any], context: Context) -> dict[str, str]:
    context.cancelled.wait(0.01)  # works for a while, unless it is cancelled
    return {"report": f"The year {input['year']} in numbers"}


if __name__ == "__main__":
    if "--sandbox" in sys.argv:
        with sandbox.serve() as server, server.client() as client:
            main(client)
    else:
        with SimStudioClient() as client:
            main(client)
