"""Send files to a workflow: from the disk, from memory, already open.

The workflow needs a field of the type file[] on its Start block, here called "documents".

Against your Sim, or offline against the workflow at the end of this file:

    SIM_API_KEY=… SIM_WORKFLOW_ID=… python files.py
    python files.py --sandbox
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from simstudio import File, InvalidInputError, SimStudioClient
from simstudio.sandbox import Sandbox

WORKFLOW = os.environ.get("SIM_WORKFLOW_ID", "inventory")


def main(client: SimStudioClient) -> None:
    here = Path(__file__)
    with here.open("rb") as opened:
        documents = [
            here,  # a Path is a file; a str never is, so that nobody's text becomes a path
            opened,
            File(here, name="source.txt", mime="text/plain"),  # under another name
            File(b"name,score\nAda,42\n", name="scores.csv"),  # made in memory
        ]
        result = client.workflows.execute(WORKFLOW, {"documents": documents, "language": "en"})
    print(result.output)

    try:
        client.workflows.execute(WORKFLOW, {"documents": [File(bytes(11_000_000), name="huge.bin")]})
    except InvalidInputError as error:  # Sim would cut it off and run with no input at all: it is not sent
        print(f"Refused: {error.code}")


sandbox = Sandbox()


@sandbox.workflow("inventory")
def inventory(input: dict[str, Any]) -> dict[str, Any]:
    return {"received": [f"{file['name']} ({file['mime']})" for file in input["documents"]]}


if __name__ == "__main__":
    if "--sandbox" in sys.argv:
        with sandbox.serve() as server, server.client() as client:
            main(client)
    else:
        with SimStudioClient() as client:
            main(client)
