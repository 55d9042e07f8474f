"""Ordinary functions that do what the workflows of the recordings did."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from simstudio.sandbox import Block, Chunk, Context, Pause, Sandbox, respond

FIELDS = {"message": "", "count": 0}


class Stage:
    """Registers the stand-ins, and holds them in the middle of their run when asked to."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.released.set()
        self.entered = threading.Event()
        self.execution_id: str | None = None

    def waits(self, context: Context) -> None:
        self.execution_id = context.execution_id
        self.entered.set()
        while not self.released.wait(0.005):
            if context.cancelled.is_set():
                return

    def until_cancelled(self, context: Context) -> None:
        self.execution_id = context.execution_id
        self.entered.set()
        context.cancelled.wait(5)

    def function(self, compute: Callable[[dict], object]) -> Callable[[dict, Context], object]:
        """A Function block: its output is ``{result, stdout}``."""

        def run(input: dict, context: Context) -> object:
            self.waits(context)
            return {"result": compute(input), "stdout": ""}

        return run

    def responding(self, answer: Callable[[dict], object]) -> Callable[[dict, Context], object]:
        def run(input: dict, context: Context) -> object:
            self.waits(context)
            return answer(input)

        return run


def _compute(input: dict) -> object:
    return {"doubled": input["count"] * 2, "message": input["message"]}


def _boom(input: dict) -> object:
    raise RuntimeError(f"kaboom: {input.get('message')}")


def _agent_output(text: str) -> dict:
    """What an Agent block leaves behind."""
    return {
        "content": text,
        "model": "stand-in",
        "tokens": {"input": 10, "output": 8, "total": 18},
        "toolCalls": {"list": [], "count": 0},
        "providerTiming": {
            "startTime": "2026-01-01T00:00:00.000Z",
            "endTime": "2026-01-01T00:00:00.001Z",
            "duration": 1,
            "modelTime": 1,
            "toolsTime": 0,
            "firstResponseTime": 1,
            "iterations": 1,
            "timeSegments": [{"type": "model", "name": "first", "startTime": 1, "endTime": 2, "duration": 1}],
        },
        "cost": {
            "input": 0,
            "output": 0,
            "total": 0,
            "pricing": {"input": 0, "output": 0, "updatedAt": "2026-01-01T00:00:00.001Z"},
        },
    }


def _agent(input: dict) -> Iterator[object]:
    if "ERROR" in input["message"]:
        raise RuntimeError("fake upstream error")
    words = ["One,", " two,", " three."]
    yield from words
    return _agent_output("".join(words))


def _old_agent(input: dict) -> Iterator[object]:
    output = yield from _agent(input)
    return {**output, "tokens": {"prompt": 10, "completion": 5, "total": 15}}


def _two_steps(input: dict) -> Iterator[Block]:
    yield Block({"result": {"a": 1, "text": f"first {input['message']}"}, "stdout": ""}, name="First")
    return {"result": ["x", {"y": 2}], "stdout": ""}


def v06(sandbox: Sandbox, stage: Stage) -> dict[str, str]:
    """Register the stand-ins of v0.6; the result maps the recorded ids' beginnings to their names."""
    workflow = sandbox.workflow
    workflow("compute", block="Compute", fields=FIELDS)(stage.function(_compute))
    workflow("echo", fields=FIELDS)(
        stage.responding(lambda i: respond(200, {}, {"echo": i["message"], "count": i["count"]}))
    )
    teapot = stage.responding(lambda i: respond(418, {"X-Custom": "yes"}, {"reason": i["message"], "success": False}))
    workflow("teapot", fields=FIELDS)(teapot)
    workflow("business-error", fields=FIELDS)(stage.responding(lambda i: respond(500, {}, {"error": i["message"]})))
    workflow("dump", block="Dump")(stage.function(lambda i: i))
    workflow("boom", block="Boom", fields=FIELDS)(stage.function(_boom))
    workflow("wait", fields=FIELDS)(stage.function(lambda i: f"waited: {i['message']}"))
    workflow("two-steps", block="Second Step", public=True, fields=FIELDS)(_two_steps)
    workflow("wait-boom", block="Boom", needs_redeployment=True, fields=FIELDS)(stage.function(_boom))
    workflow("undeployed", deployed=False)(stage.function(lambda i: i))
    workflow("agent", block="Agent 1", fields=FIELDS)(_agent)
    workflow("files", fields={"files": [], "message": ""})(stage.function(lambda i: i))

    @workflow("approval", block="After", fields=FIELDS)
    def approval(input: dict, context: Context) -> Iterator[object]:
        answer = yield Pause(f"Approve {input['message']}?", {"approved": bool, "comment": str})
        stage.waits(context)
        return {"result": answer, "stdout": ""}

    @workflow("long-wait", fields=FIELDS)
    def long_wait(input: dict, context: Context) -> object:
        stage.until_cancelled(context)
        return {"result": "waited", "stdout": ""}

    return {
        "020e3253": "compute",
        "f8634be8": "echo",
        "9f6b79e6": "teapot",
        "b2c130cc": "business-error",
        "1c8ee69b": "dump",
        "b626acc6": "boom",
        "ac7e3ec5": "wait",
        "e00ee78b": "long-wait",
        "e449299e": "two-steps",
        "5741badc": "wait-boom",
        "ae1239f8": "undeployed",
        "027dc398": "agent",
        "94046471": "approval",
        "4b074d66": "files",
    }


def _dump_with_input(input: dict) -> object:
    """What v0.4's API trigger without declared fields hands on: an object flat and once more as ``input``."""
    return input if "input" in input else {**input, "input": dict(input)}


def _declared_only(input: dict) -> object:
    fields = {name: input[name] for name in FIELDS}
    return {**fields, "input": fields}


def _fails(input: dict) -> object:
    raise RuntimeError("not defined")


def _agent_then_boom(input: dict) -> Iterator[object]:
    output = yield from _old_agent(input)
    yield Block(output)
    raise RuntimeError("late kaboom")


def _writers(input: dict) -> Iterator[object]:
    for block in ("Writer", "Editor"):
        yield Chunk("One,", block=block)
        yield Chunk(" two.", block=block)
    return {"result": {"len": 3}, "stdout": ""}


def _pair(input: dict) -> Iterator[Chunk]:
    for block in ("Left", "Right"):
        yield Chunk("One,", block=block)
        yield Chunk(" two.", block=block)


def v04(sandbox: Sandbox, stage: Stage) -> dict[str, str]:
    """Register the stand-ins of v0.4; the result maps the recorded ids' beginnings to their names."""
    workflow = sandbox.workflow
    workflow("compute", block="Compute", fields=FIELDS)(stage.function(_compute))
    echo = stage.responding(lambda i: respond(200, {}, {"echo": i["message"], "count": i["count"]}))
    workflow("echo", fields=FIELDS)(echo)
    teapot = stage.responding(lambda i: respond(418, {"X-Custom": "yes"}, {"reason": i["message"], "success": False}))
    workflow("teapot", fields=FIELDS)(teapot)
    workflow("business-error", fields=FIELDS)(stage.responding(lambda i: respond(500, {}, {"error": i["message"]})))
    workflow("got", fields=FIELDS)(stage.responding(lambda i: respond(200, {}, {"got": {"m": "hi"}, "ok": True})))
    workflow("plain")(stage.function(lambda i: i))
    workflow("dump", block="Dump")(stage.function(_dump_with_input))
    workflow("declared", fields=FIELDS)(stage.function(_declared_only))
    workflow("fails", fields=FIELDS)(stage.function(_fails))
    workflow("boom", block="Boom", fields=FIELDS)(stage.function(_boom))
    workflow("undeployed", deployed=False)(stage.function(lambda i: i))
    workflow("null")(stage.function(lambda i: None))
    workflow("seven")(stage.function(lambda i: 7))
    workflow("slow")(stage.function(lambda i: "waited"))
    workflow("agent", block="Agent 1", fields=FIELDS)(_old_agent)
    workflow("two-steps", block="Second Step", fields=FIELDS)(_two_steps)
    workflow("stale", needs_redeployment=True)(stage.function(lambda i: i))
    workflow("doomed")(stage.function(lambda i: i))

    workflow("agent-boom", block="Agent 1", fields=FIELDS)(_agent_then_boom)
    workflow("writers", block="Tail")(_writers)
    workflow("pair", block="Right")(_pair)

    @workflow("endless")
    def endless(input: dict, context: Context) -> object:
        stage.until_cancelled(context)
        return None

    return {
        "26a8e2d2": "compute",
        "0161ef37": "echo",
        "78df5173": "teapot",
        "35a3896d": "business-error",
        "62543bf7": "got",
        "7c5b245b": "plain",
        "ca5172c2": "plain",
        "a2d2b66d": "dump",
        "688d9b71": "declared",
        "52fca682": "fails",
        "65289e1e": "fails",
        "0dfd010d": "compute",
        "92d78d24": "boom",
        "aa82e5b3": "undeployed",
        "31df2fd8": "null",
        "994c710d": "seven",
        "12977a1e": "slow",
        "7c4e4e60": "agent",
        "7d4db2fe": "agent-boom",
        "05df5420": "two-steps",
        "78efa9d1": "writers",
        "c2b62e8d": "pair",
        "741538a6": "endless",
        "ac171c98": "stale",
        "c887d50b": "doomed",
    }
