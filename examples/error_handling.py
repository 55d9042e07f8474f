"""Tell apart what can go wrong, and what to do about each.

Against your Sim, or offline against the workflow at the end of this file:

    SIM_API_KEY=… SIM_WORKFLOW_ID=… python error_handling.py
    python error_handling.py --sandbox
"""

from __future__ import annotations

import os
import sys
from typing import Any

from simstudio import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    ExecutionError,
    NotFoundError,
    RateLimitError,
    SimStudioClient,
    SimStudioError,
    UsageLimitExceededError,
)
from simstudio.sandbox import Sandbox

WORKFLOW = os.environ.get("SIM_WORKFLOW_ID", "answer")


def ask(client: SimStudioClient, workflow_id: str, question: str) -> str:
    """The answer, or what to tell the person who asked."""
    try:
        result = client.workflows.execute(workflow_id, {"question": question}, timeout=60)
    except ExecutionError as error:  # it ran and failed: somebody has to look at the workflow
        return f"The workflow failed: {error.result.error if error.result else error}"
    except AuthenticationError:
        return "Set SIM_API_KEY to a key of this Sim."
    except NotFoundError:
        return f"There is no workflow {workflow_id}."
    except UsageLimitExceededError:
        return "The budget of this month is used up."
    except RateLimitError as error:  # after the client's own retries
        return f"Too busy. Try again in {error.retry_after or 60:.0f} s."
    except APITimeoutError:  # before APIConnectionError, whose subclass it is; the run goes on: do not just send again
        return "No answer in time. It may still come: look at the logs in Sim."
    except APIConnectionError as error:
        return "Sim cannot be reached." if not error.sent else "The connection broke; the workflow may have run."
    except APIStatusError as error:
        return f"Sim answered {error.status}, after {len(error.history) + 1} attempts."
    except SimStudioError as error:  # the root of them all: wrong input, unreadable answers …
        return f"{type(error).__name__}: {error}"
    return str(result.output["answer"]) if result.success else f"The workflow failed: {result.error}"


def main(client: SimStudioClient) -> None:
    print(ask(client, WORKFLOW, "What is six times seven?"))
    print(ask(client, WORKFLOW, ""))
    print(ask(client, "no-such-workflow", "Is anybody there?"))
    with SimStudioClient("sk-sim-wrong", client.base_url) as stranger:
        print(ask(stranger, WORKFLOW, "May I?"))
    with SimStudioClient("sk-sim-any", "http://127.0.0.1:9", max_retries=0) as lost:
        print(ask(lost, WORKFLOW, "Where am I?"))


sandbox = Sandbox()


@sandbox.workflow("answer")
def answer(input: dict[str, Any]) -> dict[str, int]:
    if not input["question"]:
        raise ValueError("no question")
    return {"answer": 42}


if __name__ == "__main__":
    if "--sandbox" in sys.argv:
        with sandbox.serve() as server, server.client() as client:
            main(client)
    else:
        with SimStudioClient() as client:
            main(client)
