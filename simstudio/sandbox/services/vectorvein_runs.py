"""Runs of a local VectorVein. Each starts when it is submitted, and runs beside the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import attrs

from simstudio.sandbox import jsontext
from simstudio.sandbox.request_log import failure_text
from simstudio.sandbox.services.functions import Functions, has_ended
from simstudio.sandbox.services.vectorvein_records import Body, Envelope, Workflow, outputs


class Inputs(dict[str, Any]):
    """The inputs of a run by field name, and by node and field: ``inputs["Name"]``, ``inputs["node-1", "Name"]``.

    Where several nodes have a field of the same name, each is listed as ``node-1.Name``.

    Attributes:
        fields: The inputs as they were sent: ``node_id``, ``field_name``, ``value``.
    """

    def __init__(self, fields: Iterable[Body]) -> None:
        self.fields = [dict(field) for field in fields]
        nodes: dict[str, set[str]] = {}
        for field in self.fields:
            nodes.setdefault(field["field_name"], set()).add(field["node_id"])
        self._values = {(field["node_id"], field["field_name"]): field["value"] for field in self.fields}
        super().__init__({
            name if len(nodes[name]) == 1 else f"{node}.{name}": value for (node, name), value in self._values.items()
        })  # fmt: skip

    def __missing__(self, key: object) -> Any:
        if isinstance(key, tuple) and key in self._values:
            return self._values[key]
        places = [f"inputs[{node!r}, {name!r}]" for node, name in self._values if name == key]
        if places:
            raise KeyError(f"several nodes have a field {key!r}: use {' or '.join(places)}")
        raise KeyError(key)

    def get(self, key: Any, default: Any = None) -> Any:
        """Like ``inputs[key]``, with a default."""
        try:
            return self[key]
        except KeyError:
            return default


@attrs.define(eq=False)
class Run:
    """One run.

    Attributes:
        left: Number of further polls at which it is running, even if its function has returned.
        now: The time as VectorVein writes it.
        outcome: The answer once it ended.
    """

    rid: str
    wid: str
    inputs: Inputs
    left: int
    now: Callable[[], str]
    started: str = attrs.field(init=False)
    ended: str | None = None
    status: str = "RUNNING"
    outcome: Envelope | None = None
    _work: asyncio.Task[None] | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.started = self.now()

    def begin(self, function: Workflow, functions: Functions) -> None:
        """Start the function."""
        self._work = functions.begin(self._call(function, functions))

    def stop(self) -> None:
        """End it, if it has not ended."""
        if self.outcome is None and self._work is not None:
            self._work.cancel()
            self.left = 0
            self._end("STOPPED", Envelope(status=500, msg="the run was stopped", data=None))

    def save(self) -> Body:
        """The run for a state file."""
        names = ("rid", "wid", "left", "started", "ended", "status")
        outcome = None if self.outcome is None else dict(self.outcome)
        return {"fields": self.inputs.fields, "outcome": outcome, **{name: getattr(self, name) for name in names}}

    @classmethod
    def load(cls, data: Body, now: Callable[[], str]) -> Run:
        """A run of a state file. One that had not ended has failed."""
        run = cls(data["rid"], data["wid"], Inputs(data["fields"]), data["left"], now)
        run.started, run.ended, run.status = data["started"], data["ended"], data["status"]
        if data["outcome"] is None:
            run.left = 0
            run._end("FAILED", Envelope(status=500, msg="the server was restarted during the run", data=None))
        else:
            run.outcome = Envelope(data["outcome"])
        return run

    async def state(self) -> Envelope:
        """The answer to ``check-status``."""
        if self.left > 0:
            self.left -= 1
        else:
            await has_ended(self._work)
            if self.outcome is not None:
                return self.outcome
        return Envelope(status=202, msg="running", data=[])

    def record(self) -> Body:
        """The run as ``run-record`` shows it."""
        return {
            "rid": self.rid,
            "wid": self.wid,
            "status": self.status,
            "start_time": self.started,
            "end_time": self.ended,
            "data": None if self.outcome is None else self.outcome["data"],
        }

    async def _call(self, function: Workflow, functions: Functions) -> None:
        try:
            data = jsontext.plain(outputs(await functions.call(function, self.inputs)))
        except Exception as error:  # noqa: BLE001 - whatever a workflow raises is its failure
            self._end("FAILED", Envelope(status=500, msg=failure_text(error), data=None))
        else:
            self._end("FINISHED", Envelope(status=200, msg="success", data=data))

    def _end(self, status: str, outcome: Envelope) -> None:
        self.status, self.outcome, self.ended = status, outcome, self.now()


def inputs_of_nodes(data: Body) -> list[Body]:
    """The input fields of a workflow's nodes, with the values that are filled in."""
    return [
        {"node_id": node["id"], "field_name": name, "value": field.get("value")}
        for node in data.get("nodes", [])
        for name, field in node.get("data", {}).get("template", {}).items()
        if not field.get("is_output")
    ]
