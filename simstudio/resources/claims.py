"""Claims on the unversioned routes: ``X-Execution-Id``, an id under which Sim runs an execution at most once.

Sim honours it since v0.7.32 and ignores it before, where a request that is sent twice runs twice. Whether a server
honours it is learnt from a response that repeats the id, or asked with a request that runs nothing (:func:`probe`).

Sim claims the id before it checks the limits of executions. Such a refusal uses the id up, although nothing runs; that
of the admission gate, which comes before, does not.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Final, Literal

from simstudio.resources.execution import is_refused_execution
from simstudio.transport.errors import ConfigurationError
from simstudio.transport.message import Claim

if TYPE_CHECKING:
    from typing import TypeAlias

    from simstudio.core.options import Unset
    from simstudio.core.resource import APIResource
    from simstudio.transport.flow import Flow
    from simstudio.transport.message import Response

HEADER: Final = "X-Execution-Id"
JOB_PREFIX: Final = "workflow-execution:"
"""Start of the id of the job that runs an execution in the background; the execution id follows."""


Claiming: TypeAlias = Literal["none", "known", "required"]
"""Whether an unversioned execution carries a claim. ``none``: no id is sent. ``known``: an id is sent, and relied on
only if this server is known to honour it. ``required``: this server is asked, and the call fails if it does not."""

_MALFORMED = "not a valid id"
_GATEWAY_STATUSES = (502, 503, 504)


def execution_of(run_id: str) -> str:
    """The id of an execution, given that id or the id of its job."""
    return run_id.removeprefix(JOB_PREFIX) if isinstance(run_id, str) else run_id


class ClaimSupport:
    """Support of claims, as a client has learnt it.

    Attributes:
        servers: Whether a server honours claims, by its base address.
    """

    def __init__(self) -> None:
        self.servers: dict[str, bool] = {}


def mint() -> str:
    """Return a new id of an execution: a random UUID, made in a third of the time of ``uuid.uuid4``."""
    digits = os.urandom(16).hex()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def claim(execution_id: str | None = None) -> Claim:
    """The claim of an execution: the given id, or a new one that may be replaced after a refusal."""
    return Claim(HEADER, execution_id or mint(), spent_by=spends, mint=None if execution_id else mint)


def spends(response: Response) -> bool:
    """Whether a response is a refusal that uses the execution id up: by the rate limit or the concurrency limit.

    The refusal of the admission gate, which does not, has a ``Retry-After`` and a code.
    """
    if "retry-after" in response.headers or not is_refused_execution(response):
        return False
    return "code" not in json.loads(response.content)


def may_send_again(response: Response) -> bool:
    """Whether an error status is one of Sim or of a gateway, and not one that the workflow may have set."""
    if response.status == 429:
        return is_refused_execution(response)
    return response.status in _GATEWAY_STATUSES and _read(response) is None


def is_conflict(response: Response, execution_id: str) -> bool:
    """Whether a response says that the execution id has been used before."""
    if response.status != 409:
        return False
    body = _read(response)
    return (
        isinstance(body, dict)
        and body.get("code") == "EXECUTION_ID_CONFLICT"
        and body.get("executionId") == execution_id
    )


def is_anonymous(resource: APIResource[Any]) -> bool:
    """Whether a resource sends no API key: Sim then gives the execution an id of its own."""
    return not isinstance(resource._context.session.credentials.key, str)


def support(resource: APIResource[Any]) -> bool | None:
    """Whether the server honours the claims of a resource; None if that is not known yet."""
    session = resource._context.session
    known = session.share(ClaimSupport).servers.get(session.endpoint.base_url)
    return False if known and is_anonymous(resource) else known


def learn(resource: APIResource[Any], execution_id: str, response: Response) -> None:
    """Learn from the response to an execution whether the server honours claims."""
    queued = response.status == 202
    if not queued and (execution_id.encode() not in response.content or support(resource)):
        return
    if is_anonymous(resource):
        return
    body = _read(response)
    named = body.get("executionId") if isinstance(body, dict) else None
    if named == execution_id and (response.ok or is_conflict(response, execution_id)):
        _remember(resource, honoured=True)
    elif queued and named is not None:
        _remember(resource, honoured=False)


def probe(resource: APIResource[Any], *, timeout: float | Unset | None) -> Flow[bool]:
    """Whether the server honours claims: ask with a malformed id for a workflow that does not exist, if not known.

    Raises:
        SimStudioError: The server did not answer the question.
    """
    known = False if is_anonymous(resource) else support(resource)
    if known is not None:
        return known
    path = f"/api/workflows/{mint()}/execute"
    headers = {"Content-Type": "application/json", HEADER: _MALFORMED}
    request = resource._request("POST", path, content=b"{}", headers=headers, resend="read", timeout=timeout)
    response = yield from resource._send(request)
    body = _read(response)
    message = body.get("error") if isinstance(body, dict) else None
    honoured = response.status == 400 and isinstance(message, str) and message.startswith("Invalid execution ID")
    if not honoured and response.status != 404:
        raise resource._error(response)
    _remember(resource, honoured=honoured)
    return honoured


def no_claims(resource: APIResource[Any]) -> ConfigurationError:
    """The error for an execution that must run at most once, on a server without claims."""
    if is_anonymous(resource):
        why = "Sim ignores the execution ids of callers without an API key. Give the client an api_key"
    else:
        base_url = resource._context.session.endpoint.base_url
        why = f"the Sim server at {base_url} is older than v0.7.32, and ignores execution ids. Update the server"
    return ConfigurationError(f"idempotent=True is not possible: {why}, or leave idempotent out. Nothing was run.")


def _remember(resource: APIResource[Any], *, honoured: bool) -> None:
    session = resource._context.session
    session.share(ClaimSupport).servers[session.endpoint.base_url] = honoured


def _read(response: Response) -> Any:
    """The JSON data of a body; None if it is not JSON."""
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):
        return None
