"""Run a workflow that asks a human: show its question in the terminal, send the answer, go on.

Against your Sim, or offline against the workflow at the end of this file:

    SIM_API_KEY=… SIM_WORKFLOW_ID=… python human_in_the_loop.py    (and SIM_BASE_URL, for a Sim of your own)
    python human_in_the_loop.py --sandbox
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from simstudio import Pause, SimStudioClient, WorkflowExecutionResult
from simstudio.sandbox import Pause as Ask
from simstudio.sandbox import Sandbox

WORKFLOW = os.environ.get("SIM_WORKFLOW_ID", "refund")


def main(client: SimStudioClient) -> None:
    result = client.workflows.execute(WORKFLOW, {"customer": "Ada", "amount": 20})
    while result.pauses:
        for pause in result.pauses:  # usually one; more if branches of the workflow ask at the same time
            resumed = client.workflows.resume(pause, answer_to(pause))
            # The run may go on in the background.
            result = resumed if isinstance(resumed, WorkflowExecutionResult) else client.jobs.wait(resumed).result
    print(result.output)


def answer_to(pause: Pause) -> dict[str, Any]:
    """What the human in front of the terminal says, field by field; an empty line leaves a field out."""
    print(pause.question or "The workflow waits for an answer.")
    answer = {}
    for field in pause.input_fields:
        text = input(f"  {field.label or field.name} ({field.type}): ").strip()
        if text:
            answer[field.name] = as_value(text, field.type)
    return answer


def as_value(text: str, kind: str) -> Any:
    if kind == "boolean":
        return text.lower() in ("y", "yes", "true", "1")
    return text if kind == "string" else json.loads(text)


sandbox = Sandbox()


@sandbox.workflow("refund")
def refund(input: dict[str, Any]) -> Any:
    answer = yield Ask(
        f"Refund {input['amount']} € to {input['customer']}?",
        {"approved": bool, "comment": "no comment"},
    )
    return {"refunded": input["amount"] if answer["approved"] else 0, "comment": answer["comment"]}


if __name__ == "__main__":
    try:
        if "--sandbox" in sys.argv:
            with sandbox.serve() as server, server.client() as client:
                main(client)
        else:
            with SimStudioClient() as client:
                main(client)
    except (EOFError, KeyboardInterrupt):
        sys.exit("\nNobody answered; the run goes on waiting.")
