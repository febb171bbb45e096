"""The code in docs/extending.md does what the page says.

Each section has a folder of its own. A block whose first line is a comment with a file's name is that file, and a
pyproject.toml is installed as pip would: its entry points are found. The other Python blocks are programs, and the
lines of bash blocks are commands, run in the order of the page.
"""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from installed_plugins import install_distribution, path_with

pytestmark = pytest.mark.long

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE_NAME = re.compile(r"# (\S+\.(?:py|toml))\n")
PROGRAMS = {"ble-eval": ["-m", "ble_eval"], "ble-train": ["-m", "ble_train"], "python": []}
NEEDS = {"xarray": ["xarray", "h5netcdf"]}
"""What a section must have installed when it mentions something."""


def sections() -> dict[str, str]:
    _, *rest = PAGE.read_text(encoding="utf-8").split("\n## ")
    return {name: text for name, _, text in (part.partition("\n") for part in rest) if "```" in text}


@pytest.mark.parametrize("name", sections())
def test_the_code_of_a_section_runs(name, tmp_path):
    text = sections()[name]
    for word, packages in NEEDS.items():
        if word in text:
            for package in packages:
                pytest.importorskip(package)
    for _, block in BLOCK.findall(text):
        if file_name := FILE_NAME.match(block):
            file = tmp_path / file_name[1]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block, encoding="utf-8")
            if file.name == "pyproject.toml":
                project = tomllib.loads(block)["project"]
                install_distribution(tmp_path, project["name"], project["version"], project["entry-points"])
    for language, block in BLOCK.findall(text):
        if language == "bash":
            for line in block.splitlines():
                run_command(line, tmp_path)
        elif language == "python" and not FILE_NAME.match(block):
            run(["-c", block], tmp_path)


def run_command(line: str, folder: Path) -> None:
    program, *words = shlex.split(line)
    if program == "pip":
        assert words == ["install", "-e", "."]
        return
    out = run([*PROGRAMS[program], *words], folder)
    assert out


def run(words: list[str], folder: Path) -> str:
    environment = {
        **os.environ,
        "PYTHONPATH": path_with(folder),
        "PYTHONWARNINGS": "error::UserWarning",
        "BLE_PLUGINS": "all",
    }
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout
