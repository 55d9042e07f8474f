"""A notebook, executed: what its reader sees under each cell."""

from __future__ import annotations

from typing import Any

import pytest

from simstudio.sandbox import Sandbox

pytestmark = pytest.mark.external

CELLS = [
    "from simstudio import SimStudioClient, show_progress\nclient = SimStudioClient()",
    "client.workflows.execute('hello', {'name': '<b>Ada</b>'})",
    "client.jobs.get(client.workflows.submit('hello'))",
    "client.usage.limits()",
    "client.v2.workflows.list(client.request('GET', '/api/v1/workflows/hello')['data']['workspaceId']).page()",
    "client.workflows.describe('hello')",
    "batch = client.workflows.map('hello', [{'name': 'Ada'}] * 3, progress=True)\nlen(list(batch))",
    "batch",
    "client.traces.get(next(iter(client.v1.logs.list(client.v1.workflows.get('hello').workspace_id))))",
    "client.workflows.run('slow', {'seconds': 0.01}, on_progress=show_progress()).success",
]


def test_a_notebook_shows_tables_and_one_line_of_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    with Sandbox().serve() as server:
        for name, value in server.environ.items():
            monkeypatch.setenv(name, value)
        NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    shown: dict[str, list[Any]] = {cell.source: cell.outputs for cell in notebook.cells}

    for source in CELLS:
        for output in shown[source]:
            assert output.output_type != "error", output
    html = {source: outputs[-1]["data"]["text/html"] for source, outputs in shown.items() if _has_html(outputs)}
    assert set(html) == {CELLS[number] for number in (1, 2, 3, 4, 5, 7, 8)}
    assert "&lt;b&gt;Ada&lt;/b&gt;" in html[CELLS[1]]
    assert all("<script" not in each for each in html.values())
    for source in (CELLS[6], CELLS[9]):
        displayed = [each for each in shown[source] if each.output_type == "display_data"]
        assert len(displayed) <= 1, "one display that changes"
        assert not [each for each in shown[source] if each.output_type == "stream"]


def _has_html(outputs: list[Any]) -> bool:
    return bool(outputs) and "text/html" in outputs[-1].get("data", {}) and outputs[-1].output_type == "execute_result"
