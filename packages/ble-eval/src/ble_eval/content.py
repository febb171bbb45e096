"""The content of what a run reads: digests by which files are known again, whatever their names.

Settings name a file, a checkpoint or a plugin. What the name stands for may have changed when a stopped run goes on.
"""

import dataclasses
import functools
import hashlib
import importlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ble_agents.create import find_agent
from ble_env import task_parts
from ble_eval.settings import RunSettings, software
from ble_eval.trained import CHECKSUMS
from ble_sim.plugins import Registration

BLOCK_SIZE = 2**20
NUM_BLOCKS = 64
"""Of a file with more blocks than these, so many are read, evenly spaced, the first and the last among them."""
MAX_FILES = 2000
"""Of a package with more files, the names and sizes are read."""

OWN_PACKAGES = frozenset({"ble_sim", "ble_env", "ble_agents", "ble_eval", "ble_train"})
"""Packages whose versions identify them."""


def run_identity(settings: RunSettings, wind_field: Any) -> dict[str, Any]:
    """What identifies a run: its software, its settings, and the content of what it reads. Of JSON types only.

    Args and errors are those of `content_digests`.
    """
    return {
        "software": software(settings),
        "settings": settings.to_json(),
        "content": content_digests(settings, wind_field),
    }


def content_digests(settings: RunSettings, wind_field: Any) -> dict[str, str]:
    """Digests of everything that a run reads besides its settings.

    These are the wind field, files that options name, the checkpoint of an evaluation, and the source of plugins. It
    takes milliseconds; large files are read in part.

    Args:
        settings: of the run.
        wind_field: the `ble_sim.wind.field.WindField` of its task.

    Returns:
        Digests (hexadecimal) by what they are of, in words such as "the file winds.nc".

    Raises:
        OSError: a file cannot be read.
    """
    found = {"the wind field's content": wind_field.digest()}
    chosen = {"agent": find_agent(settings.agent.name)} | {
        part.argument: part.registry.get(settings.task[part.argument].name) for part in task_parts.TASK_PARTS
    }
    choices = {"agent": settings.agent, **settings.task}
    for kind, registration in chosen.items():
        packages = _packages(registration)
        if packages or kind != "wind_field":  # The digest of a wind field of our own says all that it reads of files.
            found |= {f"the file {path}": path_digest(path) for path in _files_in(choices[kind].options)}
        found |= {f"the source of {package}": _source_digest(package) for package in sorted(packages)}
    folder, number = getattr(settings, "checkpoint_dir", None), getattr(settings, "checkpoint_idx", None)
    if folder is not None and number is not None:
        found[f"the checkpoint {number} in {folder}"] = checkpoint_digest(Path(folder), number)
    return found


def content_differences(there: Mapping[str, str], here: Mapping[str, str]) -> list[str]:
    """The differences between two records of `content_digests`, a clause for each."""
    changes = {key: "has changed" for key in there if key in here and there[key] != here[key]}
    changes |= {key: "is not read any more" for key in there if key not in here}
    changes |= {key: "is not recorded there" for key in here if key not in there}
    return [f"{key} {change}" for key, change in changes.items()]


def path_digest(path: Path) -> str:
    """Digest (hexadecimal) of a file, or of all files in a folder with their names.

    Raises:
        OSError: a file cannot be read.
    """
    return _files_digest(path, path.rglob("*") if path.is_dir() else [path])


def checkpoint_digest(folder: Path, number: int) -> str:
    """Digest (hexadecimal) of a checkpoint, empty if there is none.

    The checksums of one that this project has written stand for all of it. Of others it takes whatever has the number
    in its name.

    Raises:
        OSError: a file cannot be read.
    """
    entries = [path for path in _entries(folder) if number in map(int, re.findall("[0-9]+", path.name))]
    sums = [path / CHECKSUMS / "metadata" for path in entries if (path / CHECKSUMS / "metadata").is_file()]
    return " ".join(path_digest(path) for path in sorted(sums or entries))


def _entries(folder: Path) -> Iterable[Path]:
    return folder.iterdir() if folder.is_dir() else ()


def _files_digest(folder: Path, files: Iterable[Path]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    files = sorted(file for file in files if file.is_file())
    for file in files:
        size = file.stat().st_size
        digest.update(f"{file.relative_to(folder).as_posix()}\n{size}\n".encode())
        if len(files) <= MAX_FILES:
            for block in _blocks(file, size):
                digest.update(block)
    return digest.hexdigest()


def _blocks(path: Path, size: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        if size > NUM_BLOCKS * BLOCK_SIZE:
            for index in range(NUM_BLOCKS):
                file.seek(index * (size - BLOCK_SIZE) // (NUM_BLOCKS - 1))
                yield file.read(BLOCK_SIZE)
        else:
            while block := file.read(BLOCK_SIZE):
                yield block


def _files_in(value: object) -> Iterator[Path]:
    """The files that options name, as far as they exist."""
    if dataclasses.is_dataclass(value):
        value = [getattr(value, field.name) for field in dataclasses.fields(value)]
    elif isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _files_in(item)
    # A word without a dot or a slash is rather the name of something else.
    elif isinstance(value, os.PathLike) or (isinstance(value, str) and re.search(r"[./\\]", value)):
        path = os.path.expanduser(os.fspath(value))
        if os.path.isfile(path):
            yield Path(path)


def _packages(registration: Registration) -> set[str]:
    """The top-level packages or modules of others that an extension is made of."""
    constructor = registration.constructor
    while isinstance(constructor, functools.partial):
        constructor = constructor.func
    modules = [constructor.partition(":")[0] if isinstance(constructor, str) else constructor.__module__]
    modules.append(registration.options_type.__module__)
    return {module.partition(".")[0] for module in modules} - OWN_PACKAGES


def _source_digest(package: str) -> str:
    """Digest of the Python files of a package or module; empty if it has none."""
    file = getattr(importlib.import_module(package), "__file__", None)
    if file is None:
        return ""
    folder = Path(file).parent
    return _files_digest(folder, folder.rglob("*.py") if Path(file).name == "__init__.py" else [Path(file)])
