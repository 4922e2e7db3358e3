"""The LangChain notebooks run without an error, and say what their committed outputs say."""

from __future__ import annotations

import nbformat
import pytest

from tests.notebooks.running import NOTEBOOKS, absolute_paths, executed, texts

NAMES = ["batch_of_tickets", "langchain_agent", "langchain_structured_output"]


@pytest.mark.timeout(180)  # a kernel takes its time to start
@pytest.mark.parametrize("name", NAMES)
def test_the_notebook_runs(name: str) -> None:
    path = NOTEBOOKS / f"{name}.ipynb"
    committed = nbformat.read(path, as_version=4)
    fresh = executed(path)
    assert [[output.output_type for output in cell.get("outputs", [])] for cell in fresh.cells] == [
        [output.output_type for output in cell.get("outputs", [])] for cell in committed.cells
    ]
    assert texts(fresh)


@pytest.mark.parametrize("name", NAMES)
def test_the_committed_outputs_are_whole_and_from_no_machine(name: str) -> None:
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    assert not any(output.output_type == "error" for cell in code for output in cell.outputs)
    assert not any(output.get("name") == "stderr" for cell in code for output in cell.outputs)
    assert absolute_paths(notebook) == []
    words = sum(len(cell.source.split()) for cell in notebook.cells)
    assert words < 600, "a notebook is to be read in three minutes"
