"""v2 behind its gate: an answer that says "not found" because the whole API is switched off.

Self-hosters switch v2 on by ``V2_API``. While it is off every v2 path answers 404 ``NOT_FOUND`` "Not found", as an
unknown one does; older servers answer an HTML page. ``GET /api/v2/meta`` is exempt and tells (API.md 1.1).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from simstudio.errors import APIConnectionError, APIStatusError, APIVersionError, NotFoundError

if TYPE_CHECKING:
    from simstudio.core.resource import APIResource
    from simstudio.transport.flow import Flow
    from simstudio.transport.message import Request, Response

META = "/api/v2/meta"


def gated(resource: APIResource[Any], request: Request) -> Flow[Response]:
    """Send a request to a v2 route; an error status raises.

    Raises:
        APIVersionError: v2 is off on this server.
        APIStatusError: Any other error status.
    """
    try:
        return (yield from resource._call(request))
    except NotFoundError as error:
        yield from explain(resource, error)
        raise


def explain(resource: APIResource[Any], error: NotFoundError) -> Flow[None]:
    """Raise the better error for a 404, if it is the gate's.

    Raises:
        APIVersionError: v2 is off on this server.
    """
    response = error.response
    if response is None or response.path.endswith(META) or not _like_the_gate(response):
        return
    try:
        meta = yield from resource._get(META)
        answer = meta.json()
    except NotFoundError:
        problem = "knows no v2 API (GET /api/v2/meta answers 404)"
    except (APIStatusError, APIConnectionError):
        return
    else:
        data = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(data, dict) or data.get("v2Enabled") is not False:
            return
        problem = "has its v2 API switched off (GET /api/v2/meta says so)"
    raise APIVersionError(
        f'This server {problem}: {response.method} {response.path} answered 404. Use api_version="v1" (or '
        "SIM_API_VERSION=v1), or have the server's operator set V2_API.",
        error.code,
        404,
        details=error.details,
        server_code=error.server_code,
        response=response,
        history=error.history,
    ) from error


def _like_the_gate(response: Response) -> bool:
    """Whether a 404 names no thing that was not found."""
    try:
        body = json.loads(response.content)
    except (ValueError, RecursionError):
        return True
    error = body.get("error") if isinstance(body, dict) else None
    return not isinstance(error, dict) or error.get("message") in (None, "", "Not found")
