"""Workflows as VectorVein keeps them: create, get, list, update and delete."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.services.vectorvein.models.base import plain
from simstudio.services.vectorvein.models.workflows import Workflow, WorkflowListResponse
from simstudio.services.vectorvein.resource import (
    VectorVeinResource,
    drop_none,
    identifier,
    invalid,
    records,
    texts,
)
from simstudio.services.vectorvein.resources.pages import Pages

if TYPE_CHECKING:
    from simstudio.transport.flow import Flow


class WorkflowDefinitions(VectorVeinResource[M]):
    """The part of ``client.workflows`` that manages workflows."""

    @operation
    def create(
        self,
        title: str = "New workflow",
        brief: str = "",
        images: Iterable[str] | None = None,
        tags: Iterable[Mapping[str, Any]] | None = None,
        data: Mapping[str, Any] | None = None,
        language: str = "zh-CN",
        tool_call_data: Mapping[str, Any] | None = None,
        source_workflow_wid: str | None = None,
    ) -> Flow[Workflow]:
        """Create a workflow.

        Args:
            brief: Short description.
            images: URLs of its pictures.
            tags: Its tags, as ``{"tid": …}``.
            data: Nodes and edges.
            language: Language of its texts.
            tool_call_data: Description of it as a tool.
            source_workflow_wid: Id of the workflow to copy.

        Example:
            >>> client.create_workflow("Summaries").wid  # doctest: +SKIP
        """
        body = {
            "title": title,
            "brief": brief,
            "images": [] if images is None else texts(images, "images"),
            "tags": [] if tags is None else plain(records(tags, "tags"), unset=False),
            "data": {"nodes": [], "edges": []} if data is None else plain(data),
            "language": language,
            "tool_call_data": {} if tool_call_data is None else plain(tool_call_data),
            **drop_none(source_workflow_wid=source_workflow_wid),
        }
        envelope = yield from self._write("workflow/create", body)
        return self._data(envelope, Workflow)

    @operation
    def get(self, wid: str) -> Flow[Workflow]:
        """Retrieve a workflow with its nodes and edges.

        Example:
            >>> client.get_workflow("wid").data["nodes"]  # doctest: +SKIP
        """
        envelope = yield from self._read("workflow/get", {"wid": identifier(wid, "wid")})
        return self._data(envelope, Workflow, {"wid": wid})

    @operation
    def list(
        self,
        page: int = 1,
        page_size: int = 10,
        tags: Iterable[str] | None = None,
        sort_field: str = "update_time",
        sort_order: str = "descend",
        search_text: str | None = None,
        workflow_related: str | None = None,
        need_fast_access: bool | None = None,  # noqa: FBT001 - the documented signature
        use_in_chrome_extension: bool | None = None,  # noqa: FBT001
        client: str | None = None,
    ) -> Flow[WorkflowListResponse]:
        """List workflows, one page of them; :meth:`iterate` gives all.

        Args:
            page: Page number, from 1.
            page_size: Workflows a page.
            tags: Ids of tags that the workflows have.
            sort_order: ``descend`` or ``ascend``.
            search_text: Text that the workflows match.
            workflow_related: Filter of VectorVein's site; sent as given, like the following.

        Example:
            >>> [each.title for each in client.list_workflows(search_text="summary").workflows]  # doctest: +SKIP
        """
        filters = _filters(
            tags=tags,
            search_text=search_text,
            workflow_related=workflow_related,
            need_fast_access=need_fast_access,
            use_in_chrome_extension=use_in_chrome_extension,
            client=client,
        )
        return (yield from self._page(page, page_size, sort_field=sort_field, sort_order=sort_order, **filters))

    def iterate(
        self,
        *,
        page_size: int = 50,
        tags: Iterable[str] | None = None,
        sort_field: str = "update_time",
        sort_order: str = "descend",
        search_text: str | None = None,
    ) -> Pages[Workflow]:
        """All workflows, fetched page by page as they are iterated over (``async for`` on an async client).

        Args:
            page_size: Workflows a page; each page is one of the 60 calls a minute.
            tags: As :meth:`list`.
            sort_field: As :meth:`list`.
            sort_order: As :meth:`list`.
            search_text: As :meth:`list`.

        Example:
            >>> [each.wid for each in client.workflows.iterate()]  # doctest: +SKIP
        """
        filters = _filters(tags=tags, search_text=search_text)

        def fetch(page: int) -> Flow[WorkflowListResponse]:
            return self._page(page, page_size, sort_field=sort_field, sort_order=sort_order, **filters)

        return Pages(self, fetch, "workflows", page_size)

    @operation
    def update(
        self,
        wid: str,
        data: Mapping[str, Any],
        title: str | None = None,
        brief: str | None = None,
        images: Iterable[str] | None = None,
        tags: Iterable[str | Mapping[str, Any]] | None = None,
        language: str | None = None,
        client: str | None = None,
    ) -> Flow[Any]:
        """Change a workflow. Fields that are not given stay unchanged; an empty text clears one.

        Args:
            wid: The workflow's id.
            data: All its nodes and edges; they replace those it has.
            client: Sent as given.

        Returns:
            The answer's data, as plain JSON data.

        Example:
            >>> data = client.get_workflow("wid").data  # doctest: +SKIP
            >>> client.update_workflow("wid", data, title="Summaries")  # doctest: +SKIP
        """
        if not isinstance(data, Mapping):
            raise invalid(f"data must be the mapping of a workflow's nodes and edges, not {type(data).__name__}.")
        changes = drop_none(title=title, brief=brief, language=language, client=client)
        if images is not None:
            changes["images"] = texts(images, "images")
        if tags is not None:
            changes["tags"] = _tags(tags)
        body = {"wid": identifier(wid, "wid"), "data": plain(data), **changes}
        return (yield from self._write("workflow/update", body)).data

    @operation
    def delete(self, wid: str) -> Flow[Any]:
        """Delete a workflow.

        Returns:
            The answer's data, as plain JSON data.

        Example:
            >>> client.delete_workflow("wid")  # doctest: +SKIP
        """
        return (yield from self._write("workflow/delete", {"wid": identifier(wid, "wid")})).data

    def _page(self, page: int, page_size: int, **options: Any) -> Flow[WorkflowListResponse]:
        envelope = yield from self._read("workflow/list", {"page": page, "page_size": page_size, **options})
        return self._data(envelope, WorkflowListResponse, workflows=list)


def _tags(tags: Iterable[str | Mapping[str, Any]]) -> object:
    """Tags as JSON data: ids, or ``{"tid": …}``."""
    given = list(tags) if isinstance(tags, Iterable) and not isinstance(tags, (str, Mapping)) else tags
    if isinstance(given, list) and all(isinstance(tag, str) for tag in given):
        return given
    return plain(records(given, "tags"), unset=False)


def _filters(*, tags: Iterable[str] | None, **filters: Any) -> dict[str, Any]:
    return drop_none(tags=None if tags is None else texts(tags, "tags"), **filters)
