"""What every operation makes of real servers' answers, three generations: results without a deviation, or errors."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import Any

import pytest
from catalog_answers import at_result, unknown_fields
from catalog_arguments import arguments
from catalog_digest import DocumentedOperation, documented
from catalog_local import RESHAPED
from catalog_reading import of
from catalog_shapes import result_types

from simstudio import APIStatusError, AsyncPager, Download, Page, Pager
from simstudio.core.frames import FrameBuilder, Layout
from simstudio.core.model import Model
from tests.driving import Both, replayed
from tests.integration.rules import assert_status_error
from tests.recorded import CLAIMS, SELECTION, SETS, Recording, recording, recordings

META = recording(SELECTION, "claims-478")
pytestmark = pytest.mark.usefixtures("sim_strict_models")
ROUTES = [(known, re.compile(re.sub(r"\{\w+\}", "[^/]+", of(known).path))) for known in documented()]


def operation_of(found: Recording) -> DocumentedOperation | None:
    """The operation that was recorded; None for unversioned routes, for streams, and for conflicts of run ids.

    Further requests settle such a conflict: see ``tests/integration/test_replay_claims.py``.
    """
    if found.is_stream or b'"RUN_ID_CONFLICT"' in found.body:
        return None
    sent = (found.request_body or b"").replace(b" ", b"")
    rows = ("insert_many", "bulk_insert") if b'"rows":' in sent else ("insert",)
    deleted = "bulk_delete" if b'"rowIds":' in sent else "delete_by_filter"
    in_background = found.status == 202 or (found.status >= 400 and b'"async":true' in sent)
    change = "retry" if b'"retryProcessing":' in sent else "update"
    methods = ("", "submit" if in_background else "execute", *rows, deleted, change)
    matching = [
        known
        for known, path in ROUTES
        if known.verb == found.method and known.method in methods and path.fullmatch(found.path)
    ]
    return min(matching, key=lambda known: of(known).path.count("{"), default=None)


ANSWERS: defaultdict[str, list[Recording]] = defaultdict(list)
ERRORS: defaultdict[str, list[Recording]] = defaultdict(list)
for _name in (*SETS, SELECTION, CLAIMS):
    for _found in recordings(_name):
        if (_known := operation_of(_found)) is not None:
            (ANSWERS if _found.status < 300 else ERRORS)[_known.key].append(_found)

ANSWERED = [known for known in documented() if known.key in ANSWERS]
REFUSED = [known for known in documented() if known.key in ERRORS]
BY_BOTH_CLIENTS = [known for known in ANSWERED if of(known).is_list or not known.answer.fields]
"""Pages and downloads, which are a class for each client."""


async def call(mode: str, known: DocumentedOperation, found: Recording) -> Any:
    """What the operation makes of an answer; of a list, its first page. A server asked whether v2 is on says yes."""
    both = Both(mode)
    given = {name: each.python for name, (_, each) in arguments(of(known), known, optional=False).items()}
    client = both.client(replayed(found), replayed(META), max_retries=0)
    result = of(known).of(client)(**given)
    return await both(result.page() if isinstance(result, (Pager, AsyncPager)) else result)


@pytest.mark.parametrize(
    ("mode", "known"),
    [*(("sync", known) for known in ANSWERED), *(("async", known) for known in BY_BOTH_CLIENTS)],
    ids=lambda value: getattr(value, "key", value),
)
async def test_recorded_answers_fit_their_model_and_are_given_back(mode: str, known: DocumentedOperation) -> None:
    for found in ANSWERS[known.key]:
        result = await call(mode, known, found)
        if isinstance(result, Download):
            assert result.content == found.body
            continue
        came = at_result(known, json.loads(found.body)) if found.body else None
        if known.key in RESHAPED and result is not None:
            result = result[RESHAPED[known.key]]
        if result is None:
            assert came is None
            continue
        items, sent = (result.items, came) if isinstance(result, Page) else (result, came)
        for each, data in zip(items, sent, strict=True) if isinstance(items, list) else [(items, sent)]:
            assert isinstance(each, Model)
            assert each.to_dict() == data
            assert list(unknown_fields(each)) == []


@pytest.mark.parametrize("known", REFUSED, ids=lambda known: known.key)
async def test_recorded_refusals_are_errors_with_the_servers_words(known: DocumentedOperation) -> None:
    for found in ERRORS[known.key]:
        with pytest.raises(APIStatusError) as caught:
            await call("sync", known, found)
        assert_status_error(caught.value, found)


NEVER_ANSWERED = {
    "v1.batchUpdateRows",  # v0.6 failed; v0.8 has no such route
    "v1.deleteTable",
}
"""Operations without a recorded success, beside those that are known from documents only."""
NEVER_REFUSED = {
    "v1.deleteDocument",
    "v1.deployWorkflowV1",
    "v1.exportWorkflowV1",
    "v1.importWorkflowV1",
    "v1.rollbackWorkflowV1",
    "v1.undeployWorkflowV1",
    "v2.getTableView",
}
"""Operations without a recorded error, beside those that are known from documents only."""


def test_each_operation_that_was_seen_was_recorded_with_an_answer_and_an_error() -> None:
    seen = {known.key for known in documented() if known.seen}
    assert seen - set(ANSWERS) == NEVER_ANSWERED
    assert seen - set(ERRORS) == NEVER_REFUSED
    assert set(ANSWERS) <= seen


@pytest.mark.parametrize("known", [known for known in ANSWERED if of(known).is_list], ids=lambda known: known.key)
async def test_recorded_lists_become_data_frames_without_an_untyped_column(known: DocumentedOperation) -> None:
    for found in ANSWERS[known.key]:
        page = await call("sync", known, found)
        layout = Layout.of(result_types(known)[0])
        builder = FrameBuilder("arrow", layout.columns)
        builder.add(map(layout.read, page.items))
        assert [builder.finish().num_rows, builder.problems] == [len(page.items), []]
