"""The picture as HTML: well-formed, escaped, nothing to load, nothing to run."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from simstudio import Trace
from tests.properties import examples
from tests.traces.runs import LOG, block
from tests.traces.test_traces_queries import TIMED

EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&\x1b]0;\x07\u202e"
VOID = {"meta", "rect"}


class Page(HTMLParser):
    """Checks that elements are closed in order; collects their names, attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_a_page_is_one_file_that_loads_and_runs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "run.html"
    written = Trace(LOG).to_html(path)
    assert path.read_text(encoding="utf-8") == written
    page = Page(written)
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "link", "img", "iframe", "object", "base", "form"}
    names = {name for _, attributes in page.elements for name in attributes}
    assert not any(name in ("style", "src", "href") or name.startswith("on") for name in names)
    assert "url(" not in written
    assert "@import" not in written


def test_its_policy_allows_its_style_sheet_and_nothing_else() -> None:
    written = Trace(LOG).to_html()
    style = re.search(r"<style>(.*?)</style>", written, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in written
    assert "prefers-color-scheme:dark" in style[1]


def test_a_keyboard_opens_its_spans_and_a_reader_hears_them() -> None:
    page = Page(Trace(LOG).to_html())
    tags = [tag for tag, _ in page.elements]
    assert tags.count("details") == tags.count("summary") >= 17
    assert {"lang": "en"} in [attributes for tag, attributes in page.elements if tag == "html"]
    assert tags.count("h1") == tags.count("main") == tags.count("title") == 1
    assert all(attributes.get("aria-hidden") == "true" for tag, attributes in page.elements if tag == "svg")
    assert {"Research", "1.80 s", "2,720", "0.0095"} <= {text.strip() for text in page.texts}


def test_what_came_from_a_server_is_text() -> None:
    content = {"input": EVIL, "output": {EVIL: EVIL}}
    data = block(EVIL, EVIL, 0, 1, status="error", errorMessage=EVIL, model=EVIL, **content)
    log = {"runId": EVIL, "workflowName": EVIL, "status": EVIL, "error": EVIL, "traceSpans": [data]}
    for written in (Trace(log).to_html(content=True), Trace(log)._repr_html_()):
        page = Page(written)
        assert not {"script", "img"} & {tag for tag, _ in page.elements}
        assert any("<script>alert(1)</script>" in text for text in page.texts)
        assert not any(letter in written for letter in "\x1b\x07\u202e")


@given(st.lists(TIMED, min_size=1, max_size=5), st.text(max_size=20))
@settings(max_examples=examples(15), deadline=None)
def test_it_is_well_formed_with_bars_inside(data: list[Any], name: str) -> None:
    data[0]["name"] = name
    page = Page(Trace(data).to_html(limit=5))
    for tag, attributes in page.elements:
        if tag == "rect":
            left, width = float(attributes["x"] or ""), float(attributes["width"] or "")
            assert left >= 0
            assert width >= 2.9
            assert left + width <= 1000.1


def test_inputs_and_outputs_are_shown_only_when_asked_for_and_shortened() -> None:
    data = block("A", "api", 0, 1, input={"password": "hunter2", "to": "Ada"}, output="x" * 5_000)
    assert "Ada" not in Trace([data]).to_html()
    shown = Trace([data]).to_html(content=True)
    assert "Ada" in shown
    assert "hunter2" not in shown, "a page is passed on to others"
    assert "x" * 2_001 not in shown
    assert "[3,000 more characters]" in shown


def test_a_notebook_gets_a_fragment_of_the_most_important_spans() -> None:
    shown = Trace([block(f"B{n}", "api", n, 1) for n in range(1_000)])._repr_html_()
    assert "<html" not in shown
    assert shown.count("<summary") == 200
    assert "more</p>" in shown
