from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import pytest

from simstudio import InvalidInputError
from simstudio.core.endpoint import Sender, endpoint
from simstudio.core.model import Model, model
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.parameters import between, header, items, length, local, only_true, query, wire
from simstudio.core.resource import APIResource
from simstudio.core.routes import Parameter, Route
from simstudio.transport.flow import Flow
from tests.driving import answer, async_client, client, resource


@model
class Thing(Model):
    id: str


class Things(APIResource[M]):
    """Every kind of place."""

    @endpoint("POST", "/api/things/{thingId}/at/{place}", "putThing")
    def put(
        self,
        send: Sender,
        thing_id: str,
        *,
        name: Annotated[str, length(1, 5)],
        place: int | Literal["end"] = 1,
        size: Annotated[int, between(1, 9)] | Unset | None = UNSET,
        tags: Annotated[Sequence[str] | Unset, items(1, 2)] = UNSET,
        kind_: Annotated[str | Unset, wire("KIND")] = UNSET,
        dry_run: Annotated[bool | None, query] = None,
        only: Annotated[bool, query, only_true] = False,
        run_id: Annotated[str | None, header("X-Run-Id")] = None,
        timeout: Annotated[float | None, local] = 5,
    ) -> Flow[Thing]:
        """Put a thing somewhere."""
        return send.one(Thing, timeout=timeout)

    @endpoint("GET", "/api/things", "findThing")
    def find(self, send: Sender, workspace_id: str, *, search: str | None = None) -> Flow[Thing]:
        """Find a thing."""
        return send.one(Thing)

    @endpoint("DELETE", "/api/things", "clearThings", resend="read")
    def clear(self, send: Sender, workspace_id: str) -> Flow[Thing]:
        """Remove all things."""
        return send.one(Thing)


def route(name: str) -> Route:
    found: Route = vars(Things)[name].flow.route
    return found


class TestRoute:
    def test_each_parameter_has_a_wire_name_and_a_place_in_the_order_of_the_signature(self) -> None:
        assert list(route("put").parameters.items()) == [
            ("thing_id", Parameter("thingId", "path")),
            ("name", Parameter("name", "body")),
            ("place", Parameter("place", "path")),
            ("size", Parameter("size", "body")),
            ("tags", Parameter("tags", "body")),
            ("kind_", Parameter("KIND", "body")),
            ("dry_run", Parameter("dryRun", "query")),
            ("only", Parameter("only", "query")),
            ("run_id", Parameter("X-Run-Id", "header")),
        ]
        assert {each.place for each in route("find").parameters.values()} == {"query"}

    def test_a_path_that_names_what_its_method_has_not_is_a_mistake(self) -> None:
        def method(self: Any, send: Sender, thing_id: str) -> Flow[Thing]:
            return send.one(Thing)

        with pytest.raises(TypeError, match="anOperation: no parameters \\['unknown'\\]"):
            _ = Route(method, "POST", "/{unknown}", "anOperation").parameters


def put(*args: Any, **kwargs: Any) -> Any:
    """The request of a call, as a sync client sends it."""
    made = client(answer(200, {"data": {"id": "t"}}))
    resource(Things, made).put(*args, **kwargs)
    (request,) = made.script.requests  # type: ignore[attr-defined]
    return request


class TestSending:
    def test_what_is_not_given_is_not_sent(self) -> None:
        request = put("t", name="a")
        assert request.url == "https://sim.test/api/things/t/at/1"
        assert json.loads(request.content) == {"name": "a"}
        assert "x-run-id" not in request.headers

    def test_only_a_get_may_be_sent_again_unless_the_operation_says_so(self) -> None:
        made = client(*[answer(200, {"data": {"id": "t"}})] * 3)
        resource(Things, made).put("t", name="a")
        resource(Things, made).find("w")
        resource(Things, made).clear("w")
        assert [request.resend for request in made.script.requests] == ["never", "read", "read"]  # type: ignore[attr-defined]

    def test_what_is_given_is_sent_in_its_place(self) -> None:
        request = put("t", name="a", place="end", size=5, tags=["x"], kind_="k", dry_run=True, only=True, run_id="r")
        assert request.url == "https://sim.test/api/things/t/at/end?dryRun=true&only=true"
        assert json.loads(request.content) == {"name": "a", "size": 5, "tags": ["x"], "KIND": "k"}
        assert request.headers["x-run-id"] == "r"

    def test_none_is_null_in_a_body_and_nothing_elsewhere(self) -> None:
        request = put("t", name="a", size=None, dry_run=None, run_id=None)
        assert request.url == "https://sim.test/api/things/t/at/1"
        assert json.loads(request.content) == {"name": "a", "size": None}

    def test_false_is_sent_but_for_flags_that_must_be_left_out(self) -> None:
        assert put("t", name="a", dry_run=False, only=False).url.endswith("/at/1?dryRun=false")

    def test_an_id_stays_one_segment_and_is_not_filled_in_again(self) -> None:
        assert put("a/b?{place}", name="a").url == "https://sim.test/api/things/a%2Fb%3F%7Bplace%7D/at/1"

    @pytest.mark.parametrize(
        ("args", "kwargs", "message"),
        [
            (["t"], {"name": ""}, "name must have from 1 to 5 characters"),
            (["t"], {"name": None}, "name must be text, not None"),
            (["t"], {"name": "a", "size": 10}, "size must be from 1 to 9: 10"),
            (["t"], {"name": "a", "tags": []}, "tags must have from 1 to 2 items"),
            (["t"], {"name": "a", "tags": "ab"}, "tags must be a sequence"),
            (["t"], {"name": "a", "kind_": None}, "kind_ must be text, not None"),
            (["t"], {"name": "a", "place": "start"}, "place must be 'end' or a whole number"),
            (["t"], {"name": "a", "place": True}, "place must be 'end' or a whole number"),
            ([""], {"name": "a"}, "thing_id is '', which names nothing"),
            ([None], {"name": "a"}, "thing_id must be text"),
            (["t"], {"name": UNSET}, "name must be text"),
            (["t"], {"name": "a", "run_id": "a\r\nX-Evil: 1"}, "run_id travels in a header"),
            (["t"], {"name": "a", "run_id": "ä"}, "run_id travels in a header"),
            (["t"], {"name": "a", "dry_run": "yes"}, "dry_run must be True or False or None"),
        ],
    )
    async def test_what_cannot_be_sent_is_refused_and_nothing_is_sent(
        self, args: list[Any], kwargs: dict[str, Any], message: str
    ) -> None:
        made, other = client(), async_client()
        with pytest.raises(InvalidInputError, match=message):
            resource(Things, made).put(*args, **kwargs)
        with pytest.raises(InvalidInputError, match=message):
            await resource(Things, other).put(*args, **kwargs)
        assert not made.script.requests  # type: ignore[attr-defined]
        assert not other.script.requests  # type: ignore[attr-defined]

    async def test_what_is_required_cannot_be_left_out_by_none(self) -> None:
        made, other = client(), async_client()
        with pytest.raises(InvalidInputError, match="workspace_id must be text, not None"):
            resource(Things, made).find(None)  # type: ignore[arg-type]
        with pytest.raises(InvalidInputError, match="workspace_id must be text, not None"):
            await resource(Things, other).find(None)  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("args", "kwargs", "message"),
        [
            ([], {"name": "a"}, r"Things.put\(\) missing 1 required positional argument: 'thing_id'"),
            (["t"], {"name": "a", "nam": "b"}, r"Things.put\(\) got an unexpected keyword argument 'nam'"),
            (["t", "a"], {}, r"Things.put\(\) takes 2 positional arguments but 3 were given"),
            (["t"], {"name": "a", "call": None}, r"Things.put\(\) got an unexpected keyword argument 'call'"),
        ],
    )
    def test_wrong_arguments_are_refused_as_for_any_function(
        self, args: list[Any], kwargs: dict[str, Any], message: str
    ) -> None:
        for made in (client(), async_client()):
            with pytest.raises(TypeError, match=message):
                resource(Things, made).put(*args, **kwargs)
