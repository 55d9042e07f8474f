"""Parts of a workflow's output that concern its run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def find_resume(output: Any) -> Mapping[str, Any] | None:
    """The ``_resume`` object of a paused run, which names the pause and where to answer it.

    A synchronous run has it in ``output.data._resume``, a job in ``output.output.data._resume``.
    """
    for _ in range(3):
        if not isinstance(output, Mapping):
            return None
        data = output.get("data")
        for place in (output, data):
            resume = place.get("_resume") if isinstance(place, Mapping) else None
            if isinstance(resume, Mapping):
                return resume
        output = output.get("output")
    return None
