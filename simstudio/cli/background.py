"""``simstudio sandbox --background``: a local Sim in a process of its own, which stays when the command has ended."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import IO, Any, cast

from simstudio.cli.failures import CommandError
from simstudio.cli.output import say


def serve_in_background(arguments: Sequence[str]) -> dict[str, Any]:
    """Start ``simstudio sandbox ARGUMENTS`` in a session of its own, so that Ctrl-C and a closed terminal spare it.

    Returns:
        What it announced once it listened, and its process id as ``pid``.

    Raises:
        CommandError: The process ended before it listened; the message is its own.
    """
    command = [sys.executable, "-m", "simstudio.cli", "sandbox", "--json", *arguments]
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(  # noqa: S603 - this program itself
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, start_new_session=True
        )
        try:
            with cast("IO[bytes]", process.stdout) as pipe:
                first = json.loads(pipe.readline() or '{"error": {"message": "the sandbox ended before it listened"}}')
        except BaseException:
            process.terminate()
            raise
        errors.seek(0)
        for line in errors:
            say(line.strip().removeprefix("simstudio: "))
    if "error" in first:
        process.wait()
        raise CommandError(first["error"]["message"])
    return {**first, "pid": process.pid}
