from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from simstudio import AsyncPager, InvalidInputError, InvalidResponseError, Page, Pager, Request, Response, ServerError
from simstudio.core.endpoint import Sender, paged
from simstudio.core.model import Model, model
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.parameters import between
from simstudio.core.resource import APIResource
from simstudio.transport.flow import Flow
from tests.driving import KEY, Both, answer, async_client, client, resource
from tests.modes import MODES


@model
class Thing(Model):
    id: str
    size: int | None = None


class Counted(Pages[Thing]):
    """A list whose server knows no cursors: the page's number is one."""

    def __init__(self, send: Sender) -> None:
        super().__init__(Thing, send.query.pop("cursor", None))
        self.send = send

    def fetch(self, cursor: str | None) -> Flow[Page[Thing]]:
        number = int(cursor or 1)
        self.send.query["page"] = str(number)
        response = yield from self.send()
        things = [Thing(each) for each in response.json()]
        return Page(things, str(number + 1) if things else None)


class Things(APIResource[M]):
    """Lists."""

    @paged("GET", "/api/{shelf}/things", "listThings")
    def list(
        self,
        send: Sender,
        shelf: str = "a",
        *,
        color: str | None = None,
        limit: Annotated[int | None, between(1, 100)] = None,
        cursor: str | None = None,
    ) -> Pages[Thing]:
        """List things."""
        return send.pages(Thing)

    @paged("GET", "/api/nested", "listNested")
    def nested(self, send: Sender, *, cursor: str | None = None) -> Pages[Thing]:
        """List things that are deep in the answer."""
        return send.pages(Thing, "data", "things")

    @paged("POST", "/api/search", "searchThings")
    def search(self, send: Sender, *, color: str, cursor: str | Unset = UNSET) -> Pages[Thing]:
        """List things that a body describes."""
        return send.pages(Thing)

    @paged("GET", "/api/counted", "listCounted")
    def counted(self, send: Sender, *, cursor: str | None = None) -> Pages[Thing]:
        """List things by the page's number."""
        return Counted(send)


def page(*ids: str, after: Any = None, **besides: Any) -> Response:
    """A page of things."""
    return answer(200, {"data": [{"id": each} for each in ids], "nextCursor": after, **besides})


def asked(made: Any) -> list[dict[str, str]]:
    """The query of each request."""
    return [dict(parse_qsl(urlsplit(request.url).query)) for request in made.script.requests]


class Lists:
    """The lists of the sync or the async client, read the same way."""

    def __init__(self, both: Both) -> None:
        self.both = both

    def client(self, *answers: Any, **options: Any) -> Any:
        made = self.both.client(*answers, **options)
        made.things = resource(Things, made)
        return made

    async def items(self, pager: Any, most: int | None = None) -> list[str]:
        """The ids of a list, leaving early after ``most``."""
        found = []
        if self.both.asynchronous:
            async for thing in pager:
                found.append(thing.id)
                if len(found) == most:
                    break
        else:
            for thing in pager:
                found.append(thing.id)
                if len(found) == most:
                    break
        return found

    async def pages(self, pager: Any) -> list[Page[Thing]]:
        """The pages of a list."""
        return [page async for page in pager.pages()] if self.both.asynchronous else list(pager.pages())

    def step(self, pager: Any) -> Callable[[], Any]:
        """A function that gives the next item each time."""
        iterator = aiter(pager) if self.both.asynchronous else iter(pager)
        return lambda: self.both(anext(iterator) if self.both.asynchronous else next(iterator))


@pytest.fixture(params=MODES)
def lists(request: pytest.FixtureRequest) -> Lists:
    return Lists(Both(request.param))


class TestLaziness:
    async def test_nothing_is_sent_before_something_is_asked_for(self, lists: Lists) -> None:
        made = lists.client()
        pager = made.things.list()
        pager.pages()
        assert isinstance(pager, AsyncPager if lists.both.asynchronous else Pager)
        assert asked(made) == []

    async def test_a_page_is_fetched_when_its_first_item_is_asked_for(self, lists: Lists) -> None:
        made = lists.client(page("1", "2", after="c"), page("3"))
        step = lists.step(made.things.list())
        counts = []
        for _ in range(3):
            await step()
            counts.append(len(asked(made)))
        assert counts == [1, 1, 2]

    async def test_leaving_early_fetches_no_more(self, lists: Lists) -> None:
        made = lists.client(page("1", "2", after="c"))
        assert await lists.items(made.things.list(), most=2) == ["1", "2"]
        assert len(asked(made)) == 1

    async def test_each_iteration_starts_anew(self, lists: Lists) -> None:
        made = lists.client(page("1", after="c"), page("2"), page("3"))
        pager = made.things.list()
        assert await lists.items(pager) == ["1", "2"]
        assert await lists.items(pager) == ["3"]
        assert asked(made) == [{}, {"cursor": "c"}, {}]

    async def test_two_iterations_at_once_do_not_disturb_each_other(self, lists: Lists) -> None:
        made = lists.client(page("1", after="c"), page("1", after="d"), page("2"), page("3"))
        pager = made.things.list()
        first, second = lists.step(pager), lists.step(pager)
        assert [(await each()).id for each in (first, second, first, second)] == ["1", "1", "2", "3"]
        assert asked(made) == [{}, {}, {"cursor": "c"}, {"cursor": "d"}]


class TestTheEnd:
    async def test_it_is_a_page_that_names_no_next_one(self, lists: Lists) -> None:
        made = lists.client(page("1", after="c"), page("2"))
        assert await lists.items(made.things.list()) == ["1", "2"]

    @pytest.mark.parametrize("body", [{"data": []}, {"data": [], "nextCursor": ""}, {"data": [], "nextCursor": 5}])
    async def test_so_is_one_without_a_usable_cursor(self, lists: Lists, body: Any) -> None:
        assert await lists.items(lists.client(answer(200, body)).things.list()) == []

    async def test_short_and_empty_pages_are_not_the_end(self, lists: Lists) -> None:
        made = lists.client(page("1", "2", after="c"), page("3", after="d"), page(after="e"), page("4"))
        assert await lists.items(made.things.list(limit=2)) == ["1", "2", "3", "4"]
        assert [each.get("cursor") for each in asked(made)] == [None, "c", "d", "e"]

    async def test_a_page_that_follows_itself_is_an_error_after_its_items(self, lists: Lists) -> None:
        made = lists.client(page("1", after="c"), page("2", after="c"))
        step = lists.step(made.things.list())
        assert [(await step()).id, (await step()).id] == ["1", "2"]
        with pytest.raises(InvalidResponseError, match="'c' a second time"):
            await step()
        assert len(asked(made)) == 2

    async def test_even_when_it_is_the_page_a_list_was_resumed_at(self, lists: Lists) -> None:
        made = lists.client(page("1", after="c"))
        with pytest.raises(InvalidResponseError, match="'c'"):
            await lists.items(made.things.list(cursor="c"))

    @pytest.mark.parametrize("length", [2, 3, 7])
    async def test_pages_in_a_cycle_end_when_the_first_comes_again(self, lists: Lists, length: int) -> None:
        made = lists.client(*[page(str(n), after=f"c{n % length}") for n in range(3 * length)])
        with pytest.raises(InvalidResponseError, match="'c0' a second time"):
            await lists.items(made.things.list())
        assert len(asked(made)) == length + 1

    @pytest.mark.parametrize("length", [1, 2, 5])
    async def test_so_do_pages_that_come_again_under_new_cursors(self, lists: Lists, length: int) -> None:
        made = lists.client(*[page(str(n % length), after=f"c{n}") for n in range(50)])
        with pytest.raises(InvalidResponseError, match="the same page again"):
            await lists.items(made.things.list())
        assert len(asked(made)) <= 3 * length + 1

    async def test_empty_pages_without_end_are_given_up(self, lists: Lists) -> None:
        made = lists.client(*[page(after=f"c{n}") for n in range(1001)])
        with pytest.raises(InvalidResponseError, match="1,000 empty pages one after another"):
            await lists.items(made.things.list())
        assert len(asked(made)) == 1000

    async def test_each_iteration_counts_anew(self, lists: Lists) -> None:
        made = lists.client(*[page("1", after="c"), page("2")] * 2)
        pager = made.things.list()
        assert await lists.items(pager) == await lists.items(pager) == ["1", "2"]


class TestPages:
    async def test_they_come_one_by_one_with_the_cursor_that_follows(self, lists: Lists) -> None:
        made = lists.client(page("1", after="c"), page(after="d"), page("2"))
        pages = await lists.pages(made.things.list())
        assert [([thing.id for thing in each.items], each.next_cursor) for each in pages] == [
            (["1"], "c"),
            ([], "d"),
            (["2"], None),
        ]

    async def test_the_first_one_alone(self, lists: Lists) -> None:
        made = lists.client(page("1", after="c"), page("1"))
        pager = made.things.list()
        assert await lists.both(pager.page()) == Page([Thing("1")], "c")
        assert await lists.both(pager.page()) == Page([Thing("1")])
        assert asked(made) == [{}, {}]

    async def test_a_list_goes_on_at_a_cursor(self, lists: Lists) -> None:
        made = lists.client(page("2", after="d"), page("3"))
        assert await lists.items(made.things.list(cursor="c")) == ["2", "3"]
        assert asked(made) == [{"cursor": "c"}, {"cursor": "d"}]

    async def test_every_page_is_asked_for_with_the_same_filters(self, lists: Lists) -> None:
        made = lists.client(page("1", after="c/="), page("2"))
        await lists.items(made.things.list("b/c", color="r&d", limit=5))
        assert asked(made) == [{"color": "r&d", "limit": "5"}, {"color": "r&d", "limit": "5", "cursor": "c/="}]
        assert {urlsplit(request.url).path for request in made.script.requests} == {"/api/b%2Fc/things"}

    async def test_a_list_that_is_posted_has_its_cursor_in_the_body_and_is_a_read(
        self, lists: Lists, no_waiting: list[float]
    ) -> None:
        made = lists.client(page("1", after="c"), answer(503), page("2"))
        assert await lists.items(made.things.search(color="r")) == ["1", "2"]
        assert [(request.method, request.json()) for request in made.script.requests] == [
            ("POST", {"color": "r"}),
            ("POST", {"color": "r", "cursor": "c"}),
            ("POST", {"color": "r", "cursor": "c"}),
        ]
        assert asked(made) == [{}, {}, {}]

    async def test_one_keeps_what_the_answer_says_besides(self, lists: Lists) -> None:
        made = lists.client(page("1", success=True, limits={"plan": "free"}, scope="user"))
        got = await lists.both(made.things.list().page())
        assert got.extra == {"limits": {"plan": "free"}, "scope": "user"}

    async def test_items_deep_in_the_answer_and_what_stands_beside_them(self, lists: Lists) -> None:
        body = {"success": True, "data": {"things": [{"id": "1"}], "totalCount": 7}}
        got = await lists.both(lists.client(answer(200, body)).things.nested().page())
        assert got == Page([Thing("1")], None, {"totalCount": 7})

    async def test_whatever_the_server_pages_by(self, lists: Lists) -> None:
        made = lists.client(*(answer(200, ids) for ids in (["1"], ["2"], [])))
        pages = await lists.pages(made.things.counted())
        assert [each.next_cursor for each in pages] == ["2", "3", None]
        assert asked(made) == [{"page": "1"}, {"page": "2"}, {"page": "3"}]

    def test_one_pickles(self) -> None:
        original = Page([Thing("1", 5)], "c", {"limits": {}})
        assert pickle.loads(pickle.dumps(original)) == original


class TestErrors:
    async def test_one_in_the_middle_comes_after_the_items_before_it(self, lists: Lists) -> None:
        failure = answer(500, {"error": f"no {KEY} today"})
        made = lists.client(page("1", after="c"), failure, max_retries=0)
        step = lists.step(made.things.list())
        assert (await step()).id == "1"
        with pytest.raises(ServerError) as caught:
            await step()
        error = caught.value
        assert error.response is not None
        assert (error.status, error.response.method, error.response.path) == (500, "GET", "/api/a/things")
        for text in (str(error), repr(error), pickle.dumps(error).decode("latin-1")):
            assert KEY not in text
        assert "GET /api/a/things" in str(error)

    async def test_a_page_is_asked_for_again_when_that_may_help(self, lists: Lists, no_waiting: list[float]) -> None:
        made = lists.client(page("1", after="c"), answer(503), page("2"))
        assert await lists.items(made.things.list()) == ["1", "2"]
        assert [each.get("cursor") for each in asked(made)] == [None, "c", "c"]
        assert len(no_waiting) == 1

    async def test_a_list_can_be_read_on_after_one(self, lists: Lists) -> None:
        made = lists.client(page("1", after="c"), answer(500), page("1", after="c"), page("2"), max_retries=0)
        pager = made.things.list()
        with pytest.raises(ServerError):
            await lists.items(pager)
        assert await lists.items(pager) == ["1", "2"]

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ({}, "GET /api/a/things answered 200, but the body has no 'data'"),
            ([], "the body has no 'data'"),
            ({"data": {"things": []}}, "an object and not a list"),
        ],
    )
    async def test_an_answer_that_is_no_page_says_where(self, lists: Lists, body: Any, message: str) -> None:
        made = lists.client(answer(200, body))
        with pytest.raises(InvalidResponseError, match=message) as caught:
            await lists.items(made.things.list())
        assert caught.value.status == 200

    async def test_an_odd_item_is_on_the_page_as_it_came(self, lists: Lists) -> None:
        made = lists.client(answer(200, {"data": [{"id": 5}, None, "x"]}))
        page = await lists.both(made.things.list().page())
        assert page.items == [{"id": 5}, None, "x"]
        assert page.items[0].id == 5

    async def test_what_may_not_be_asked_is_refused_when_the_list_is_made(self, lists: Lists) -> None:
        made = lists.client()
        with pytest.raises(InvalidInputError, match="limit must be from 1 to 100: 0"):
            made.things.list(limit=0)
        with pytest.raises(TypeError, match=r"Things.list\(\) got an unexpected keyword argument 'limits'"):
            made.things.list(limits=1)


class TestRaw:
    async def test_with_the_response_it_is_the_first_page(self, lists: Lists) -> None:
        made = lists.client(page("1", after="c"))
        raw = resource(Things, made.with_raw_response)
        answered = await lists.both(raw.list(limit=1))
        assert (answered.status, answered.parse()) == (200, Page([Thing("1")], "c"))
        assert asked(made) == [{"limit": "1"}]

    async def test_at_a_cursor_it_is_the_page_there(self, lists: Lists) -> None:
        made = lists.client(page("2"))
        raw = resource(Things, made.with_raw_response)
        assert (await lists.both(raw.list(cursor="c"))).parse() == Page([Thing("2")])
        assert asked(made) == [{"cursor": "c"}]


class TestThreads:
    def test_one_list_serves_many_threads(self) -> None:
        def respond(request: Request) -> Response:
            cursor = int(dict(parse_qsl(urlsplit(request.url).query)).get("cursor", "0"))
            return page(str(cursor), after=str(cursor + 1) if cursor < 4 else None)

        made = client(*[respond] * 40)
        pager = resource(Things, made).list()
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: [thing.id for thing in pager], range(8)))
        assert found == [["0", "1", "2", "3", "4"]] * 8


class TestFace:
    def test_the_signature_has_the_arguments_of_a_caller(self) -> None:
        parameters = inspect.signature(client().v2.audit_logs.list).parameters
        assert "call" not in parameters
        assert parameters["limit"].default is None

    def test_it_shows_its_server_and_no_key(self) -> None:
        assert repr(client().v2.audit_logs.list()) == "<Pager of <AuditLogs of https://sim.test>>"
        assert repr(async_client().v2.audit_logs.list()) == "<AsyncPager of <AuditLogs of https://sim.test>>"
