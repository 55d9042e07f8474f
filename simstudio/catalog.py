"""The catalogue: every operation of ``client.v1`` and ``client.v2``, as data read from the methods themselves.

For example::

    >>> operation = next(each for each in operations() if each.attribute == "v2.audit_logs.get")
    >>> operation.verb, operation.path
    ('GET', '/api/v2/audit-logs/{auditLogId}')
    >>> operation.parameters["organization_id"]
    Parameter(wire='organizationId', place='query')
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal

import attrs

from simstudio.core.resource import APIResource, namespace
from simstudio.core.routes import Parameter

__all__ = ["Operation", "Parameter", "operations"]


@attrs.frozen
class Operation:
    """One operation of Sim's versioned REST API.

    Attributes:
        id: Operation id in Sim's OpenAPI documents.
        verb: HTTP method.
        path: Path template, with the wire names of the path parameters in braces.
        attribute: Dotted path of the method from a client: ``v2.workflows.deploy``.
        parameters: Wire name and place (``path``, ``query``, ``header``, ``body``) by Python name.
        is_list: Whether the method returns a :class:`~simstudio.Pager`.
        evidence: ``recorded`` if a real server was seen to carry it out, not only to refuse it; else ``documented``.
    """

    id: str
    version: Literal["v1", "v2"]
    verb: str
    path: str
    attribute: str
    parameters: Mapping[str, Parameter]
    is_list: bool
    evidence: Literal["recorded", "documented"] = "recorded"

    def of(self, client: Any) -> Any:
        """The bound method of a client.

        Example:
            >>> operations()[0].of(client)  # doctest: +SKIP
        """
        member = client
        for name in self.attribute.split("."):
            member = getattr(member, name)
        return member


@lru_cache(maxsize=16)
def operations(prefix: str = "") -> tuple[Operation, ...]:
    """The operations of ``client.v1`` and ``client.v2``, in the order of the namespaces.

    Args:
        prefix: Beginning of ``attribute``, such as ``v2.tables.``; only the namespaces that it can mean are imported.
    """
    from simstudio.resources.v1 import V1
    from simstudio.resources.v2 import V2

    unbound: Any = None  # a namespace uses its context only when it sends a request
    roots = (V1(unbound, "v1"), V2(unbound, "v2"))
    return tuple(each for root in roots for each in _operations_of(root, prefix))


def _operations_of(resource: APIResource[Any], prefix: str) -> Iterator[Operation]:
    from simstudio.core.operation import listing

    for name, member in _members(type(resource)):
        attribute = f"{resource._name}.{name}"
        if isinstance(member, namespace):
            inside = f"{attribute}."
            if inside.startswith(prefix) or prefix.startswith(inside):
                yield from _operations_of(getattr(resource, name), prefix)
            continue
        route = getattr(getattr(member, "flow", None), "route", None)
        if route is not None and attribute.startswith(prefix):
            yield Operation(
                route.id,
                "v1" if route.path.startswith("/api/v1/") else "v2",
                route.verb,
                route.path,
                attribute,
                MappingProxyType(dict(route.parameters)),
                isinstance(member, listing),
                route.evidence or resource._evidence,
            )


def _members(kind: type) -> Iterator[tuple[str, Any]]:
    """The members of a class in the order of their definition, base classes first."""
    for base in reversed(inspect.getmro(kind)):
        yield from vars(base).items()
