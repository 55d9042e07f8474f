"""Every operation of the catalogue, called with what is required and with everything, against what the digest says."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pytest
from catalog_arguments import Argument, annotations, arguments, parameters, python_names
from catalog_calls import KEY, Caller, Sent, Server
from catalog_digest import Documented, DocumentedOperation, documented
from catalog_local import ALWAYS_SENT, ANY, CALENDAR_DATES, LEFT_OUT_WHEN_FALSE, LOCAL, SPLIT, TOGETHER, WITHOUT_KEY
from catalog_reading import each_of, of, one_of_each_kind
from catalog_types import NULL, options, parse

from simstudio import AsyncSimStudioClient, InvalidInputError, InvalidRequestError, SimStudioClient
from simstudio.catalog import Parameter, operations
from tests.modes import both_modes

every_operation = each_of(documented())
MOMENTS = ("startDate", "endDate")
USUAL_HEADERS = {
    "accept", "accept-encoding", "connection", "content-length", "content-type", "host", "user-agent", "x-api-key",
}  # fmt: skip


class TestCatalogue:
    def test_it_has_every_operation_once_and_nothing_else(self) -> None:
        mine = Counter((each.version, each.id, each.verb, each.path) for each in operations())
        theirs = Counter((each.version, each.id, each.verb, each.path) for each in documented())
        assert mine == theirs
        assert sum(version == "v1" for version, *_ in theirs) == 42
        assert sum(theirs.values()) == len(theirs) + len(SPLIT)  # those have two methods each

    def test_no_two_operations_are_at_one_place(self) -> None:
        assert len({each.attribute for each in operations()}) == len(operations())

    def test_it_says_what_was_seen_on_a_real_server(self) -> None:
        for known in documented():
            assert of(known).evidence == ("recorded" if known.seen else "documented"), known.key

    def test_every_attribute_leads_to_its_operation_on_every_client(self) -> None:
        with SimStudioClient(KEY) as client:
            clients = [client, client.with_raw_response, AsyncSimStudioClient(KEY)]
            for operation in operations():
                assert operation.attribute.startswith(f"{operation.version}.")
                for each in clients:
                    found = operation.of(each)
                    assert found.__name__ == operation.attribute.rpartition(".")[2]
                    assert inspect.getattr_static(found.__self__, found.__name__).flow.route.id == operation.id

    def test_it_is_data_that_cannot_be_changed_by_accident(self) -> None:
        operation = operations()[0]
        assert operations() is operations()
        with pytest.raises(TypeError):
            operation.parameters["more"] = Parameter("more", "query")  # type: ignore[index]


class TestParameters:
    @every_operation
    def test_each_has_its_wire_name_and_place_and_there_are_no_others(self, known: DocumentedOperation) -> None:
        operation = of(known)
        mine = Counter(operation.parameters.values())
        assert mine == Counter(Parameter(each.name, each.place) for each in known.parameters)

    @every_operation
    def test_those_that_are_required_have_no_default_and_the_others_have_one(self, known: DocumentedOperation) -> None:
        operation = of(known)
        names, shown = python_names(operation), parameters(operation)
        without = {name for name, each in shown.items() if each.default is inspect.Parameter.empty}
        required = {names[Parameter(each.name, each.place)] for each in known.parameters if each.required}
        assert without == required

    @every_operation
    def test_the_signature_has_no_others_but_for_those_that_stay_here(self, known: DocumentedOperation) -> None:
        operation = of(known)
        assert set(parameters(operation)) - set(operation.parameters) == set(LOCAL.get(known.key, ()))

    @every_operation
    def test_only_ids_and_what_is_required_may_be_given_by_position(self, known: DocumentedOperation) -> None:
        for name, each in parameters(of(known)).items():
            if each.kind is not inspect.Parameter.KEYWORD_ONLY:
                assert each.default is inspect.Parameter.empty, name


def expected(known: DocumentedOperation, given: Mapping[str, tuple[Documented, Argument]]) -> Sent:
    """The request that must leave for these arguments; of a form ``content`` is left out."""
    path, query, headers, body = known.path, [], {}, {}  # type: ignore[var-annotated]
    placed = {(each.name, each.place) for each, _ in given.values()}
    for (name, place), wire in ALWAYS_SENT.get(known.key, {}).items():
        if (name, place) in placed:
            continue
        if place == "query":
            query.append((name, wire))
        elif place == "header":
            headers[name] = wire
        else:
            body[name] = wire
    for each, argument in given.values():
        if each.place == "path":
            path = path.replace(f"{{{each.name}}}", quote(argument.wire, safe=""))
        elif each.place == "query":
            query.append((each.name, argument.wire))
        elif each.place == "header":
            headers[each.name.lower()] = argument.wire
        else:
            body[each.name] = argument.wire
    return Sent(known.verb, path, sorted(query), headers, body)  # type: ignore[arg-type]


def compare(known: DocumentedOperation, sent: Sent, wanted: Sent) -> None:
    """Nothing is missing and nothing extra."""
    assert (sent.verb, sent.path) == (wanted.verb, wanted.path)
    assert sorted(sent.query) == wanted.query
    assert sent.headers.get("x-api-key") == (None if known.key in WITHOUT_KEY else KEY)
    extra = {name: value for name, value in sent.headers.items() if name not in USUAL_HEADERS - set(wanted.headers)}
    assert {name: ANY if wanted.headers.get(name) == ANY else value for name, value in extra.items()} == wanted.headers
    body: Any = wanted.content
    if known.is_multipart:
        assert sent.parts == {name: each if isinstance(each, bytes) else each.encode() for name, each in body.items()}
    elif any(each.type == "bytes" for each in known.parameters):
        assert sent.content == body["content"]
    elif any(each.place == "body" for each in known.parameters):
        assert sent.json == body
    else:
        assert sent.content == b""


async def walk(caller: Caller, known: DocumentedOperation, given: Mapping[str, tuple[Documented, Argument]]) -> None:
    """Call the operation once, and compare what was sent."""
    server = Server()
    with pytest.raises(InvalidRequestError):
        await caller(of(known), server, {name: each.python for name, (_, each) in given.items()})
    (sent,) = server.sent
    compare(known, sent, expected(known, given))


def selections(known: DocumentedOperation) -> list[dict[str, tuple[Documented, Argument]]]:
    """Arguments of calls that together have every parameter."""
    given = arguments(of(known), known)
    required = {name for name, (each, _) in given.items() if each.required}
    found = []
    for group in TOGETHER.get(known.key, [set(given)]):
        words = dict(each.split("=") for each in group if "=" in each)
        names = required | {each.partition("=")[0] for each in group}
        found.append({
            name: (each, Argument(words[name], words[name]) if name in words else argument)
            for name, (each, argument) in given.items()
            if name in names
        })  # fmt: skip
    assert set().union(*found) == set(given)
    return found


class TestWalk:
    @every_operation
    async def test_with_what_is_required_only(self, caller: Caller, known: DocumentedOperation) -> None:
        await walk(caller, known, arguments(of(known), known, optional=False))

    @every_operation
    async def test_with_everything(self, caller: Caller, known: DocumentedOperation) -> None:
        for given in selections(known):
            await walk(caller, known, given)

    @both_modes
    @pytest.mark.parametrize("known", one_of_each_kind(), ids=lambda known: known.key)
    async def test_both_clients_send_the_same(self, caller: Caller, known: DocumentedOperation) -> None:
        for given in selections(known):
            await walk(caller, known, given)

    @every_operation
    async def test_none_outside_of_bodies_is_not_sent(self, caller: Caller, known: DocumentedOperation) -> None:
        given = arguments(of(known), known, optional=False)
        left = {name: None for name, each in of(known).parameters.items() if each.place in ("query", "header")}
        server = Server()
        with pytest.raises(InvalidRequestError):
            await caller(of(known), server, {**left, **{name: each.python for name, (_, each) in given.items()}})
        (sent,) = server.sent
        wanted = expected(known, given)
        names = {name for name, _ in wanted.query if (name, "query") not in ALWAYS_SENT.get(known.key, {})}
        assert {name for name, _ in sent.query} == names


def having(*chosen: tuple[DocumentedOperation, list[Documented]]) -> Any:
    """The operations that have any such parameters, with these."""
    pairs = [pytest.param(known, each, id=known.key) for known, each in chosen if each]
    return pytest.mark.parametrize(("known", "chosen"), pairs)


def flags(known: DocumentedOperation) -> list[Documented]:
    """The flags that may be left out."""
    return [each for each in known.parameters if each.is_flag and not each.required]


class TestFlags:
    @having(*((known, flags(known)) for known in documented()))
    async def test_false_is_said_but_where_the_server_would_take_it_for_true(
        self, caller: Caller, known: DocumentedOperation, chosen: list[Documented]
    ) -> None:
        for flag in chosen:
            name = python_names(of(known))[Parameter(flag.name, flag.place)]  # type: ignore[arg-type]
            given = arguments(of(known), known, optional=False)
            left_out = flag.name in LEFT_OUT_WHEN_FALSE.get(known.key, ())
            said = {} if left_out else {name: (flag, Argument(False, False if flag.place == "body" else "false"))}
            server = Server()
            with pytest.raises(InvalidRequestError):
                await caller(of(known), server, {**{n: each.python for n, (_, each) in given.items()}, name: False})
            (sent,) = server.sent
            compare(known, sent, expected(known, {**given, **said}))


def optional_fields(known: DocumentedOperation, *, nullable: bool) -> list[Documented]:
    """The optional fields of its body that may, or may not, be null."""
    return [
        each
        for each in known.parameters
        if each.place == "body"
        and not each.required
        and each.type != "any"
        and (NULL in options(parse(each.type))) is nullable
    ]


class TestNull:
    @having(*((known, optional_fields(known, nullable=True)) for known in documented()))
    async def test_none_is_null_where_a_field_of_a_body_may_be(
        self, caller: Caller, known: DocumentedOperation, chosen: list[Documented]
    ) -> None:
        for field in chosen:
            name = python_names(of(known))[Parameter(field.name, field.place)]  # type: ignore[arg-type]
            given = arguments(of(known), known, optional=False)
            await walk(caller, known, {**given, name: (field, Argument(None, None))})

    @having(*((known, optional_fields(known, nullable=False)) for known in documented()))
    async def test_none_is_refused_where_it_may_not(
        self, caller: Caller, known: DocumentedOperation, chosen: list[Documented]
    ) -> None:
        given = {each: argument.python for each, (_, argument) in arguments(of(known), known, optional=False).items()}
        for field in chosen:
            name = python_names(of(known))[Parameter(field.name, field.place)]  # type: ignore[arg-type]
            server = Server()
            with pytest.raises(InvalidInputError, match=f"^{name} must be "):
                await caller(of(known), server, {**given, name: None})
            assert server.sent == []


class TestMoments:
    def test_a_moment_may_be_text_or_a_datetime_and_a_day_text_or_a_date(self) -> None:
        moments = [(known, each) for known in documented() for each in known.parameters if each.name in MOMENTS]
        assert moments
        for known, each in moments:
            name = python_names(of(known))[Parameter(each.name, each.place)]  # type: ignore[arg-type]
            shown = str(annotations(of(known))[name])
            assert "str" in shown, (known.key, name)
            assert "datetime.date" in shown, (known.key, name)
            assert ("datetime.datetime" in shown) is (known.key not in CALENDAR_DATES), (known.key, name)
