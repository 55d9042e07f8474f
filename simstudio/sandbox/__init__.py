"""A local server that behaves like Sim's, for tests and offline work, with the extra ``[sandbox]``.

What belongs here: the routes, limits and errors of Sim servers, and in ``services`` those of the other services. What
does not: code that a client needs, and fixtures (:mod:`simstudio.testing`).

Example:
    >>> from simstudio.sandbox import Sandbox
    >>> with Sandbox().serve() as server:
    ...     server.client().workflows.execute("hello", {"name": "Ada"}).output
    {'message': 'Hello, Ada!'}
"""

from __future__ import annotations

from simstudio.sandbox.faults import Fault, Faults
from simstudio.sandbox.limits import RateLimits
from simstudio.sandbox.pauses import Pause
from simstudio.sandbox.sandbox import Sandbox, SandboxServer
from simstudio.sandbox.steps import Step
from simstudio.sandbox.traffic import ReceivedRequest
from simstudio.sandbox.workflow import (
    Block,
    Chunk,
    Context,
    Reset,
    ResponseBlock,
    Thinking,
    ToolCall,
    Workflow,
    respond,
)

__all__ = [
    "Block",
    "Chunk",
    "Context",
    "Fault",
    "Faults",
    "Pause",
    "RateLimits",
    "ReceivedRequest",
    "Reset",
    "ResponseBlock",
    "Sandbox",
    "SandboxServer",
    "Step",
    "Thinking",
    "ToolCall",
    "Workflow",
    "respond",
]
