"""How each generation of Sim's API is spoken: the same questions, in the words of one of them.

``client.workflows``, ``client.jobs``, ``client.usage`` and the flat methods say *what* is wanted; a :class:`Dialect`
says it to the server and understands the answer. There are two: :mod:`~simstudio.resources.dialects.legacy` (the
unversioned routes of the documents, ``api_version="v1"``) and :mod:`~simstudio.resources.dialects.v2`. A client speaks
one of them; a receipt or a job of the other is asked for in the one it came in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic

from simstudio.core.modes import M
from simstudio.core.namespace import namespace

if TYPE_CHECKING:
    from simstudio.core.context import Context
    from simstudio.resources.dialects.base import Dialect


class Dialects(Generic[M]):
    """The dialects of one client; each is made when it is first spoken.

    Attributes:
        version: What the client speaks.
    """

    def __init__(self, context: Context, version: str) -> None:
        self._context = context
        self.version = version

    @property
    def own(self) -> Dialect[M]:
        """What the client speaks."""
        return self.of(self.version)

    def of(self, version: str) -> Dialect[M]:
        """The dialect of a version."""
        return self._v2 if version == "v2" else self._legacy

    @namespace
    def _legacy(self) -> Dialect[M]:
        from simstudio.resources.dialects.legacy import LegacyDialect

        return LegacyDialect(self._context, "")

    @namespace
    def _v2(self) -> Dialect[M]:
        from simstudio.resources.dialects.v2 import V2Dialect

        return V2Dialect(self._context, "")
