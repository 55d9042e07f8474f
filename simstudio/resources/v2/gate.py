"""Distinguish the 404 of a server whose v2 API is switched off from the 404 of a missing resource.

Self-hosted servers enable v2 with ``V2_API``. While it is off every v2 path responds with the generic 404 of an unknown
path (older servers: an HTML page), except ``GET /api/v2/meta``, which says whether v2 is on.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from simstudio.core.errors import APIVersionError
from simstudio.resources.advice import advise_on_address
from simstudio.transport.errors import APIConnectionError, APIStatusError, NotFoundError

if TYPE_CHECKING:
    from simstudio.core.resource import APIResource
    from simstudio.transport.flow import Flow
    from simstudio.transport.message import Response

META = "/api/v2/meta"


def explain_not_found(resource: APIResource[Any], error: NotFoundError) -> Flow[None]:
    """Fetch ``/api/v2/meta`` after a generic 404 to see whether v2 is switched off; return if it is not.

    Raises:
        APIVersionError: v2 is switched off, or the server has no v2 API.
    """
    response = error.response
    if response is None or "/api/v2/" not in response.path or response.path.endswith(META) or not _is_generic(response):
        return
    if advise_on_address(response) is not None:  # the error says so already
        return
    try:
        meta = yield from resource._get(META)
        body = meta.json()
    except NotFoundError:
        problem = "has no v2 API (GET /api/v2/meta answers 404)"
    except (APIStatusError, APIConnectionError):
        return
    else:
        data = body.get("data") if isinstance(body, dict) else None
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


def _is_generic(response: Response) -> bool:
    """Whether a 404 carries only the generic text, as it does when the v2 API is switched off."""
    try:
        body = json.loads(response.content)
    except (ValueError, RecursionError):
        return True
    error = body.get("error") if isinstance(body, dict) else None
    return not isinstance(error, dict) or error.get("message") in (None, "", "Not found")
