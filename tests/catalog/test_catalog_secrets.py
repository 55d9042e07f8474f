"""Arguments that are passwords, tokens or keys: no error of an operation shows them, nor does a frame of it."""

from __future__ import annotations

import asyncio
import pickle
import re
import traceback
from collections.abc import Mapping
from typing import Any

import pytest
from catalog_arguments import arguments, route_of
from catalog_digest import DocumentedOperation, documented
from catalog_reading import of

from simstudio import APIConnectionError, SimStudioError
from tests.driving import Both, answer
from tests.frames import chain, frames, reprs
from tests.modes import both_modes

SECRET = 'Zebra"47114711"\nä of 20 letters'
PLAIN = "Zebra47114711-of-20-letters"
"""A secret that a header can carry."""
NAMED_LIKE_ONE = re.compile(
    r"password|[sS]ecret|[tT]oken$|apiKey$|privateKey|serviceAccountJson|^credentials$|oauthClientConfig"
)
NO_SECRETS: frozenset[tuple[str, str]] = frozenset()
"""Parameters (of an operation, on the wire) that are only named like secrets."""
OTHERS = {
    ("v2.setSecret", "value"),
    ("v2.createMcpServer", "headers"),
    ("v2.updateMcpServer", "headers"),
    ("v2.saveSsoProvider", "cert"),
    ("v2.saveSsoProvider", "idpMetadata"),
}
"""Secrets that are named otherwise."""
WITH_SECRETS = [known for known in documented() if route_of(of(known)).secrets]


def test_what_is_named_like_a_secret_is_marked_as_one() -> None:
    named = {
        (known.key, each.name)
        for known in documented()
        for each in known.parameters
        if each.type != "boolean" and (NAMED_LIKE_ONE.search(each.name) or (known.key, each.name) in OTHERS)
    }
    marked = {(known.key, of(known).parameters[name].wire) for known in WITH_SECRETS for name in secrets_of(known)}
    assert named - NO_SECRETS == marked


def secrets_of(known: DocumentedOperation) -> tuple[str, ...]:
    found: tuple[str, ...] = route_of(of(known)).secrets
    return found


def given(known: DocumentedOperation, value: Any) -> dict[str, Any]:
    """Arguments of a call with secrets that are, or hold, this value."""
    every = arguments(of(known), known)
    kinds = {name: every[name][1].python for name in secrets_of(known)}
    held = {name: dict.fromkeys(kind, value) if isinstance(kind, Mapping) else value for name, kind in kinds.items()}
    return {name: each.python for name, (parameter, each) in every.items() if parameter.required} | held


def shown(error: BaseException) -> str:
    """What a program may print, log or send on of an error."""
    texts = ["".join(traceback.format_exception(error)), pickle.dumps(error).decode("latin-1")]
    for cause in chain(error):
        texts += [repr(cause.args), repr(vars(cause)), repr(getattr(cause, "object", None))]
    response = getattr(error, "response", None)
    texts += [response.text, str(dict(response.headers))] if response is not None else []
    for frame in frames(error):
        for local in frame.f_locals.values():
            texts += reprs(local)
    return "\n".join(texts)


ECHO = {"code": "BAD_REQUEST", "message": f"no {SECRET}", "details": [{"received": SECRET, SECRET: 1}]}


@pytest.mark.parametrize("known", WITH_SECRETS, ids=lambda known: known.key)
@pytest.mark.parametrize(
    ("value", "outcome"),
    [
        (SECRET, lambda _: answer(400, {"error": ECHO})),
        (PLAIN, lambda _: answer(400, {"error": {"code": PLAIN, "message": PLAIN}})),
        (SECRET, APIConnectionError("lost")),
        (SECRET, lambda _: answer(200, [SECRET])),
        ("Zebra47114711 \ud800 is half a pair, which errors cite in part", None),
        (b"Zebra47114711", None),
        ({47114711: {"Zebra47114711"}}, None),
    ],
    ids=["echoed", "echoed plainly", "lost", "of another shape", "half of a pair", "bytes", "a set"],
)
async def test_no_error_shows_it(known: DocumentedOperation, value: Any, outcome: Any) -> None:
    if not known.answer.fields and callable(outcome) and outcome(None).ok:
        outcome = APIConnectionError("lost")  # there is no shape of an empty answer
    both = Both("sync")
    client = both.client(*() if outcome is None else (outcome,), max_retries=0)
    with pytest.raises(SimStudioError) as caught:
        await both(of(known).of(client)(**given(known, value)))
    assert "47114711" not in shown(caught.value)


@both_modes
@pytest.mark.parametrize("stop", [ZeroDivisionError, asyncio.CancelledError])
async def test_no_frame_shows_it_of_a_call_that_something_else_ends(both: Both, stop: type[BaseException]) -> None:
    for known in WITH_SECRETS:
        client = both.client(stop(), max_retries=0)
        with pytest.raises(stop) as caught:
            await both(of(known).of(client)(**given(known, PLAIN)))
        assert "47114711" not in "\n".join(
            text for frame in frames(caught.value) for local in frame.f_locals.values() for text in reprs(local)
        )
