"""``client.v1``: the operations under ``/api/v1``, as Sim v0.6.43 has them.

Responses have four shapes (``{data, nextCursor?, limits}``, ``{success, data: {…}}``, bare fields, bytes); the methods
return the data. Reads are retried; writes are retried only if nothing was executed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simstudio.core.modes import M
from simstudio.core.resource import APIResource, namespace

if TYPE_CHECKING:
    from simstudio.resources.v1.audit_logs import AuditLogs
    from simstudio.resources.v1.files import Files
    from simstudio.resources.v1.knowledge import Knowledge
    from simstudio.resources.v1.logs import Logs
    from simstudio.resources.v1.tables import Tables
    from simstudio.resources.v1.workflows import Workflows


class V1(APIResource[M]):
    """The namespaces of ``/api/v1``, each imported when it is first used.

    Every method raises :class:`~simstudio.InvalidInputError` before sending if an argument is out of its documented
    range, and otherwise a subclass of :class:`~simstudio.SimStudioError`; ``Raises`` lists causes that are specific to
    a method. Responses with ``limits`` report the account's rate limits and usage; ``client.with_raw_response`` shows
    them where the result does not.
    """

    @namespace
    def workflows(self) -> Workflows[M]:
        """Workflows: list, deploy, roll back, export and import."""
        from simstudio.resources.v1.workflows import Workflows

        return Workflows(self._context, f"{self._name}.workflows")

    @namespace
    def logs(self) -> Logs[M]:
        """Logs of executions."""
        from simstudio.resources.v1.logs import Logs

        return Logs(self._context, f"{self._name}.logs")

    @namespace
    def audit_logs(self) -> AuditLogs[M]:
        """Audit log of an organization (Enterprise plan)."""
        from simstudio.resources.v1.audit_logs import AuditLogs

        return AuditLogs(self._context, f"{self._name}.audit_logs")

    @namespace
    def tables(self) -> Tables[M]:
        """Tables with their columns and rows."""
        from simstudio.resources.v1.tables import Tables

        return Tables(self._context, f"{self._name}.tables")

    @namespace
    def files(self) -> Files[M]:
        """Files of a workspace."""
        from simstudio.resources.v1.files import Files

        return Files(self._context, f"{self._name}.files")

    @namespace
    def knowledge(self) -> Knowledge[M]:
        """Knowledge bases with their documents, and search."""
        from simstudio.resources.v1.knowledge import Knowledge

        return Knowledge(self._context, f"{self._name}.knowledge")
