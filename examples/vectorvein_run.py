"""Run a workflow of VectorVein (向量脉络), waiting for it or not, and make a link that opens a VApp.

Against VectorVein, or offline against the workflow at the end of this file:

    VECTORVEIN_API_KEY=… VECTORVEIN_WID=… python vectorvein_run.py
    python vectorvein_run.py --sandbox
"""

from __future__ import annotations

import os
import sys
from typing import Any

from simstudio import NotFoundError
from simstudio.sandbox.services.vectorvein import VectorVeinSandbox
from simstudio.services.vectorvein import VectorVeinClient, WorkflowError, WorkflowInputField

WID = os.environ.get("VECTORVEIN_WID", "describe")
FIELDS = [WorkflowInputField(node_id="node-1", field_name="商品名称", value="Teapot")]


def main(client: VectorVeinClient) -> None:
    # Start it, do something else, and take the outputs when they are there.
    run = client.workflows.submit(WID, FIELDS)
    for output in run.result(timeout=300).data:
        print(f"{output.title}: {output.value}")

    # The same in one call; a run that fails says why, and its id is never lost.
    try:
        client.run_workflow(WID, [], wait_for_completion=True, timeout=300)
    except WorkflowError as error:
        print(f"{'Run' if error.rid else 'It'} failed: {error.msg}")

    # A key that opens an app, and a link for its bearer that lives for a minute.
    (key,) = client.create_access_keys("O", app_id="my-app", description="For a visitor")
    link = client.generate_vapp_url("my-app", key.access_key, key_id="my-key-id", timeout=60)
    print(link.partition("?")[0])
    client.delete_access_keys("my-app", key.access_key)

    try:  # errors are of the one tree of all services
        client.get_access_keys(key.access_key)
    except NotFoundError:
        print("The key is gone.")


sandbox = VectorVeinSandbox()


@sandbox.workflow("describe")
def describe(inputs: dict[str, Any]) -> dict[str, str]:
    if "商品名称" not in inputs:
        raise ValueError("商品名称 is missing")
    return {"Description": f"The one and only {inputs['商品名称']}"}


if __name__ == "__main__":
    if "--sandbox" in sys.argv:
        with sandbox.serve() as server, server.client() as client:
            main(client)
    else:
        with VectorVeinClient() as client:
            main(client)
