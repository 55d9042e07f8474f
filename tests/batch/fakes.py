"""A sender and its execution in one, for tests of the coordinator: no client, no sockets."""

from __future__ import annotations

from typing import Any

import attrs

from simstudio.batch.execution import Execution, Price, Receipt
from simstudio.batch.options import Options
from simstudio.resources.batch_execution import MODELS, refusal_of


def options_of(**options: Any) -> Options:
    """Options of a batch, and what the coordinator adds, as one call."""
    own = {field.name: options.pop(field.name) for field in attrs.fields(Options) if field.name in options}
    return Options(options, **own)  # type: ignore[arg-type]


class Fake:
    """Answers what the coordinator asks of an execution; a subclass executes."""

    workflow_id = "wf"
    mode = "sync"
    models = MODELS
    cost = 1
    claims_advice = ""
    has_prices = False

    def __init__(self, *, claims: bool = False) -> None:
        self.claims = claims
        self.api_version = "v2" if claims else "v1"
        self.made = 0
        self.refusal = refusal_of

    @property
    def execution(self) -> Execution:
        made: Any = self
        return made  # type: ignore[no-any-return]

    def new_claim(self) -> str | None:
        self.made += 1
        return f"run-{self.made - 1}" if self.claims else None

    async def settle(self, receipt: Receipt) -> Any:
        raise AssertionError("nothing was queued")

    async def price(self, run_id: str) -> Price | None:
        return None

    async def prepare(self) -> None:
        return

    async def limits(self) -> None:
        return None

    async def reach(self) -> None:
        return await self.limits()

    async def aclose(self) -> None:
        return
