"""``client.v1``: the routes under ``/api/v1``, judged by the recordings of v0.6.43 (NOTES 9).

Answers come in four envelopes (``{data, nextCursor?, limits}``, ``{success, data: {…}}``, bare fields, bytes); the
methods give what is inside. Reads are sent again where that may help, writes only when surely nothing ran.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simstudio.core.modes import M
from simstudio.core.namespace import namespace
from simstudio.core.resource import APIResource

if TYPE_CHECKING:
    from simstudio.resources.v1.audit_logs import AuditLogs
    from simstudio.resources.v1.files import Files
    from simstudio.resources.v1.knowledge import Knowledge
    from simstudio.resources.v1.logs import Logs
    from simstudio.resources.v1.tables import Tables
    from simstudio.resources.v1.workflows import Workflows


class V1(APIResource[M]):
    """The namespaces of ``/api/v1``; each is imported when it is first used."""

    @namespace
    def workflows(self) -> Workflows[M]:
        """Workflows: list, deploy, roll back, export, import."""
        from simstudio.resources.v1.workflows import Workflows

        return Workflows(self._context, f"{self._name}.workflows")

    @namespace
    def logs(self) -> Logs[M]:
        """Logs of executions."""
        from simstudio.resources.v1.logs import Logs

        return Logs(self._context, f"{self._name}.logs")

    @namespace
    def audit_logs(self) -> AuditLogs[M]:
        """Who changed what (enterprise organizations)."""
        from simstudio.resources.v1.audit_logs import AuditLogs

        return AuditLogs(self._context, f"{self._name}.audit_logs")

    @namespace
    def tables(self) -> Tables[M]:
        """Tables, their columns and rows."""
        from simstudio.resources.v1.tables import Tables

        return Tables(self._context, f"{self._name}.tables")

    @namespace
    def files(self) -> Files[M]:
        """Files of a workspace."""
        from simstudio.resources.v1.files import Files

        return Files(self._context, f"{self._name}.files")

    @namespace
    def knowledge(self) -> Knowledge[M]:
        """Knowledge bases, their documents, and search."""
        from simstudio.resources.v1.knowledge import Knowledge

        return Knowledge(self._context, f"{self._name}.knowledge")
