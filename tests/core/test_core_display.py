"""How objects look in a shell and in a notebook."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st

from simstudio import UsageLimits, WorkflowExecutionResult
from simstudio.core.conversion import structure
from simstudio.core.display import rows_html, short_repr, table_html
from simstudio.core.model import Model, model
from simstudio.core.paging import Page

LONG = {"items": [{"id": number, "text": "word " * 200} for number in range(50)], "more": {"a": {"b": {"c": 1}}}}
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(), inner, max_size=6),
    max_leaves=20,
)


class Tags(HTMLParser):
    """The tags of a document, and its text."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.text = ""
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.open.append(tag)
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


OURS = {"table", "caption", "thead", "tbody", "tr", "th", "td", "details", "summary", "pre"}


@model
class Secretive(Model):
    name: str
    token: str | None = attrs.field(default=None, repr=False)


class TestARepresentation:
    def test_of_a_result_fits_a_terminal(self) -> None:
        shown = repr(WorkflowExecutionResult(True, LONG))

        assert len(shown) < 240
        assert shown.startswith("WorkflowExecutionResult(success=True, output={'items': [")

    def test_of_a_page_has_the_first_fields_of_the_first_items(self) -> None:
        item = WorkflowExecutionResult(True, {"text": "hi"}, execution_id="e" * 36, status="completed")

        shown = repr(Page([item] * 100, "next"))

        assert shown.count("WorkflowExecutionResult(success=True, output={'text': 'hi'}, execution_id=") == 4
        assert shown.endswith(", … 96 more], next_cursor='next')")
        assert len(shown) < 600
        assert repr(Page([])) == "Page(items=[])"

    def test_of_a_short_value_is_whole(self) -> None:
        assert short_repr({"a": [1, "x"], "b": None}) == "{'a': [1, 'x'], 'b': None}"

    def test_says_how_much_is_left_out(self) -> None:
        assert short_repr(list(range(10))) == "[0, 1, 2, 3, … 6 more]"
        assert short_repr("x" * 100) == f"{'x' * 60!r}…"

    @given(JSON)
    def test_of_anything_is_bounded(self, value: Any) -> None:
        assert len(short_repr(value)) < 4000


class TestANotebook:
    @given(st.dictionaries(st.text(), JSON, max_size=5))
    def test_shows_whatever_a_server_sent_as_text(self, data: dict[str, Any]) -> None:
        for document in (table_html("T", data.items()), rows_html("T", [data, {"other": data}])):
            tags = Tags(document)
            assert tags.open == []
            assert tags.seen <= OURS

    def test_shows_a_result_as_a_table_whose_long_values_unfold(self) -> None:
        document = WorkflowExecutionResult(True, LONG, execution_id="<b>e1</b>")._repr_html_()

        assert "&lt;b&gt;e1&lt;/b&gt;" in document
        assert len(document) < 4000
        assert {"details", "summary", "pre"} <= Tags(document).seen

    def test_shows_nested_models(self) -> None:
        limits = structure({"success": True, "usage": {"plan": "free"}}, UsageLimits)

        assert '"plan": "free"' in Tags(limits._repr_html_()).text

    def test_shows_a_page_as_rows(self) -> None:
        document = Page([Secretive("Ada"), {"name": "Bob", "age": 3}, 5])._repr_html_()

        tags = Tags(document)
        assert document.count("<tr>") == 4
        assert ("Ada" in tags.text, "Bob" in tags.text, "age" in tags.text) == (True, True, True)

    def test_shows_no_more_than_a_screenful_of_rows(self) -> None:
        document = rows_html("Rows", [{"id": number} for number in range(5000)])

        assert "4,900 more" in document
        assert document.count("<tr>") == 101

    def test_shows_no_field_that_a_representation_hides(self) -> None:
        made = Secretive("Ada", "s3cret")

        assert "s3cret" not in made._repr_html_() + repr(made) + Page([made])._repr_html_()
