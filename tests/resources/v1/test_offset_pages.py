"""Lists that are paged by offsets: where they go on, and where they end."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

import simstudio as sim
from simstudio.resources.v1.offset_pages import has_more, total_of
from tests.driving import Both, answer


def rows(*numbers: int, total: Any = None, **said: Any) -> Any:
    """A page of rows as Sim answers it."""
    found = [{"id": f"row_{number}", "data": {"n": number}, "position": number} for number in numbers]
    data = {"rows": found, "rowCount": len(found), **said}
    return answer(200, {"success": True, "data": data if total is None else {**data, "totalCount": total}})


def documents(*numbers: int, **pagination: Any) -> Any:
    found = [{"id": f"doc_{number}"} for number in numbers]
    return answer(200, {"success": True, "data": {"documents": found, "pagination": pagination}})


async def collected(both: Both, pager: Any) -> list[str]:
    return [item.id async for item in pager] if both.asynchronous else [item.id for item in pager]


async def pages(both: Both, pager: Any) -> list[Any]:
    return [page async for page in pager.pages()] if both.asynchronous else list(pager.pages())


def asked(client: Any) -> list[dict[str, str]]:
    """The queries, without the workspace."""
    queries = [dict(parse_qsl(urlsplit(request.url).query)) for request in client.script.requests]
    assert all(query.pop("workspaceId") == "ws" for query in queries)
    return queries


def rows_of(client: Any, **arguments: Any) -> Any:
    return client.v1.tables.rows.list("tbl_1", workspace_id="ws", **arguments)


def documents_of(client: Any, **arguments: Any) -> Any:
    return client.v1.knowledge.documents.list("kb-1", workspace_id="ws", **arguments)


# -- the course of a list ------------------------------------------------------------------------------------------


async def test_each_page_begins_where_the_one_before_ended(both):
    client = both.client(rows(0, 1, total=5), rows(2, 3, total=5), rows(4, total=5))

    found = await collected(both, rows_of(client, limit=2, sort={"n": "asc"}))

    assert found == ["row_0", "row_1", "row_2", "row_3", "row_4"]
    sort = '{"n":"asc"}'
    assert asked(client) == [
        {"limit": "2", "sort": sort},
        {"limit": "2", "sort": sort, "offset": "2"},
        {"limit": "2", "sort": sort, "offset": "4"},
    ]


async def test_rows_are_asked_for_by_the_hundred_where_nothing_else_is_said(both):
    client = both.client(rows(0, total=1))

    await collected(both, rows_of(client))

    assert asked(client) == [{"limit": "100"}]


async def test_all_rows_come_in_one_answer_where_no_limit_is_wanted(both):
    client = both.client(rows(*range(300), total=300))

    assert len(await collected(both, rows_of(client, limit=None))) == 300
    assert asked(client) == [{}]


async def test_documents_leave_their_limit_to_the_server(both):
    client = both.client(documents(1, total="1", limit=50, offset=0, hasMore=False))

    await collected(both, documents_of(client))

    assert asked(client) == [{}]


async def test_a_short_page_is_not_the_end(both):
    client = both.client(rows(0, total=3), rows(1, 2, total=3))

    assert len(await collected(both, rows_of(client, limit=2))) == 3
    assert [query.get("offset") for query in asked(client)] == [None, "1"]


async def test_the_page_that_reaches_the_total_is_the_end_however_full_it_is(both):
    client = both.client(rows(0, 1, total=2))

    (page,) = await pages(both, rows_of(client, limit=2))

    assert page.next_cursor is None


async def test_an_empty_page_is_the_end_whatever_the_total(both):
    client = both.client(rows(0, total=9), rows(total=9))

    assert len(await collected(both, rows_of(client, limit=1))) == 1


async def test_a_list_without_a_total_ends_with_an_empty_page(both):
    client = both.client(rows(0, 1), rows(2), rows())

    assert len(await collected(both, rows_of(client, limit=2))) == 3


async def test_a_list_without_a_total_ends_where_the_server_has_no_more(both):
    client = both.client(documents(1, 2, hasMore=True), documents(3, hasMore=False))

    assert len(await collected(both, documents_of(client, limit=2))) == 3


async def test_a_total_of_digits_counts(both):
    client = both.client(documents(1, 2, total="3", hasMore=True), documents(3, total="3", hasMore=False))

    first, last = await pages(both, documents_of(client, limit=2))

    assert first.extra["totalCount"] == last.extra["totalCount"] == 3
    assert first.extra["pagination"] == {"total": "3", "hasMore": True}
    assert [query.get("offset") for query in asked(client)] == [None, "2"]


async def test_nothing_is_sent_before_a_page_is_asked_for_and_none_ahead(both):
    client = both.client(rows(0, 1, total=4))

    pager = rows_of(client, limit=2)
    assert client.script.requests == []
    page = await both(pager.page())

    assert len(client.script.requests) == 1
    assert [row.id for row in page.items] == ["row_0", "row_1"]


async def test_each_iteration_begins_anew(both):
    client = both.client(rows(0, total=1), rows(0, total=1))
    pager = rows_of(client)

    assert await collected(both, pager) == await collected(both, pager)


async def test_a_raw_response_is_the_first_page(both):
    client = both.client(rows(0, total=2))

    response = await both(rows_of(client.with_raw_response, limit=1))

    assert response.parse().next_cursor == "1"


# -- where to begin ------------------------------------------------------------------------------------------------


async def test_an_offset_is_where_a_list_begins(both):
    client = both.client(rows(3, 4, total=6), rows(5, total=6))

    assert await collected(both, rows_of(client, limit=2, offset=3)) == ["row_3", "row_4", "row_5"]
    assert [query["offset"] for query in asked(client)] == ["3", "5"]


async def test_an_offset_of_zero_is_sent(both):
    client = both.client(documents(1, total="1"))

    await collected(both, documents_of(client, offset=0))

    assert asked(client) == [{"offset": "0"}]


async def test_a_cursor_is_the_offset_of_what_comes_next(both):
    client = both.client(rows(0, 1, total=3))

    assert (await both(rows_of(client, limit=2).page())).next_cursor == "2"


async def test_a_list_goes_on_at_a_cursor_and_not_at_its_offset(both):
    client = both.client(rows(7, total=8))

    assert await collected(both, rows_of(client, offset=3, cursor="7")) == ["row_7"]
    assert [query["offset"] for query in asked(client)] == ["7"]


@pytest.mark.parametrize("cursor", ["", "-1", "1.5", "eyJ2IjoxfQ==", "٣", 7])
def test_a_cursor_of_another_list_is_refused_before_anything_is_sent(both, cursor):
    client = both.client()

    with pytest.raises(sim.InvalidInputError, match="cursor must be"):
        rows_of(client, cursor=cursor)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"limit": 0}, "limit must be from 1 to 1,000: 0"),
        ({"limit": 1001}, "limit must be from 1 to 1,000: 1001"),
        ({"offset": -1}, "offset must be at least 0: -1"),
        ({"limit": "10"}, "limit must be a whole number"),
        ({"filter": '{"a":1}'}, "filter must be"),
    ],
)
def test_what_rows_cannot_be_asked_is_refused_by_name_and_limit(both, arguments, text):
    with pytest.raises(sim.InvalidInputError, match=text):
        rows_of(both.client(), **arguments)


# -- what the answers say ------------------------------------------------------------------------------------------


async def test_an_answer_without_the_list_is_no_page(both):
    client = both.client(answer(200, {"success": True, "data": {"rowCount": 0}}))

    with pytest.raises(sim.InvalidResponseError, match=r"data\.rows"):
        await collected(both, rows_of(client))


@pytest.mark.parametrize(
    ("extra", "total"),
    [
        ({"totalCount": 3}, 3),
        ({"totalCount": "12"}, 12),
        ({"pagination": {"total": "12"}}, 12),
        ({"pagination": {"total": 0}}, 0),
        ({"totalCount": None, "pagination": {"total": 4}}, 4),
        ({"totalCount": True}, None),
        ({"totalCount": "many"}, None),
        ({"pagination": "none"}, None),
        ({}, None),
    ],
)
def test_a_total_is_a_number_or_its_digits(extra, total):
    assert total_of(extra) == total


@pytest.mark.parametrize(("extra", "more"), [({"pagination": {"hasMore": False}}, False), ({}, True)])
def test_more_may_follow_unless_the_server_denies_it(extra, more):
    assert has_more(extra) is more
