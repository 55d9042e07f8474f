"""The 404 of a server whose v2 API is switched off, told apart from that of a missing thing.

Self-hosters switch v2 on by ``V2_API``. While it is off every v2 path answers 404 ``NOT_FOUND`` "Not found", as an
unknown one does; older servers answer an HTML page. ``GET /api/v2/meta`` is exempt, and says whether v2 is on.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from simstudio.errors import APIConnectionError, APIStatusError, APIVersionError, NotFoundError

if TYPE_CHECKING:
    from simstudio.core.resource import APIResource
    from simstudio.transport.flow import Flow
    from simstudio.transport.message import Response

META = "/api/v2/meta"


def explain(resource: APIResource[Any], error: NotFoundError) -> Flow[None]:
    """Raise an APIVersionError if a 404 means that v2 is switched off; sends ``GET /api/v2/meta`` to find out.

    Raises:
        APIVersionError: v2 is off on this server.
    """
    response = error.response
    if response is None or "/api/v2/" not in response.path or response.path.endswith(META) or not _is_generic(response):
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


def _is_generic(response: Response) -> bool:
    """Whether a 404 carries only the generic text, as it does when the v2 API is switched off."""
    try:
        body = json.loads(response.content)
    except (ValueError, RecursionError):
        return True
    error = body.get("error") if isinstance(body, dict) else None
    return not isinstance(error, dict) or error.get("message") in (None, "", "Not found")
