"""The LlamaIndex notebooks run, say what they should, and are kept with their outputs."""

from __future__ import annotations

import nbformat
import pytest

from tests.notebooks.running import NOTEBOOKS, absolute_paths, executed, texts

SAID = {
    "llama_index_rag": ["Arctic |Ocean.|", "Sources:\n  mackenzie.txt", "River(name='Ottawa River', length_km=1271)"],
    "tool_calling": ["tool: 45", "days_between({'start': '2026-01-15', 'end': '2026-03-01'}) = 45", "26.2 miles"],
}


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", SAID)
def test_a_notebook_runs_and_says_what_it_should(name: str):
    said = "".join(texts(executed(NOTEBOOKS / f"{name}.ipynb", timeout=120)))
    for text in SAID[name]:
        assert text in said


@pytest.mark.parametrize("name", SAID)
def test_a_notebook_is_kept_with_its_outputs(name: str):
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    said = "".join(texts(notebook))
    for text in SAID[name]:
        assert text in said
    assert absolute_paths(notebook) == []
    assert not any(output.output_type == "error" for cell in notebook.cells for output in cell.get("outputs", []))
