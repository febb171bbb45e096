"""Every example runs as it stands; those that bring requirements of their own (PEP 723) are not run here."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = [
    path
    for path in sorted((Path(__file__).parents[2] / "examples").glob("*.py"))
    if "# /// script" not in path.read_text(encoding="utf-8")
]


def test_there_are_examples():
    assert EXAMPLES


@pytest.fixture(scope="module")
def compilation_cache(tmp_path_factory) -> dict[str, str]:
    """One for all examples, which compile the same environment."""
    folder = str(tmp_path_factory.mktemp("jax"))
    return {"JAX_COMPILATION_CACHE_DIR": folder, "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.2"}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(example, tmp_path, compilation_cache):
    done = subprocess.run(
        [sys.executable, str(example)],
        cwd=tmp_path,
        env={**os.environ, **compilation_cache},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout
