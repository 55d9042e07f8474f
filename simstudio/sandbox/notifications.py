"""Deliveries: after every run a signed request to each subscribed address, in one of Sim's three families."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, get_args

import attrs
import httpx

from simstudio import webhooks
from simstudio.sandbox import jsontext
from simstudio.sandbox.dialects.v06 import report_bucket
from simstudio.sandbox.seeding import new_uuid
from simstudio.sandbox.serving import configuration_error
from simstudio.sandbox.times import iso

if TYPE_CHECKING:
    from collections.abc import Callable

    from simstudio.sandbox.definitions.store import Definitions
    from simstudio.sandbox.dialects.base import Account
    from simstudio.sandbox.limits import Limiter
    from simstudio.sandbox.logs import Entry

Part = Literal["finalOutput", "traceSpans", "rateLimits", "usage"]
"""Further parts of a delivery."""

EVENT = "workflow.execution.completed"
_TIMEOUT = 30.0
_UNSIGNED = "no secret was set"


@attrs.frozen
class Subscription:
    """An address that gets deliveries, with their family, secret and parts."""

    url: str
    secret: str | None
    include: frozenset[Part]
    family: webhooks.Family


@attrs.frozen
class Delivery:
    """One attempted delivery; none is repeated.

    Attributes:
        headers: as sent.
        body: as sent.
        status: status of the receiver's response; None if it could not be reached.
        error: reason why it could not be reached.
    """

    url: str
    run_id: str
    headers: Mapping[str, str]
    body: bytes
    status: int | None
    error: str | None

    @property
    def id(self) -> str:
        """The delivery's id."""
        return self.headers["Idempotency-Key"]

    @property
    def succeeded(self) -> bool:
        """Whether the receiver accepted the delivery."""
        return self.status is not None and 200 <= self.status < 300


class Notifications:
    """Sends deliveries, and keeps a record of them.

    Args:
        clock: epoch seconds.
        limiter: source of ``rateLimits``.
        account: source of ``usage``.
        definitions: source of ``traceSpans``.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        limiter: Callable[[], Limiter],
        account: Callable[[], Account],
        definitions: Definitions,
    ) -> None:
        self._clock = clock
        self._limiter = limiter
        self._account = account
        self._definitions = definitions
        self._subscriptions: list[Subscription] = []
        self.deliveries: list[Delivery] = []

    def subscribe(self, url: str, secret: str | None, include: Iterable[Part], family: webhooks.Family) -> None:
        """Send deliveries to an address from now on.

        Raises:
            ConfigurationError: the address, the secret, the family or a part is invalid.
        """
        parts = frozenset(include)
        unknown = parts - set(get_args(Part))
        if isinstance(include, str) or unknown:
            raise configuration_error(f"include is some of {', '.join(get_args(Part))}, not {include!r}")
        if not url.startswith(("http://", "https://")):
            raise configuration_error(f"{url!r} is no address to notify: it must begin with http:// or https://")
        if family not in get_args(webhooks.Family):
            raise configuration_error(f"family is one of {', '.join(get_args(webhooks.Family))}, not {family!r}")
        if parts and family != "sim":
            raise configuration_error(f"include is for the family sim: the family {family} always delivers the same")
        if secret is not None:
            webhooks.sign(b"", secret)
        elif family == "drain":
            raise configuration_error("a data drain always has a secret: pass secret=")
        self._subscriptions.append(Subscription(url, secret, parts, family))

    async def send(self, entry: Entry) -> None:
        """Deliver a run that has ended to every address, one after another."""
        for subscription in list(self._subscriptions):
            await self._deliver(subscription, entry)

    async def _deliver(self, subscription: Subscription, entry: Entry) -> None:
        now = round(self._clock() * 1000)
        family = subscription.family
        if family == "sim":
            data = self._data(subscription, entry)
            body = jsontext.encode({"id": f"evt_{new_uuid()}", "type": EVENT, "timestamp": now, "data": data})
        elif family == "webhook":
            body = jsontext.encode(_workspace_event(entry, iso(now / 1000)))
        else:
            body = jsontext.encode(self._row(entry)) + b"\n"
        headers = webhooks.sign(body, subscription.secret or _UNSIGNED, timestamp_ms=now, family=family)
        if subscription.secret is None:
            del headers[webhooks.SIGNATURE_HEADERS[family]]
        delivery = Delivery(subscription.url, entry.execution.id, headers, body, None, "the server stopped")
        try:
            delivery = attrs.evolve(delivery, status=await _post(subscription.url, body, headers), error=None)
        except (httpx.HTTPError, httpx.InvalidURL) as problem:
            delivery = attrs.evolve(delivery, error=f"{type(problem).__name__}: {problem}")
        finally:
            self.deliveries.append(delivery)

    def _data(self, subscription: Subscription, entry: Entry) -> dict[str, Any]:
        run = entry.execution
        data: dict[str, Any] = {
            "workflowId": run.workflow_id,
            "workflowName": entry.workflow_name,
            "executionId": run.id,
            "status": "error" if entry.level == "error" else "success",
            "level": entry.level,
            "trigger": run.trigger,
            "startedAt": entry.started_at,
            "endedAt": entry.ended_at,
            "totalDurationMs": entry.duration,
            "cost": entry.full_cost,
        }
        limiter, account = self._limiter(), self._account()
        percent = account.cost / account.limit * 100 if account.limit else 0
        parts: dict[Part, Callable[[], Any]] = {
            "finalOutput": lambda: entry.final_output,
            "traceSpans": lambda: entry.spans(self._definitions),
            "rateLimits": lambda: {"sync": report_bucket(limiter, "sync"), "async": report_bucket(limiter, "async")},
            "usage": lambda: {
                "currentPeriodCost": account.cost,
                "limit": account.limit,
                "percentUsed": percent,
                "isExceeded": account.exceeded,
            },
        }
        return {**data, **{name: told() for name, told in parts.items() if name in subscription.include}}

    def _row(self, entry: Entry) -> dict[str, Any]:
        """The run as a row of a data drain of workflow logs."""
        run = entry.execution
        return {
            "id": entry.id,
            "executionId": run.id,
            "workflowId": run.workflow_id,
            "workspaceId": entry.workspace_id,
            "stateSnapshotId": None,
            "deploymentVersionId": run.deployment,
            "level": entry.level,
            "status": run.state,
            "trigger": run.trigger,
            "startedAt": entry.started_at,
            "endedAt": entry.ended_at,
            "totalDurationMs": entry.duration,
            "executionData": {"finalOutput": entry.final_output, "traceSpans": entry.spans(self._definitions)},
            "cost": entry.cost,
            "files": None,
            "createdAt": entry.started_at,
        }


def _workspace_event(entry: Entry, now: str) -> dict[str, Any]:
    """The event with which a workspace event trigger starts a workflow, in the form of its Webhook block."""
    return {
        "event": "execution_error" if entry.level == "error" else "execution_success",
        "timestamp": now,
        "workflowId": entry.execution.workflow_id,
        "workflowName": entry.workflow_name,
        "runId": entry.execution.id,
        "durationMs": entry.duration,
        "cost": 0,
        "finalOutput": entry.final_output,
        "triggeringRun": None,
        "version": None,
    }


async def _post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Send a delivery over a connection of its own, chunked, as the real server does."""

    async def chunks() -> AsyncIterator[bytes]:
        yield body

    # Loading certificates takes longer than everything else here, and a plain connection needs none.
    encrypted = url.startswith("https:")
    async with httpx.AsyncClient(timeout=_TIMEOUT, trust_env=False, verify=encrypted) as client:
        answer = await client.post(url, content=chunks(), headers={**headers, "Connection": "close"})
    return answer.status_code
