"""The parts of one sandbox that its operations share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from simstudio.sandbox.outputs import compact, without_long_texts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

    from simstudio.sandbox.data.stores import Data
    from simstudio.sandbox.definitions.store import Definitions
    from simstudio.sandbox.dialects.base import Account, Dialect, KeyState
    from simstudio.sandbox.engine import Engine
    from simstudio.sandbox.limits import Limiter
    from simstudio.sandbox.records import Store
    from simstudio.sandbox.runs import Outcome, Run
    from simstudio.sandbox.workflow import Workflow


@attrs.frozen
class Settings:
    """The configuration of a `Sandbox` that operations read. Times are seconds."""

    outsider_key: str | None
    admission_limit: int | None
    execution_timeout: float | None
    public_url: str | None
    redis: bool
    v2: bool = True
    heartbeat: float = 15.0
    large_value_limit: int | None = None
    cancel_on_disconnect: bool = False
    members: frozenset[str] = frozenset()
    assistant: str | None = None


@attrs.frozen
class Core:
    """Workflows, engine, store, limits and dialect of one sandbox."""

    settings: Settings
    api_key: Callable[[], str]
    dialect: Dialect
    workflows: Mapping[str, Workflow]
    definitions: Definitions
    data: Data
    engine: Engine
    store: Store
    clock: Callable[[], float]
    limiter: Callable[[], Limiter]
    account: Callable[[], Account]
    served_at: Callable[[], str | None]

    def key_state(self, request: Request) -> KeyState:
        """The owner of the API key of a request, read from ``X-API-Key`` only."""
        key = request.headers.get("x-api-key")
        if not key:
            return "missing"
        if key == self.api_key():
            return "member"
        return "outsider" if key == self.settings.outsider_key else "invalid"

    def error_text(self, outcome: Outcome, run: Run) -> str | None:
        """The message of a run that failed."""
        return self.dialect.error_text(outcome, run.workflow, run.timeout)

    def output(self, value: object, run_id: str, *, is_stored: bool = False) -> object:
        """An output as it is sent: large parts as references; since v0.8 with long texts cut once it is stored."""
        if is_stored and self.dialect.since_v08:
            value = without_long_texts(value)
        limit = self.settings.large_value_limit
        return compact(value, self.dialect.large_value_limit if limit is None else limit, run_id)

    def outputs(self, values: Mapping[str, object] | None, run_id: str) -> dict[str, object] | None:
        """Selected outputs as they are sent, by selector."""
        return None if values is None else {name: self.output(each, run_id) for name, each in values.items()}

    def base_url(self, request: Request) -> str:
        """The configured public address of the server."""
        return self.settings.public_url or self.served_at() or str(request.base_url).rstrip("/")
