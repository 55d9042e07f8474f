"""One side of a comparison, in a process and an environment of its own: ``python -I caller.py SIDE BASE``.

It says ``ready`` after a few calls; then each line it reads is a number of calls to make, and each line it writes the
CPU microseconds that one of them took, on all threads of the process. It imports nothing of this repository, because
one of the sides has the same import name.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

INPUT = {"message": "hi", "count": 21}


def official(base: str) -> Callable[[], object]:
    from simstudio import SimStudioClient, __version__  # that of its environment

    assert __version__ == "0.2.1", __version__
    client = SimStudioClient("key", base)
    execute: Callable[..., Any] = client.execute_workflow
    return lambda: execute("wf", INPUT).output["result"]["doubled"]


def default(base: str, **options: Any) -> Callable[[], object]:
    from simstudio import SimStudioClient

    client = SimStudioClient("key", base, **options)
    return lambda: client.workflows.execute("wf", INPUT).output["result"]["doubled"]


def default_v2(base: str) -> Callable[[], object]:
    return default(base, api_version="v2")


def standard(base: str) -> Callable[[], object]:
    from http.client import HTTPConnection

    connection = HTTPConnection(base.removeprefix("http://"))
    headers = {"X-API-Key": "key", "Content-Type": "application/json"}

    def call() -> object:
        connection.request("POST", "/api/workflows/wf/execute", json.dumps(INPUT).encode(), headers)
        return json.loads(connection.getresponse().read())["output"]["result"]["doubled"]

    return call


SIDES = {side.__name__: side for side in (official, default, default_v2, standard)}


def main(side: str, base: str) -> None:
    call = SIDES[side](base)
    for _ in range(50):
        assert call() == 42
    print("ready", flush=True)
    for line in sys.stdin:
        count = int(line)
        started = time.process_time()
        for _ in range(count):
            call()
        print((time.process_time() - started) / count * 1e6, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
