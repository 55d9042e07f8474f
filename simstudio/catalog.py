"""The catalogue: every operation of the versioned REST surface that this package has, as data.

It is read off the methods themselves, so it cannot differ from them::

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

from simstudio.core.namespace import namespace
from simstudio.core.resource import APIResource
from simstudio.core.routes import Parameter

__all__ = ["Operation", "Parameter", "operations"]


@attrs.frozen
class Operation:
    """One operation.

    Attributes:
        id: What Sim calls it.
        version: ``v1`` or ``v2``.
        verb: ``GET``, ``POST`` …
        path: With the wire names of path parameters in braces.
        attribute: Where it is, dotted from a client: ``v2.workflows.deploy``.
        parameters: By Python name: its name on the wire and its place (``path``, ``query``, ``header``, ``body``).
        is_list: Whether it gives a :class:`~simstudio.Pager`.
    """

    id: str
    version: Literal["v1", "v2"]
    verb: str
    path: str
    attribute: str
    parameters: Mapping[str, Parameter]
    is_list: bool

    def of(self, client: Any) -> Any:
        """The operation of a client, ready to be called.

        Example:
            >>> operations()[0].of(client)  # doctest: +SKIP
        """
        found = client
        for name in self.attribute.split("."):
            found = getattr(found, name)
        return found


@lru_cache(maxsize=1)
def operations() -> tuple[Operation, ...]:
    """Every operation of ``client.v1`` and ``client.v2``, in the order of the namespaces."""
    from simstudio.resources.v1 import V1
    from simstudio.resources.v2 import V2

    unbound: Any = None  # a namespace needs its context only to send
    return (*_of(V1(unbound, "v1")), *_of(V2(unbound, "v2")))


def _of(resource: APIResource[Any]) -> Iterator[Operation]:
    from simstudio.core.listing import listing

    kind = type(resource)
    for name, member in _members(kind):
        if isinstance(member, namespace):
            yield from _of(getattr(resource, name))
            continue
        route = getattr(getattr(member, "flow", None), "route", None)
        if route is not None:
            yield Operation(
                route.id,
                "v1" if route.path.startswith("/api/v1/") else "v2",
                route.verb,
                route.path,
                f"{resource._name}.{name}",
                MappingProxyType(dict(route.parameters)),
                isinstance(member, listing),
            )


def _members(kind: type) -> Iterator[tuple[str, Any]]:
    """What a namespace has, in the order it is written, bases first."""
    for base in reversed(inspect.getmro(kind)):
        yield from vars(base).items()
