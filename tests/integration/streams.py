"""What each recorded streamed execution becomes."""

from __future__ import annotations

from typing import Any

from attrs import field, frozen

import simstudio as sim
from tests.integration.executions import EXCEEDED, LIMITED_V04, NOT_DEPLOYED, Failure, Key
from tests.integration.replaying import V04, V06


@frozen
class Stream:
    """A stream that ended as streams should.

    Attributes:
        texts: the joined text of each block, in the order in which they began to speak; blocks by the head of their id.
        joined: whether the final output lacks the blocks that spoke, so that the client puts their text into it.
        output: of the result; ``...`` stands for the final output as sent, and what was joined.
    """

    texts: dict[str, str] = field(factory=dict)
    joined: bool = False
    output: Any = ...
    error: str | None = None
    paused: bool = False


@frozen
class Broken:
    """A stream that ends with an error event: no ``[DONE]``, and an exception with this text."""

    text: str


COMPUTED = '{\n  "doubled": 42,\n  "message": "hi"\n}'
COMPUTE = "2935e2a0"
COUNT = "One, two, three, four, five."
EDITED = "You said: edit: One, two, three, four, five.. One two three ✓ done."

STREAMED: dict[Key, Stream | Broken | Failure] = {
    # v0.6: a block that is no agent says nothing while it runs, and is in the final output.
    (V06, 35): Stream(output={"adb086a2-7ede-4543-a77a-1c833e75345e": {"result": {"doubled": 42, "message": "hi"}}}),
    (V06, 36): Stream(output={"adb086a2-7ede-4543-a77a-1c833e75345e": {"result.doubled": 42}}),
    (V06, 37): Stream(),
    (V06, 39): Stream(output={"result": {"doubled": 42, "message": "hi"}, "stdout": "computing 21"}),
    (V06, 40): Stream(output={}),
    (V06, 44): Broken("Boom: Line 1: `throw new Error('kaboom: ' + \"hi\");` - kaboom: hi"),
    (V06, 45): Broken("Boom: Line 1: `throw new Error('late kaboom');` - late kaboom"),
    (V06, 46): NOT_DEPLOYED,
    (V06, 47): Failure(sim.AuthenticationError, "Invalid API key"),
    (V06, 49): Stream(paused=True),
    (V06, 92): Stream(
        {"adb086a2": COMPUTED},
        joined=True,
        output={"adb086a2-7ede-4543-a77a-1c833e75345e": {"content": COMPUTED}},
    ),
    (V06, 137): Stream(),
    # v0.6: an agent that spoke is left out of the final output.
    (V06, 309): Stream(
        {"5b31d3ee": "You said: hello. One two three ✓ done."},
        joined=True,
        output={"5b31d3ee-c57a-4b45-82bd-a49b91e707fe": {"content": "You said: hello. One two three ✓ done."}},
    ),
    (V06, 310): Stream({"5b31d3ee": "You said: hi. One two three ✓ done."}, joined=True),
    (V06, 311): Stream(),
    (V06, 312): Stream({"5b31d3ee": "You said: hi. One two three ✓ done."}, joined=True),
    (V06, 314): Broken("Agent 1: fake upstream error"),
    (V06, 327): Failure(sim.RateLimitError, "Rate limit exceeded. Please try again later."),
    (V06, 351): EXCEEDED,
    (V06, 387): Stream({"5b31d3ee": "You said: hello. One two three ✓ done."}, joined=True),
    # v0.4: every selected block speaks, and is in the final output all the same.
    (V04, 118): Stream({COMPUTE: COMPUTED}),
    (V04, 119): Stream({COMPUTE: "42"}, output={"2935e2a0-4e99-4c63-a2d5-94baaf9c8e39": {"result.doubled": 42}}),
    (V04, 120): Stream({"6e7f4114": "first hi"}),
    (V04, 121): Stream(
        {
            "6e7f4114": '{\n  "a": 1,\n  "text": "first hi"\n}',
            "4fddbdc2": '\n\n[\n  "x",\n  {\n    "y": 2\n  }\n]',  # the server's own two line breaks, verbatim
        }
    ),
    (V04, 123): Stream({COMPUTE: f"{COMPUTED}\n\ncomputing 21\n"}),
    (V04, 124): Stream({COMPUTE: COMPUTED}),
    (V04, 125): Stream({COMPUTE: COMPUTED}),
    (V04, 126): Stream(output={}),
    (V04, 128): Stream(output={"result": {"doubled": 42, "message": "hi"}, "stdout": "computing 21\n"}),
    (V04, 129): Stream(output={"result": {"doubled": 42, "message": "hi"}, "stdout": "computing 21\n"}),
    (V04, 130): Stream({COMPUTE: COMPUTED}),
    (V04, 131): Stream({"b3131a7d": ...}),
    (V04, 140): Stream({"b58c433a": '{\n  "echo": "hi",\n  "count": 21\n}'}),
    (V04, 141): Stream(),
    (V04, 143): Stream(error="Line 1:11: `throw new Error('kaboom: ' + \"hi\");` - kaboom: hi", output={}),
    (V04, 144): Broken("No API trigger block found. Add an API Trigger block to this workflow."),
    (V04, 145): Broken('Environment variable "NOPE_MISSING" was not found'),
    (V04, 146): NOT_DEPLOYED,
    (V04, 148): Stream({"b3131a7d": "héllo ✓ 日本 😀\nline2"}),
    (V04, 149): Stream({"cd341784": COUNT}, output={"cd341784-822f-4e8b-9ce3-1717e3d6b653": {"content": COUNT}}),
    (V04, 150): Stream({"cd341784": COUNT}),
    (V04, 151): Stream({"cd341784": COUNT}),
    (V04, 153): Stream(),
    (V04, 154): Stream(
        {"d701c9bb": COUNT, "49e139b9": f"\n\n{EDITED}", "627a2ada": '\n\n{\n  "len": 3\n}'},
        output={
            "d701c9bb-4b6f-49e5-8d72-f33106c9bdb0": {"content": COUNT},
            "49e139b9-a1e6-4d77-84ba-802f92d74db8": {"content": EDITED},
            "627a2ada-61dc-4d9a-8619-1b98fc56def1": {"result": {"len": 3}},
        },
    ),
    (V04, 155): Stream({"49e139b9": EDITED}),
    (V04, 156): Stream({"db51a2ff": COUNT, "fcc878d6": f"\n\n{COUNT}"}),
    (V04, 158): Stream(error="400 fake upstream error", output={}),
    (V04, 159): Stream({"cd341784": "You said: BREAK a b"}),  # the model died midway: a success, says the server
    (V04, 160): Stream({"4fe4d62b": COUNT}, error="Line 1:11: `throw new Error('late kaboom');` - late kaboom"),
    (V04, 161): Stream(output={}),
    (V04, 203): LIMITED_V04,
    (V04, 220): Broken("Usage limit exceeded: 5.00$ used of 1.00$ limit."),
    (V04, 225): Stream(error="Script execution timed out after 180000ms", output={}),
}
"""``client.workflows.stream`` and the flat methods with ``stream=True``."""

ALTERED: dict[Key, Stream] = {
    (V06, 41): Stream(output={"adb086a2-7ede-4543-a77a-1c833e75345e": {"result": {"doubled": 42, "message": "hi"}}}),
    (V06, 42): Stream(output={"adb086a2-7ede-4543-a77a-1c833e75345e": {"result": {"doubled": 42, "message": "hi"}}}),
    (V04, 133): Stream({COMPUTE: COMPUTED}),
    (V04, 135): Stream(output={"result": {"doubled": 42, "message": "hi"}, "stdout": "computing 21\n"}),
}
"""Streams that were asked for by headers: the client's own way of asking is replaced by a middleware."""

NOT_STREAMED: tuple[Key, ...] = ((V04, 136), (V04, 139))
"""Answers in one piece to a client that asked for a stream: what it asks with is replaced by a middleware."""
