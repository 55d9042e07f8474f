"""What a caller can do about an error response of Sim: the last sentence of the exception's message."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from simstudio.core.failures import ErrorBody, is_gateway_timeout, read_error

if TYPE_CHECKING:
    from simstudio.transport.message import Response

_BY_STATUS: Final = {
    401: "Check the API key (api_key= or SIM_API_KEY) and that it belongs to this server.",
    402: "Raise the limit or wait for the next period; client.usage.limits() shows both.",
    404: "Check the id and base_url.",
    413: "Send less; Sim takes 10 MiB.",
}
_WORKSPACE_KEY: Final = "A workspace key may not do this ({}): use a personal API key."
_BY_CODE: Final = {
    "WORKSPACE_KEY_OPERATION_NOT_PERMITTED": _WORKSPACE_KEY,
    "PRINCIPAL_KIND_NOT_PERMITTED": _WORKSPACE_KEY,
    "PERSONAL_API_KEYS_DISABLED": "The workspace does not allow personal keys ({}): use a workspace key.",
    "INSUFFICIENT_WORKSPACE_ROLE": "The role of the key's user in the workspace does not allow this ({}).",
}
"""Advice by the code of a 403, which takes the place of the braces."""
_RUNS: Final = re.compile(r"/api/(workflows/[^/]+/execute|resume/.+|v2/workflows/[^/]+/(execute|runs/[^/]+/resume))$")
_DOUBLED: Final = re.compile(r"(/api|/api/v\d+)/api/")


def advise(response: Response) -> str | None:
    """The last sentence of an error message; None if nothing helps."""
    return find_cause(response) or _BY_STATUS.get(response.status)


def find_cause(response: Response) -> str | None:
    """Advice about the cause that a response shows, other than its status; None if it shows none."""
    body = read_error(response)
    if is_gateway_timeout(response) and _RUNS.search(response.path):
        return (
            "A gateway did not wait for the server: the run may go on, so look before sending it again. For long runs "
            "use client.workflows.run() or submit(), which do not wait on one connection."
        )
    if response.status == 403:
        return _forbidden(body)
    return _mistaken_address(response) or _unknown_to_server(response, body)


def _forbidden(body: ErrorBody) -> str:
    if not body.is_json:
        return "The body is not Sim's: a proxy or a firewall may have refused the request."
    code = body.details.get("code") if isinstance(body.details, Mapping) else None
    code = code if isinstance(code, str) else body.code
    if "not deployed" in (body.message or ""):
        return "Deploy the workflow first."
    advice = _BY_CODE.get(str(code), "Check what the key may do ({})." if code else "Check what the key may do.")
    return advice.format(code)


def _unknown_to_server(response: Response, body: ErrorBody) -> str | None:
    """Advice about a route or a parameter that this server does not know."""
    unknown = ""
    if response.status == 405 or (response.status == 404 and (body.message == "Not found" or not body.is_json)):
        unknown = f"{response.method} {response.path}"
    elif response.status == 400:
        unknown = ", ".join(dict.fromkeys(_unrecognized(body.details)))
    if not unknown:
        return None
    otherwise = "." if body.is_json or response.status != 404 else ", or base_url is not the address of a Sim server."
    return f"This server does not know {unknown}; it may be older{otherwise}"


def _unrecognized(details: Any) -> Iterator[str]:
    """The parameters that a server refused as unknown: their Python names, and the places of deeper fields."""
    for issue in details if isinstance(details, list) else ():
        if not isinstance(issue, Mapping) or issue.get("code") != "unrecognized_keys":
            continue
        keys, path = issue.get("keys"), issue.get("path")
        place = [str(step) for step in path] if isinstance(path, list) else []
        for key in keys if isinstance(keys, list) else ():
            yield ".".join([*place, str(key)]) if place else re.sub(r"(?<!^)(?=[A-Z])", "_", str(key)).lower()


def _mistaken_address(response: Response) -> str | None:
    """Advice about a base_url that ends in the API's path, and about an address that was given as an id."""
    if response.status not in (400, 404, 405):
        return None
    doubled = _DOUBLED.search(response.path)
    if doubled is not None:
        return f"base_url ends in {doubled[1]}, which the paths of the API begin with: leave it out of base_url."
    for part in map(unquote, response.path.split("/")):
        if "://" in part or "/w/" in part:
            found = re.split("[?#]", part)[0].rstrip("/").rpartition("/")[2]
            return f"The id is the address of a page: pass its last part, {found!r}."
    return None
