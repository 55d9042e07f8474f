"""``flat``: an operation of a namespace under another name, on the client itself.

``client.list_agents(...)`` is ``client.agents.list(...)``: one flow, one signature, one docstring.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, TypeVar, cast

from simstudio.core.operation import operation

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    from simstudio.transport.flow import Flow

    P = ParamSpec("P")
else:
    from typing import ParamSpec

    P = ParamSpec("P")

T = TypeVar("T")


class flat(operation[P, T]):  # noqa: N801 - used like the decorator it extends
    """An operation of a client that calls an operation of one of its namespaces.

    Args:
        method: Operation of the namespace's class.
        namespace: Attribute of the client that holds the namespace.
    """

    def __init__(self, method: operation[P, T], namespace: str) -> None:
        @functools.wraps(method.flow)
        def flow(client: Any, /, *args: P.args, **kwargs: P.kwargs) -> Flow[T]:
            made: Flow[T] = method.flow(getattr(client, namespace), *args, **kwargs)
            return made

        super().__init__(cast("Any", flow))
