"""Plugins of third parties, installed for a test: a distribution's metadata in a folder that is put on the path."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

GROUP = "ble.plugins"


def install_distribution(folder: Path, name: str, version: str, entry_points: Mapping[str, Mapping[str, str]]) -> None:
    """Write the metadata of a distribution. Its modules are found in `folder` too, or elsewhere on the path."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    header = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    (info / "METADATA").write_text(header, encoding="utf-8")
    lines = []
    for group, points in entry_points.items():
        lines += [f"[{group}]", *(f"{point} = {target}" for point, target in points.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def install_plugin(
    folder: Path,
    name: str,
    version: str,
    source: str,
    *,
    entry_point: str | None = None,
    attribute: str = "",
    group: str = GROUP,
) -> str:
    """Install a distribution of one module, a plugin, and return the module's name: that of the distribution."""
    module = name.replace("-", "_")
    (folder / f"{module}.py").write_text(source, encoding="utf-8")
    install_distribution(folder, name, version, {group: {entry_point or module: module + attribute}})
    return module


def path_with(*folders: object) -> str:
    """A PYTHONPATH with these folders first, and everything that this process finds."""
    return os.pathsep.join([*map(str, folders), *filter(None, sys.path)])


def run_python(code: str, *folders: object) -> str:
    """The output of a fresh interpreter that has these folders on its path."""
    environment = {**os.environ, "PYTHONPATH": path_with(*folders)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
