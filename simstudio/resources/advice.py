"""Advice for error responses of Sim: the last sentence of the exception's message, which says what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from simstudio.core.failures import ErrorBody, is_gateway_timeout, read_error
from simstudio.models.runs import trace_advice

if TYPE_CHECKING:
    from simstudio.transport.message import Response

_BY_STATUS: Final = {
    401: "Check the API key (api_key= or SIM_API_KEY) and that it belongs to this server.",
    402: "Raise the limit or wait for the next period; client.usage.limits() shows both.",
    404: "Check the id and base_url.",
}
CANNOT_RESUME: Final = "Execution can no longer be resumed"
"""Message of a server since August 2026 for an answer to a pause that followed an earlier answer of the same run."""
CANNOT_RESUME_ADVICE: Final = (
    "This server cannot resume a run that paused again after an answer: the run stays paused under its first id until "
    "client.workflows.cancel() ends it."
)
_WORKSPACE_KEY: Final = "A workspace key may not do this ({}): use a personal API key."
_BY_CODE: Final = {
    "WORKSPACE_KEY_OPERATION_NOT_PERMITTED": _WORKSPACE_KEY,
    "PRINCIPAL_KIND_NOT_PERMITTED": _WORKSPACE_KEY,
    "PERSONAL_API_KEYS_DISABLED": "The workspace does not allow personal keys ({}): use a workspace key.",
    "INSUFFICIENT_WORKSPACE_ROLE": "The role of the key's user in the workspace does not allow this ({}).",
}
"""Advice for a 403, by its code; the code replaces the braces."""
_RUNS: Final = r"/api/(workflows/[^/]+/execute|resume/.+|v2/workflows/[^/]+/(execute|runs/[^/]+/resume))$"
REFUSED: Final = "Refused: "
"""The beginning of advice that repeats the details of a refusal."""
_MOST_REMARKS: Final = 3
_LONGEST_REMARK: Final = 200
_WORKFLOW: Final = r"/workflows/([^/?\s]+)"
_DOUBLED: Final = r"(/api|/api/v\d+)/api/"


def advise(response: Response) -> str | None:
    """The last sentence of an error message; None if nothing helps."""
    return find_cause(response) or _BY_STATUS.get(response.status)


def advise_trace(path: str, run_id: str | None) -> str:
    """The last sentence about a failed run: the command that shows its trace.

    Args:
        path: Path of the request that executed the workflow.
        run_id: Id of the run; None if the server does not name it.
    """
    workflow = re.search(_WORKFLOW, path)
    api_version = "v2" if "/api/v2/" in path else None
    return trace_advice(run_id, unquote(workflow[1]) if workflow is not None else None, api_version)


def find_cause(response: Response) -> str | None:
    """Advice about the cause that a response shows, other than its status; None if it shows none."""
    body = read_error(response)
    if is_gateway_timeout(response) and re.search(_RUNS, response.path):
        return (
            "A gateway got no response from the server in time: the run may go on, so look before sending it again. "
            "For long runs use client.workflows.run() or submit(), which do not wait on one connection."
        )
    if response.status == 403:
        return _advise_on_permission(body)
    if response.status == 409 and body.message == CANNOT_RESUME:
        return CANNOT_RESUME_ADVICE
    if response.status == 413 and response.method not in ("GET", "HEAD"):  # a 413 to a GET is about its response
        return "Send less; Sim takes 10 MiB."
    found = advise_on_address(response) or _advise_on_unknown(response, body) or _describe_refusal(response, body)
    if found is None and response.status >= 500 and response.method == "POST" and re.search(_RUNS, response.path):
        return "The workflow may have run: look before running it again."
    return found


def _advise_on_permission(body: ErrorBody) -> str:
    if not body.is_json:
        return "The body is not Sim's: a proxy or a firewall may have refused the request."
    code = body.details.get("code") if isinstance(body.details, Mapping) else None
    code = code if isinstance(code, str) else body.code
    if "not deployed" in (body.message or ""):
        return "Deploy the workflow first."
    advice = _BY_CODE.get(str(code), "Check what the key may do ({})." if code else "Check what the key may do.")
    return advice.format(code)


def _advise_on_unknown(response: Response, body: ErrorBody) -> str | None:
    """Advice about a route or a parameter that this server lacks."""
    if lacks_route(response, body) or (response.status == 400 and _read_as_number(response, body.details)):
        elsewhere = "" if body.is_json or response.status != 404 else ", or base_url is not the address of a Sim server"
        return f"This server has no {response.method} {response.path}; it may be older{elsewhere}."
    unknown = ", ".join(dict.fromkeys(_find_unrecognized(body.details))) if response.status == 400 else ""
    return f"This server does not take {unknown}; it may be older." if unknown else None


def lacks_route(response: Response, body: ErrorBody) -> bool:
    """Whether the response says that the server lacks the path, or its method."""
    return response.status == 405 or (response.status == 404 and (body.message == "Not found" or not body.is_json))


def _read_as_number(response: Response, details: Any) -> bool:
    """Whether the server took a word of the path for a numeric parameter: it has no route of this name."""
    query = {name for name, _ in parse_qsl(urlsplit(response.url).query, keep_blank_values=True)}
    return any(
        isinstance(issue, Mapping)
        and "received NaN" in str(issue.get("message"))
        and isinstance(path := issue.get("path"), list)
        and len(path) == 1
        and path[0] not in query
        for issue in _items(details)
    )


def _describe_refusal(response: Response, body: ErrorBody) -> str | None:
    """Details of a 400 that its message lacks: places of the request, rows, and their faults."""
    remarks = find_remarks(response, body)
    shown = [text if len(text) <= _LONGEST_REMARK else f"{text[:_LONGEST_REMARK]}…" for text in remarks[:_MOST_REMARKS]]
    if len(remarks) > len(shown):
        shown.append(f"and {len(remarks) - len(shown)} more")
    return f"{REFUSED}{'; '.join(shown).rstrip('.')}." if shown else None


def find_remarks(response: Response, body: ErrorBody) -> list[str]:
    """The places of the request, or its rows, and their faults, as the details of a 400 or 422 list them."""
    if response.status not in (400, 422):
        return []
    return list(dict.fromkeys(filter(None, (_make_remark(each, body.message) for each in _items(body.details)))))


def _make_remark(item: Any, message: str | None) -> str:
    """One item of a list of details, without the text of the message; empty if nothing else is left.

    An item is a text, ``{"path", "message"}``, or ``{"row", "errors"}``.
    """
    if isinstance(item, str):
        return "" if item == message else item
    if not isinstance(item, Mapping):
        return ""
    if "row" in item:
        return f"row {item['row']}: {', '.join(map(str, _items(item.get('errors'))))}"
    path, text = item.get("path"), item.get("message")
    if not isinstance(text, str):
        return ""
    place = ".".join(map(str, path)) if isinstance(path, list) else path if isinstance(path, str) else ""
    if text != message:
        return f"{place}: {text}" if place else text
    return "" if place in re.findall(r"[\w.-]+", text) else place


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _find_unrecognized(details: Any) -> Iterator[str]:
    """The parameters that a server refused as unknown: their Python names, and the places of deeper fields."""
    for issue in _items(details):
        if not isinstance(issue, Mapping) or issue.get("code") != "unrecognized_keys":
            continue
        keys, path = issue.get("keys"), issue.get("path")
        place = [str(step) for step in _items(path)]
        for key in _items(keys):
            yield ".".join([*place, str(key)]) if place else re.sub(r"(?<!^)(?=[A-Z])", "_", str(key)).lower()


def advise_on_address(response: Response) -> str | None:
    """Advice about a base_url that ends in the API's path, or about an address that was given as an id; else None."""
    if response.status not in (400, 404, 405):
        return None
    doubled = re.search(_DOUBLED, response.path)
    if doubled is not None:
        return f"base_url ends in {doubled[1]}, which the paths of the API begin with: leave it out of base_url."
    for part in map(unquote, response.path.split("/")):
        if "://" in part or "/w/" in part:
            found = re.split("[?#]", part)[0].rstrip("/").rpartition("/")[2]
            return f"The id is the address of a page: pass its last part, {found!r}."
    return None
