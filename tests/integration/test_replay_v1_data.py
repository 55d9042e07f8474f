"""Every recorded exchange of tables, files and knowledge, through its own method, sync and async."""

from __future__ import annotations

import contextlib
import types
from collections.abc import Iterator
from typing import Any, get_args, get_origin

import attrs
import pytest

import simstudio as sim
from simstudio.core.model import Model
from simstudio.models.v1 import knowledge, tables
from tests.integration import v1_data
from tests.integration.replaying import V06, Watch, answer_of, client_options, of, play
from tests.integration.rules import assert_status_error
from tests.modes import both_modes
from tests.recorded import Recording, recording

TABLE = "tbl_9f95c24c83c04451b18a47a51d90d409"
WORKSPACE = "1c944e88-6ad4-4e55-8c66-c415e73eeb32"


def cases(wanted: Any) -> list[Any]:
    return [pytest.param(each, id=str(each)) for each in v1_data.TYPED.values() if wanted(each)]


def ask(mode: str, recorded: Recording, **options: Any) -> Any:
    return play(mode, recorded, lambda client: v1_data.call(client, recorded), **client_options(recorded), **options)


def mismatches(value: Any, kind: Any, where: str) -> Iterator[str]:
    """Where a value is not of the type that its model's annotations promise, or holds what they do not know."""
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any or (value is None and type(None) in inner):
        return
    if origin is types.UnionType:
        (kind,) = (each for each in inner if each is not type(None))
        yield from mismatches(value, kind, where)
    elif origin is list:
        yield from () if type(value) is list else (where,)
        for index, item in enumerate(value or ()):
            yield from mismatches(item, inner[0], f"{where}[{index}]")
    elif origin is None and isinstance(kind, type) and issubclass(kind, Model):  # 3.10: dict[…] is a type too
        yield from _mismatches_of_a_model(value, kind, where)
    elif kind is float:
        yield from () if type(value) in (int, float) else (where,)
    else:
        yield from () if type(value) is (origin or kind) else (where,)


def _mismatches_of_a_model(value: Any, kind: type[Model], where: str) -> Iterator[str]:
    if type(value) is not kind:
        yield where
        return
    yield from (f"{where}: unknown {name}" for name in value.extra)
    attrs.resolve_types(kind)
    for field in attrs.fields(kind):
        yield from mismatches(getattr(value, field.name), field.type, f"{where}.{field.name}")


def plain(value: Any) -> Any:
    return [item.to_dict() for item in value] if isinstance(value, list) else value.to_dict()


# -- what the methods send and get ---------------------------------------------------------------------------------


@pytest.mark.parametrize("recorded", cases(lambda recorded: recorded.status < 300 and recorded.number != 277))
def test_what_the_server_says_becomes_typed(mode, recorded):
    called = v1_data.method_of(recorded)
    watch = Watch()

    given = ask(mode, recorded, middleware=[watch])

    said = answer_of(recorded)
    for name in called.at:
        said = said[name]
    kind = called.model
    if called.paged:
        assert type(given) is sim.Page
        assert given.next_cursor is None
        given, kind = given.items, list[kind]
    assert list(mismatches(given, kind, called.attribute)) == []
    assert plain(given) == said
    assert watch.sent[0].resend == ("read" if recorded.method == "GET" else "never")


@pytest.mark.parametrize("recorded", cases(lambda recorded: recorded.status >= 300))
def test_what_the_server_refuses_is_an_error_with_its_words_and_details(mode, recorded):
    with pytest.raises(sim.APIStatusError) as raised:
        ask(mode, recorded)

    assert_status_error(raised.value, recorded)


def test_a_downloaded_file_comes_with_its_name_and_what_the_headers_say(mode):
    file = ask(mode, recording(V06, 277))

    assert file == sim.Download("hello wire ✓\n".encode(), "notes é.txt", "text/plain")
    assert file.headers["x-file-id"] == "9634d0b4-7021-4cc3-9dd5-c5725342ae80"


@pytest.mark.parametrize("number", v1_data.REFUSED_UNSENT)
def test_what_the_server_would_refuse_is_not_sent_where_the_arguments_show_it(mode, number):
    recorded = recording(V06, number)
    absent = {
        name: None
        for name in ("workspace_id", "file", "data")
        if name in v1_data.REFUSED_UNSENT[number] and name not in v1_data.arguments(recorded)
    }

    def script(client):
        return v1_data.call(client, recorded, **absent)

    with pytest.raises(sim.InvalidInputError, match=v1_data.REFUSED_UNSENT[number]):
        play(mode, recorded, script, played=False, **client_options(recorded))


def test_every_recording_of_these_routes_is_accounted_for():
    assert len(v1_data.TYPED) + len(v1_data.REFUSED_UNSENT) + len(v1_data.CANNOT_BE_SAID) == len(v1_data.ROUTED)
    assert {v1_data.method_of(recorded).attribute for recorded in v1_data.ROUTED.values()} >= {
        "tables.columns.update", "tables.rows.update_many", "tables.rows.upsert", "files.download",
        "knowledge.documents.list", "knowledge.search",
    }  # fmt: skip


# -- the recordings, read closely ----------------------------------------------------------------------------------


def test_a_table_knows_its_columns(mode):
    table = ask(mode, recording(V06, 197))

    assert (table.id, table.name, table.row_count, table.max_rows) == (TABLE, "stock", 0, 1000)
    assert table.schema.columns[0] == tables.TableColumn("sku", "string", True, True)
    assert [column.type for column in table.schema.columns] == ["string", "number", "boolean", "date", "json"]


def test_a_column_is_put_where_it_is_wanted(mode):
    columns = ask(mode, recording(V06, 207))

    assert [column.name for column in columns] == ["first", "sku", "qty", "active", "added", "meta", "note"]


def test_several_inserted_rows_come_with_their_positions(mode):
    inserted = ask(mode, recording(V06, 219))

    assert [(row.data["sku"], row.position) for row in inserted.rows] == [("B1", 1), ("B2", 2), ("B3", 3)]
    assert inserted.inserted_count == 3


def test_rows_are_ordered_as_the_sort_names_its_columns(mode):
    page = ask(mode, recording(V06, 240))

    assert [row.data["sku"] for row in page.items][:3] == ["B2", "A1", "B3"]
    assert page.extra["totalCount"] == len(page.items)


def test_null_is_a_value_of_a_row(mode):
    assert ask(mode, recording(V06, 244)).data["active"] is None


@pytest.mark.parametrize(("number", "operation"), [(251, "insert"), (252, "update")])
def test_an_upserted_row_has_no_position(mode, number, operation):
    upserted = ask(mode, recording(V06, number))

    assert upserted.operation == operation
    assert upserted.row.position is None
    assert "position" not in upserted.row


def test_a_filter_wins_over_row_ids(mode):
    assert ask(mode, recording(V06, 262)).deleted_count == 0


def test_a_second_file_of_the_same_name_gets_another(mode):
    assert ask(mode, recording(V06, 267)).name == "notes é (1).txt"


@both_modes
def test_an_empty_file_can_be_uploaded(mode):
    assert ask(mode, recording(V06, 271)).size == 0


def test_a_knowledge_base_knows_how_it_cuts_documents(mode):
    base = ask(mode, recording(V06, 285))

    assert base.chunking_config == knowledge.ChunkingConfig(512, 50, 20)
    assert base.embedding_dimension == 1536


@pytest.mark.parametrize("number", [296, 322])
def test_the_total_of_documents_is_a_number_although_the_server_says_a_text(mode, number):
    page = ask(mode, recording(V06, number))

    assert page.extra["totalCount"] == 1
    assert page.extra["pagination"]["total"] == "1"


def test_a_failed_document_says_why(mode):
    document = ask(mode, recording(V06, 304))

    assert document.processing_status == "failed"
    assert document.processing_error.startswith("File not found")


def test_one_knowledge_base_may_be_named_by_a_text_alone(mode):
    found = ask(mode, recording(V06, 324))

    (best,) = found.results
    assert (best.document_name, best.chunk_index, best.metadata) == ("fox.txt", 0, {})
    assert best.similarity == pytest.approx(0.7071, abs=1e-4)
    assert found.knowledge_base_ids == ["9d1476d8-0a0b-45dd-a280-46aede2507f8"]


# -- errors --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "details"),
    [
        (201, [{"code": "too_small", "path": ["schema", "columns"], "message": "Table must have at least one column"}]),
        (220, ["Missing required field: sku"]),
        (224, [{"row": 1, "errors": ["Missing required field: sku"]}]),
        (261, [{"code": "invalid_union", "message": "Invalid input"}]),
        (227, None),
    ],
    ids=["issues of a schema", "texts", "errors of rows", "a tree of unions", "none"],
)
def test_details_keep_the_shape_in_which_they_come(mode, number, details):
    with pytest.raises(sim.InvalidRequestError) as raised:
        ask(mode, recording(V06, number))

    given = raised.value.details
    if details and isinstance(details[0], dict):
        given = [{name: each[name] for name in expected} for each, expected in zip(given, details, strict=True)]
    assert given == details


def test_a_tree_of_unions_is_kept_whole(mode):
    with pytest.raises(sim.InvalidRequestError) as raised:
        ask(mode, recording(V06, 261))

    (issue,) = raised.value.details
    assert [union["issues"][0]["path"] for union in issue["unionErrors"]] == [["filter"], ["rowIds"]]


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (210, sim.ServerError),
        (216, sim.NotFoundError),
        (265, sim.PermissionDeniedError),
        (286, sim.ConflictError),
        (294, sim.InvalidRequestError),
        (300, sim.ServerError),
        (335, sim.RateLimitError),
    ],
)
def test_errors_are_told_apart_by_class(mode, number, kind):
    with pytest.raises(kind):
        ask(mode, recording(V06, number))


def limit_of(recorded: Recording) -> int | None:
    given = {name.lower(): value for name, value in recorded.headers}.get("x-ratelimit-limit")
    return None if given is None else int(given)


@pytest.mark.parametrize("recorded", cases(lambda recorded: limit_of(recorded) is not None))
def test_the_rate_limit_of_an_answer_is_remembered(mode, recorded):
    def script(client):
        with contextlib.suppress(sim.APIStatusError):
            yield v1_data.call(client, recorded)
        return client.get_rate_limit_info()

    info = play(mode, recorded, script, **client_options(recorded))

    assert info.limit == limit_of(recorded)
    assert info.reset > 1_700_000_000


# -- one after another ---------------------------------------------------------------------------------------------


def test_a_row_is_made_found_and_deleted_and_then_it_is_gone(mode):
    row_id = "row_18d6271d4c57463ba06e15eede5fb855"

    def script(client):
        rows = client.v1.tables.rows
        row = yield rows.get(TABLE, row_id, workspace_id=WORKSPACE)
        deleted = yield rows.delete(TABLE, row.id, workspace_id=WORKSPACE)
        try:
            yield rows.delete(TABLE, row.id, workspace_id=WORKSPACE)
        except sim.NotFoundError as error:
            return row, deleted, error
        raise AssertionError

    row, deleted, error = play(mode, of(V06, 241, 256, 257), script)

    assert row.data["meta"] == {"k": [1]}
    assert deleted.deleted_count == 1
    assert "Row not found" in str(error)


@pytest.mark.parametrize("number", [202, 274])
def test_lists_without_pages_are_one_page(mode, number):
    recorded = recording(V06, number)
    called = v1_data.method_of(recorded)
    space, name = called.attribute.split(".")

    def script(client):
        pager = getattr(getattr(client.v1, space), name)(WORKSPACE)
        return _all(pager) if mode == "async" else list(pager)

    assert len(play(mode, recorded, script)) == answer_of(recorded)["data"]["totalCount"]


async def _all(pager: Any) -> list[Any]:
    return [item async for item in pager]
