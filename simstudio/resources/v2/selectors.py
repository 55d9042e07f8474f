"""``client.v2.selectors``: choices for settings of blocks."""

from __future__ import annotations

from collections.abc import Mapping

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.models.v2.selectors import SelectorKey, SelectorOption
from simstudio.resources.parameters import Search, WorkspaceId
from simstudio.transport.flow import Flow


class Selectors(APIResource[M]):
    """Choices for settings of blocks, such as the channels of a Slack account. Needs a personal key.

    Known from Sim's documents only; servers of August 2026 have none of these operations.
    """

    _evidence = "documented"

    @paged("POST", "/api/v2/selectors/list", "listSelector")
    def list(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        selector_key: SelectorKey,
        context: Mapping[str, str] | Unset = UNSET,
        search: Search | Unset = UNSET,
        cursor: str | Unset = UNSET,
        limit: int | Unset = UNSET,
    ) -> Pages[SelectorOption]:
        """List the choices for a setting.

        Args:
            selector_key: The list of choices: ``selector_key`` of the setting.
            context: Settings that the choices depend on, such as the id of a credential.
            limit: Choices per page; default 50.

        Returns:
            The choices; ``extra["truncated"]`` of a page says whether the service has more than Sim read.

        Raises:
            ConflictError: The account has to be connected again.

        Example:
            >>> call = {"selector_key": "slack.channels", "context": {"credential": "credential-id"}}
            >>> for channel in client.v2.selectors.list("workspace-id", **call):  # doctest: +SKIP
            ...     print(channel.id, channel.label)
        """
        return send.pages(SelectorOption)

    @endpoint("POST", "/api/v2/selectors/get", "getSelector", resend="read")
    def get(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        selector_key: SelectorKey,
        id: str,
        context: Mapping[str, str] | Unset = UNSET,
    ) -> Flow[SelectorOption | None]:
        """Retrieve one choice for a setting. The arguments are otherwise those of :meth:`list`.

        Args:
            id: Value of the setting.

        Returns:
            The choice; None if there is none with this id.
        """
        return send.optional(SelectorOption)
