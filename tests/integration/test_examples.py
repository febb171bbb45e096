"""Every example runs as it stands.

Of those that bring requirements of their own (PEP 723), the ones whose requirements are light are run where these are
installed; docs/frameworks.md records how the others were run by hand.
"""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

FOLDER = Path(__file__).parents[2] / "examples"
EXAMPLES = [path for path in sorted(FOLDER.glob("*.py")) if "# /// script" not in path.read_text(encoding="utf-8")]
LIGHT = {"gymnasium_async.py": [], "minari_dataset.py": ["minari", "h5py", "PIL"]}
"""Examples in frameworks/ and what they import that may be missing."""
TIME_LIMIT = 900
"""Seconds; an example with processes of its own may hang where others fail."""


def test_there_are_examples():
    assert EXAMPLES


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(example, tmp_path):
    run(example, tmp_path)


@pytest.mark.parametrize("name", LIGHT)
def test_an_example_of_a_light_framework_runs(name, tmp_path):
    for module in LIGHT[name]:
        pytest.importorskip(module)
    run(FOLDER / "frameworks" / name, tmp_path)


def run(example: Path, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(example)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout
