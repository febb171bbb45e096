"""docs/first-flights.ipynb runs from top to bottom, in three minutes, and is stored with small results.

`uv run pytest -m long tests/integration/test_notebook.py --durations 0` prints the seconds of a first and a second run.
"""

import ast
import importlib
import resource
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from pages import ROOT

NOTEBOOK = ROOT / "docs" / "first-flights.ipynb"
MINUTES = 3
LARGEST = 400_000
"""Bytes of the file with its results."""


def read() -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOK, as_version=4)


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    """JAX's folder of compiled programs, empty at first."""
    return tmp_path_factory.mktemp("cache")


@pytest.mark.long
@pytest.mark.parametrize("compiled", ["nothing", "everything"])
def test_it_runs_from_top_to_bottom(compiled, cache, monkeypatch):
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(cache))
    notebook, before = read(), processor_seconds()
    folder = {"metadata": {"path": NOTEBOOK.parent}}
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources=folder).execute()
    assert any("image/png" in output.get("data", {}) for cell in code_cells(notebook) for output in cell.outputs)
    # On a quiet machine it takes less time than this, which does not depend on what else runs.
    assert processor_seconds() - before < MINUTES * 60


def processor_seconds() -> float:
    """Of all processes that this one has started and that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def test_it_is_stored_with_small_results():
    cells = code_cells(read())
    assert NOTEBOOK.stat().st_size < LARGEST
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert all(output.output_type != "error" for cell in cells for output in cell.outputs)
    assert not [text for cell in cells for output in cell.outputs for text in [str(output)] if "/home/" in text]


def test_its_imports_and_links_exist():
    for cell in read().cells:
        if cell.cell_type == "code":
            for node in ast.walk(ast.parse(cell.source)):
                if isinstance(node, ast.ImportFrom):
                    module = importlib.import_module(str(node.module))
                    assert all(hasattr(module, alias.name) for alias in node.names), cell.source
        else:
            for target in (part.partition(")")[0] for part in cell.source.split("](")[1:]):
                assert "://" in target or (NOTEBOOK.parent / target).is_file(), target
