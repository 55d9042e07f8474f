"""What Sim's digest says of each operation (``operations.json``), and where a test has to know better."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import attrs
from catalog_local import ALWAYS_SENT, SPLIT
from catalog_types import Record, Type, parse

SPELLED_FLAG = "yes"
"""One of the twelve spellings of a flag; such a parameter is a bool in Python, sent as true or false."""


@attrs.frozen
class Documented:
    """A parameter, as the digest has it.

    Attributes:
        unit: What ``low`` and ``high`` count: ``""`` (the value itself), ``chars``, ``items``, or ``clamped``.
    """

    name: str
    place: str
    type: str
    required: bool = False
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    unit: str = ""

    @property
    def is_flag(self) -> bool:
        return self.type == "boolean" or SPELLED_FLAG in self.choices


@attrs.frozen
class DocumentedOperation:
    """An operation, as the digest has it."""

    version: str
    verb: str
    path: str
    id: str
    parameters: tuple[Documented, ...]
    answer: Record
    is_multipart: bool = False
    seen: bool = False
    """Whether a real server was seen to carry it out."""
    method: str = ""
    """The name of its method, where it has several; see :data:`catalog_local.SPLIT`."""

    @property
    def key(self) -> str:
        """It, and nothing else; the ids of v1 and v2 overlap."""
        return f"{self.version}.{self.id}" + (f".{self.method}" if self.method else "")

    def parameter(self, wire: str, place: str) -> Documented:
        return next(each for each in self.parameters if (each.name, each.place) == (wire, place))


def _documented(raw: Mapping[str, Any], place: str) -> Documented:
    unit = raw.get("limit_unit", "")
    if not unit and "min" not in raw and "max" not in raw:
        pass
    elif unit.startswith("value"):
        unit = "clamped"
    elif not unit and raw["type"].endswith("[]"):
        unit = "items"
    elif not unit and raw["type"] == "string":
        unit = "chars"
    return Documented(
        raw["name"],
        raw.get("in", place),
        raw["type"],
        bool(raw.get("required")),
        tuple(raw.get("enum", ())),
        raw.get("min"),
        raw.get("max"),
        unit,
    )


_ID = Documented("id", "path", "string", required=True)
_DEPLOYMENT = (
    "{data:{id:string,isDeployed:boolean,deployedAt:string|null,version?:number,warnings:string[]},limits?:any}"
)
_EXPORT = (
    "{data:{version:string,exportedAt:string,"
    "workflow:{id:string,name:string,description:string|null,workspaceId:string|null,folderId:string|null},"
    "state:map<any>},"
    "limits?:any}"
)
_IMPORT = (
    "{data:{id:string,name:string,description:string|null,workspaceId:string,folderId:string|null,"
    "createdAt:string,updatedAt:string},limits?:any}"
)

LAST_OF_V1: Mapping[str, tuple[tuple[Documented, ...], str]] = {
    "deployWorkflowV1": (
        (
            _ID,
            Documented("name", "body", "string", low=1, high=100, unit="chars"),
            Documented("description", "body", "string", high=2000, unit="chars"),
        ),
        _DEPLOYMENT,
    ),
    "undeployWorkflowV1": ((_ID,), _DEPLOYMENT),
    "rollbackWorkflowV1": ((_ID, Documented("version", "body", "integer", low=1)), _DEPLOYMENT),
    "exportWorkflowV1": ((_ID,), _EXPORT),
    "importWorkflowV1": (
        (
            Documented("workspaceId", "body", "string", required=True),
            Documented("workflow", "body", "string|map<any>", required=True),
            Documented("folderId", "body", "string"),
            Documented("name", "body", "string"),
            Documented("description", "body", "string"),
        ),
        _IMPORT,
    ),
}
"""What the digest does not know of the five operations it only names: their parameters and the shape of their answers,
as Sim's published route contracts have them (``lib/api/contracts/v1/workflows.ts``)."""

ELSEWHERE: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    # The digest has it in a body; v0.6.43 reads it from the query.
    "v1.deleteRow": (("workspaceId", "body", "query"),),
}
"""Parameters (name, where the digest has it, where it is)."""

NOT_IN_THE_DIGEST: Mapping[str, tuple[Documented, ...]] = {
    "v2.uploadBytes": (
        Documented("upload-token", "header", "string", required=True),
        Documented("Content-Type", "header", "string", required=True),
        Documented("content", "body", "bytes", required=True),
    ),
    "v2.uploadKnowledgeDocument": (Documented("file", "body", "string:binary", required=True),),
    "v2.uploadPartBytes": (
        Documented("token", "query", "string", required=True),
        Documented("Content-Type", "header", "string", required=True),
        Documented("content", "body", "bytes", required=True),
    ),
}
"""Parameters that the digest lacks: fields of forms, and what goes with bytes (type ``bytes``: the body itself)."""

NOT_REQUIRED: Mapping[str, tuple[str, ...]] = {
    # v0.6.43 lists the entries of the admin's organization without it.
    "v1.listAuditLogs": ("workspaceId",),
}
"""Parameters that the digest calls required."""

CORRECTED: Mapping[str, Mapping[str, Any]] = {
    # The server takes 1 to 1,000, and without a limit changes all rows that match: the caller has to say so by None.
    "v2.updateTableRows": {"limit": {"required": True, "type": "integer|null", "high": 1000}},
    "v2.deleteTableRows": {"limit": {"type": "integer|null", "high": 1000}},
}
"""Parameters of which the recordings say another thing than the digest."""

_ROW_OF_V1 = "{id?:string,data?:object,position?:integer,createdAt?:string:date-time,updatedAt?:string:date-time}"
_RUN_STATE = (
    "{status:string,executionId:string|null,workflowId:string,error:string|null,runningBlockIds:string[],"
    "blockErrors:map<string>,canceledAt:string|null}"
)
_ROW = f"{{id:string,data:map<any>,runState?:map<{_RUN_STATE}>,createdAt:string,updatedAt:string}}"
PART_ANSWERS: Mapping[str, str] = {
    "v1.insertRows.insert_many": f"{{data?:{{rows?:{_ROW_OF_V1}[],insertedCount?:integer,message?:string}}}}",
    "v2.createTableRows.bulk_insert": f"{{rows:{_ROW}[],insertedCount:integer}}",
    "v2.executeWorkflowV2.submit": "{runId:string,statusUrl:string}",
    "v2.updateKnowledgeDocument.retry": "{id:string,queued:true,processingStatus:string,message:string}",
}
"""The shape of the answer to one method of an operation that has several."""


def _operation(raw: Mapping[str, Any]) -> DocumentedOperation:
    parameters = [_documented(each, "query") for each in raw.get("params", ())]
    parameters += [_documented(each, "body") for each in raw.get("body", ())]
    parameters += NOT_IN_THE_DIGEST.get(f"{raw['version']}.{raw['operation_id']}", ())
    fields = {
        each["name"]: (parse(each["type"]), bool(each.get("optional")))
        for each in raw.get("response", ())
        if each["type"] != "binary/stream"
    }
    found = DocumentedOperation(
        raw["version"],
        raw["method"],
        raw["path"],
        raw["operation_id"],
        tuple(parameters),
        Record(fields),
        any(each.type == "string:binary" for each in parameters),
        bool(raw.get("seen")),
    )
    if found.id in LAST_OF_V1:
        taken, answer = LAST_OF_V1[found.id]
        return attrs.evolve(found, parameters=taken, answer=_record(answer))
    moved = {(name, was): now for name, was, now in ELSEWHERE.get(found.key, ())}
    optional = NOT_REQUIRED.get(found.key, ())
    corrected = CORRECTED.get(found.key, {})
    known = tuple(
        attrs.evolve(
            each,
            **{"required": each.required and each.name not in optional, **corrected.get(each.name, {})},
            place=moved.get((each.name, each.place), each.place),
        )
        for each in parameters
    )
    return attrs.evolve(found, parameters=known)


@lru_cache(maxsize=1)
def documented() -> tuple[DocumentedOperation, ...]:
    """Every operation that this package has to have, once for each of its methods."""
    raw = json.loads((Path(__file__).parent / "operations.json").read_text("utf-8"))
    return tuple(part for each in raw for part in _parts(_operation(each)))


def _record(text: str) -> Record:
    found = parse(text)
    assert isinstance(found, Record)
    return found


def _parts(known: DocumentedOperation) -> list[DocumentedOperation]:
    """An operation once for each method that sends it, with the parameters of that."""
    if known.key not in SPLIT:
        return [known]
    parts = SPLIT[known.key]
    own = {name for part in parts.values() for name in part}
    own |= {name for method in parts for name, place in ALWAYS_SENT.get(f"{known.key}.{method}", ()) if place == "body"}
    return [
        attrs.evolve(
            known,
            method=method,
            answer=_record(PART_ANSWERS[f"{known.key}.{method}"])
            if f"{known.key}.{method}" in PART_ANSWERS
            else known.answer,
            parameters=tuple(
                attrs.evolve(each, required=part.get(each.name, each.required))
                for each in known.parameters
                if each.name in part or each.name not in own
            ),
        )
        for method, part in parts.items()
    ]


def field_type(operation: DocumentedOperation, *at: str) -> Type:
    """The type of what stands at a place of an answer."""
    found: Type = operation.answer
    for name in at:
        assert isinstance(found, Record)
        found = found.fields[name][0]
    return found
