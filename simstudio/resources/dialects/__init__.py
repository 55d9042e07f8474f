"""Dialects: the same calls in the routes and bodies of one version of Sim's API.

``client.workflows``, ``client.jobs``, ``client.usage`` and the flat methods call a :class:`Dialect`, which builds the
requests and reads the responses. There are two: :mod:`~simstudio.resources.dialects.legacy` (the unversioned,
documented routes, ``api_version="v1"``) and :mod:`~simstudio.resources.dialects.v2`. A client uses one of them, and the
other only for receipts and jobs that came from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic

from simstudio.core.modes import M
from simstudio.core.resource import namespace

if TYPE_CHECKING:
    from simstudio.core.context import Context
    from simstudio.resources.dialects.base import Dialect


class Dialects(Generic[M]):
    """The dialects of one client, each created when it is first used.

    Attributes:
        version: The client's ``api_version``.
    """

    def __init__(self, context: Context, version: str) -> None:
        self._context = context
        self.version = version

    @property
    def own(self) -> Dialect[M]:
        """The dialect of the client's ``api_version``."""
        return self.of(self.version)

    def of(self, version: str) -> Dialect[M]:
        """The dialect of an API version."""
        return self._v2 if version == "v2" else self._legacy

    @namespace
    def _legacy(self) -> Dialect[M]:
        from simstudio.resources.dialects.legacy import LegacyDialect

        return LegacyDialect(self._context, "")

    @namespace
    def _v2(self) -> Dialect[M]:
        from simstudio.resources.dialects.v2 import V2Dialect

        return V2Dialect(self._context, "")
