"""Put code of your own around every request: a header, a measurement, another retry policy.

A middleware is one generator function. It serves the sync and the async client: where it would call or await the next
one, it says `yield from`.

Against your Sim, or offline against the workflow at the end of this file:

    SIM_API_KEY=… SIM_WORKFLOW_ID=… python own_middleware.py
    python own_middleware.py --sandbox
"""

from __future__ import annotations

import os
import sys
import uuid
from collections import Counter
from typing import Any

from simstudio import (
    APIConnectionError,
    Backoff,
    Flow,
    Handler,
    Middleware,
    Request,
    Response,
    Retry,
    RetryPolicy,
    SimStudioClient,
)
from simstudio.sandbox import Sandbox

WORKFLOW = os.environ.get("SIM_WORKFLOW_ID", "greet")


def trace(request: Request, call_next: Handler) -> Flow[Response]:
    """Give each request an id that both sides' logs can be searched for, the same for all its attempts."""
    request.headers.setdefault("X-Request-Id", uuid.uuid4().hex)
    response = yield from call_next(request)
    return response


class Outcomes:
    """Counts what came of each attempt; an object with a generator as `__call__` is a middleware too."""

    def __init__(self) -> None:
        self.counted: Counter[str] = Counter()

    def __call__(self, request: Request, call_next: Handler) -> Flow[Response]:
        try:
            response = yield from call_next(request)
        except APIConnectionError as error:
            self.counted[f"{request.method} {type(error).__name__}"] += 1
            raise
        self.counted[f"{request.method} {response.status}"] += 1
        return response


def main(base_url: str | None = None, api_key: str | None = None) -> None:
    outcomes = Outcomes()

    def stack(default: list[Middleware]) -> list[Middleware]:
        """The outermost first: what stands before Retry sees a request once, what stands after it sees each attempt."""
        patient = Retry(RetryPolicy(max_retries=5, backoff=Backoff(initial=0.01, maximum=60)))
        return [trace, *(patient if isinstance(each, Retry) else each for each in default), outcomes]

    # `middleware=[outcomes]` alone would do to append to the default stack
    with SimStudioClient(api_key, base_url, middleware=stack) as client:
        print("deployed:", client.workflows.status(WORKFLOW).is_deployed)
        print(client.workflows.execute(WORKFLOW, {"name": "Ada"}).output)
    print(dict(outcomes.counted))


sandbox = Sandbox()
sandbox.faults.add(status=503, path="*/status", times=2)


@sandbox.workflow("greet")
def greet(input: dict[str, Any]) -> dict[str, str]:
    return {"text": f"Hello, {input['name']}!"}


if __name__ == "__main__":
    if "--sandbox" in sys.argv:
        with sandbox.serve() as server:
            main(server.base_url, sandbox.api_key)
    else:
        main()
