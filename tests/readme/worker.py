"""Executes pieces of Python in one namespace, as a program of its own: one JSON order a line in, one JSON answer out.

An order is ``{"file", "line", "code", "run_main"}``, its answer ``{"stdout", "error"}``.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import traceback
import types
from typing import Any


def main() -> None:
    """Answer orders until there are none."""
    orders, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    # Programs that the code starts write to descriptor 1 as well, so that one is captured, not just sys.stdout.
    printed = os.fdopen(os.open(sys.argv[1], os.O_RDWR | os.O_APPEND), "rb")
    os.dup2(printed.fileno(), 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    sys.path[0] = ""  # the directory it runs in, and not the one of this file
    seen = 0
    for line in orders:
        error = execute(json.loads(line), vars(module))
        sys.stdout.flush()
        printed.seek(seen)
        output = printed.read()
        seen += len(output)
        answers.write(json.dumps({"stdout": output.decode("utf-8", "replace"), "error": error}) + "\n")
        answers.flush()


def execute(order: dict[str, Any], namespace: dict[str, Any]) -> str | None:
    """Execute one piece; the text of what it raised, or None."""
    try:
        # The empty lines make tracebacks name the line of the file the code stands in.
        code = compile("\n" * (order["line"] - 1) + order["code"], order["file"], "exec", dont_inherit=True)
        exec(code, namespace)
        if order["run_main"]:
            asyncio.run(namespace["main"]())
    except SystemExit as ended:
        return None if ended.code in (None, 0) else f"SystemExit: {ended.code}"
    except BaseException:
        return traceback.format_exc()
    return None


if __name__ == "__main__":
    main()
