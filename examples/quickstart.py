"""Run one workflow and use its result.

Against your Sim, or offline against the workflow at the end of this file:

    SIM_API_KEY=… SIM_WORKFLOW_ID=… python quickstart.py    (and SIM_BASE_URL, for a Sim of your own)
    python quickstart.py --sandbox
"""

from __future__ import annotations

import os
import sys
from typing import Any

from simstudio import SimStudioClient
from simstudio.sandbox import Sandbox

WORKFLOW = os.environ.get("SIM_WORKFLOW_ID", "greet")


def main(client: SimStudioClient) -> None:
    result = client.workflows.execute(WORKFLOW, {"name": "Ada"})
    if not result.success:  # servers of 2025 answer so; later ones make execute() raise an ExecutionError
        sys.exit(f"The workflow failed: {result.error}")
    print(result.output)

    limits = client.usage.limits()
    print("plan:", limits.usage.plan)


sandbox = Sandbox()


@sandbox.workflow("greet")
def greet(input: dict[str, Any]) -> dict[str, str]:
    return {"text": f"Hello, {input['name']}!"}


if __name__ == "__main__":
    if "--sandbox" in sys.argv:
        with sandbox.serve() as server, server.client() as client:
            main(client)
    else:
        with SimStudioClient() as client:
            main(client)
