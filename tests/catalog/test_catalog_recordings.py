"""What every operation makes of the answers of a real Sim v0.8.9: each fits its model without a deviation."""

from __future__ import annotations

import json
import re

import pytest
from catalog_answers import at_result
from catalog_arguments import arguments
from catalog_calls import Caller, Server
from catalog_digest import DocumentedOperation, documented
from catalog_reading import of

from simstudio import Download, Page
from simstudio.core.model import Model
from tests.recorded import SELECTION, Recording, recordings


def operation_of(found: Recording) -> DocumentedOperation | None:
    """The operation that was recorded; None for the unversioned routes, and for streams."""
    if any(value.startswith("text/event-stream") for name, value in found.headers if name.lower() == "content-type"):
        return None
    rows = "insert_many" if b'"insertedCount"' in found.body else "insert"
    methods = ("submit",) if found.status == 202 else ("execute", rows)
    matching = [
        known
        for known in documented()
        if known.verb == found.method
        and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", of(known).path), found.path)
        and known.method in ("", *methods)
    ]
    return min(matching, key=lambda known: of(known).path.count("{"), default=None)


EXCHANGES = [(known, found) for found in recordings(SELECTION) if (known := operation_of(found)) is not None]


@pytest.mark.usefixtures("sim_strict_models")
@pytest.mark.parametrize(("known", "found"), EXCHANGES, ids=lambda value: getattr(value, "key", str(value)))
async def test_a_recorded_answer_fits_its_model_and_is_given_back(known: DocumentedOperation, found: Recording) -> None:
    given = {name: each.python for name, (_, each) in arguments(of(known), known, optional=False).items()}
    result = await Caller("sync")(of(known), Server(found.status, found.body), given)
    if isinstance(result, Download):
        assert result.content == found.body
        return
    came = at_result(known, json.loads(found.body))
    items, sent = (result.items, came) if isinstance(result, Page) else (result, came)
    for each, data in zip(items, sent, strict=True) if isinstance(items, list) else [(items, sent)]:
        assert isinstance(each, Model)
        assert each.to_dict() == data


def test_all_that_was_recorded_of_the_versioned_surface_is_tried() -> None:
    assert len({known.key for known, _ in EXCHANGES}) > 80
