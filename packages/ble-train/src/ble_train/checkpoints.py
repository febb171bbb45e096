"""Checkpoints of a training run: plain arrays in numbered folders, written by Orbax, whole or not at all.

Loading one executes no code. Each part has a checksum, which shows damage. Others may keep what they like beside the
checkpoints: only what `ble_eval.trained.own_checkpoints` finds is read and removed, and what a killed process has left.
"""

import contextlib
import itertools
import logging
import os
import re
import shutil
import uuid
import warnings
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp

from ble_eval.trained import CHECKSUMS, own_checkpoints

NUM_NEWEST = 5
"""How many checkpoints are kept."""
NUM_RESUMABLE = 2
"""How many of them keep the parts that only a resumed run needs, which may be large."""

_UNFINISHED = re.compile(r"(writing|removing)[.][0-9.]+([.]orbax-checkpoint-tmp.*)?|[0-9]+[.]orbax-checkpoint-tmp.*")
"""Names of folders that a killed process leaves."""

_OWN_FILES = re.compile(r"[._].*|metadata|commit_success[.]txt")
"""Names of files in a checkpoint that Orbax writes, and hidden ones, which systems add to every folder."""

_ERROR_CODE = re.compile(r"os_error_code='([0-9]+)'")
"""How Orbax's storage layer gives the system's error number."""


class CheckpointError(ValueError):
    """A checkpoint that is missing, damaged, or belongs to something else than what is to continue from it."""


class CheckpointWarning(UserWarning):
    """A damaged checkpoint, in whose place an older one is used."""


def shapes_of(parts: Any) -> Any:
    """Parts without their arrays, which would stay in memory while a checkpoint is read."""
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), parts)


class Checkpoints:
    """The checkpoints in a folder, numbered by iteration. A checkpoint has named parts, each a pytree of arrays.

    Args:
        folder: the folder; it need not exist yet.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder).absolute()

    def iterations(self) -> list[int]:
        """The numbers of the checkpoints, oldest first."""
        return sorted(self._paths())

    def save(
        self,
        iteration: int,
        parts: Mapping[str, Any],
        *,
        resuming: Mapping[str, Any] | None = None,
    ) -> None:
        """Write a checkpoint, and remove those that are no longer among the newest.

        Args:
            iteration: its number. Checkpoints of this number and higher ones are removed: they were written before the
                run was resumed from an older one.
            parts: parts that are kept as long as the checkpoint.
            resuming: parts that are kept in the newest checkpoints only.

        Raises:
            OSError: it cannot be written. All other checkpoints stay as they were.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._remove_unfinished()
        flat = {name: _flat(part) for name, part in {**parts, **(resuming or {})}.items()}
        self._write(iteration, flat)
        paths = self._paths()
        for abandoned in paths:
            if abandoned > iteration:
                self._remove(paths[abandoned])
        kept = [number for number in sorted(paths) if number <= iteration]
        superfluous = [paths[old] for old in kept[:-NUM_NEWEST] if not _has_others_files(paths[old])]
        superfluous += [paths[old] / name for old in kept[:-NUM_RESUMABLE] for name in resuming or {}]
        for path in superfluous:
            with contextlib.suppress(OSError):  # One too many does no harm; the next call tries again.
                self._remove(path)

    def _write(self, iteration: int, flat: Mapping[str, Mapping[str, np.ndarray]]) -> None:
        """Write a checkpoint beside the others, and put it in its place when it is complete."""
        # Each time another name: threads of Orbax may go on with a save that has failed.
        written = self.folder / f"writing.{uuid.uuid4().int}"
        checksums = {name: _checksum(arrays) for name, arrays in flat.items()}
        items = {name: ocp.args.PyTreeSave(_uncopied(arrays)) for name, arrays in flat.items() if arrays}
        try:
            with _quiet_orbax(), _checkpointer(items) as checkpointer:
                checkpointer.save(
                    written,
                    args=ocp.args.Composite(**items, **{CHECKSUMS: ocp.args.JsonSave(checksums)}),
                    force=True,
                )
            self._put_in_place(iteration, written)
        except Exception as error:  # Orbax raises whatever its storage layers raise at a full disk.
            with contextlib.suppress(OSError):
                self._remove_unfinished()
            if isinstance(error, OSError):
                raise
            if code := _ERROR_CODE.search(str(error)):
                raise OSError(int(code[1]), os.strerror(int(code[1])), str(self.folder / str(iteration))) from error
            raise OSError(f"Cannot write the checkpoint {self.folder / str(iteration)}: {error}") from error

    def _put_in_place(self, iteration: int, written: Path) -> None:
        """Give a complete checkpoint its name. An earlier one of this number is there until the new one is."""
        place, other = self.folder / str(iteration), self.folder / f"{iteration}.checkpoint"
        own = [path for number, path in own_checkpoints(self.folder) if number == iteration]
        is_free = not os.path.lexists(place)
        if is_free:
            written.rename(place)
        if other in own:
            self._remove(other)
        if not is_free:
            written.rename(other)
        if place in own:
            earlier = self._set_aside(place)
            other.rename(place)
            _erase(earlier)

    def load(self, iteration: int, like: Mapping[str, Any]) -> dict[str, Any]:
        """Read parts of a checkpoint.

        Args:
            iteration: its number.
            like: the parts to read, each with the expected structure, shapes and dtypes; see `shapes_of`.

        Returns:
            The parts, with numpy arrays for leaves.

        Raises:
            CheckpointError: there is no such checkpoint or part, it is damaged, or it has another structure.
        """
        if iteration not in self._paths():
            known = ", ".join(map(str, self.iterations())) or "none"
            raise CheckpointError(f"There is no checkpoint {iteration} in {self.folder}. There are: {known}.")
        checksums = self._restore(iteration, CHECKSUMS, ocp.args.JsonRestore())
        parts = {}
        for name, part in like.items():
            arrays = self._restore(iteration, name, ocp.args.PyTreeRestore()) if jax.tree.leaves(part) else {}
            if checksums.get(name) != _checksum(arrays):
                raise CheckpointError(f"Part {name!r} of checkpoint {self.folder / str(iteration)} is damaged.")
            parts[name] = _unflat(arrays, part, f"Checkpoint {self.folder / str(iteration)}, part {name!r},")
        return parts

    def load_latest(
        self, like: Mapping[str, Any], *, resuming: Mapping[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]] | None:
        """Read the newest checkpoint that is not damaged, with a warning for each damaged one.

        Args:
            like: the parts to read, see `load`.
            resuming: more parts, read if the checkpoint has all of them.

        Returns:
            Its number and parts, or None if there is no checkpoint.

        Raises:
            CheckpointError: all checkpoints are damaged, or the newest belongs to something else.
        """
        iterations = self.iterations()
        for iteration in reversed(iterations):
            extra = resuming if resuming and self._has(iteration, resuming) else {}
            try:
                return iteration, self.load(iteration, {**like, **extra})
            except MismatchError:
                raise
            except CheckpointError as error:
                if iteration == iterations[0]:
                    raise
                warnings.warn(f"{error} Continues from the one before it.", CheckpointWarning, stacklevel=2)
        return None

    def _paths(self) -> dict[int, Path]:
        return dict(own_checkpoints(self.folder))

    def _has(self, iteration: int, parts: Mapping[str, Any]) -> bool:
        """Whether a checkpoint has all of these parts; parts without arrays are not written."""
        folder = self._paths()[iteration]
        return all((folder / name).is_dir() or not jax.tree.leaves(part) for name, part in parts.items())

    def _remove(self, path: Path) -> None:
        """Remove a checkpoint or a part of one. It is renamed first, so that a kill leaves no half of it."""
        _erase(self._set_aside(path))

    def _set_aside(self, path: Path) -> Path:
        places = (self.folder / f"removing.{count}" for count in itertools.count())
        return path.rename(next(place for place in places if not os.path.lexists(place)))

    def _remove_unfinished(self) -> None:
        """Remove what a process that was killed, or whose disk was full, has left."""
        for name in os.listdir(self.folder):
            path = self.folder / name
            if _UNFINISHED.fullmatch(name) and path.is_dir() and not path.is_symlink():
                _erase(path)

    def _restore(self, iteration: int, name: str, args: Any) -> Any:
        try:
            with _quiet_orbax(), _checkpointer([name]) as checkpointer:
                folder = self._paths()[iteration]
                return checkpointer.restore(folder, args=ocp.args.Composite(**{name: args}))[name]
        except Exception as error:  # Orbax raises whatever its storage layers raise at damaged files.
            raise CheckpointError(
                f"Part {name!r} of checkpoint {self.folder / str(iteration)} cannot be read: {error}"
            ) from error


class MismatchError(CheckpointError):
    """A sound checkpoint that belongs to something else."""


def _has_others_files(folder: Path) -> bool:
    """Whether somebody has put a file into a checkpoint, which then stays as it is; also if it cannot be read."""
    try:
        return any(path.is_file() and not _OWN_FILES.fullmatch(path.name) for path in folder.iterdir())
    except OSError:
        return True


def _erase(folder: Path) -> None:
    """Remove a folder of a checkpoint as far as possible, but not the files that others have put into it."""
    with contextlib.suppress(OSError):
        for path in list(folder.iterdir()):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            elif _OWN_FILES.fullmatch(path.name):
                path.unlink(missing_ok=True)
        folder.rmdir()


def _checkpointer(parts: Iterable[str]) -> ocp.Checkpointer:
    """A writer and reader of parts. Arrays are not compressed: that would take longer than training does."""
    handlers: Any = {name: ocp.PyTreeCheckpointHandler(use_compression=False, use_ocdbt=False) for name in parts}
    return ocp.Checkpointer(ocp.CompositeCheckpointHandler(**handlers | {CHECKSUMS: ocp.JsonCheckpointHandler()}))


@contextlib.contextmanager
def _quiet_orbax() -> Iterator[None]:
    """Without Orbax's warning at each save that it merges nothing, and its tracebacks of errors that it also raises."""
    logger = logging.getLogger("absl")

    def is_needed(record: logging.LogRecord) -> bool:
        message = record.getMessage()
        return "Skipping merge of OCDBT" not in message and "_SignalingThread" not in message

    logger.addFilter(is_needed)
    try:
        yield
    finally:
        logger.removeFilter(is_needed)


def _flat(tree: Any) -> dict[str, np.ndarray]:
    """Arrays by the path of each leaf, so that a checkpoint does not depend on the classes of its containers."""
    return {name: np.asarray(leaf) for name, leaf in _by_path(tree).items()}


def _by_path(tree: Any) -> dict[str, Any]:
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {jax.tree_util.keystr(path, simple=True, separator="."): leaf for path, leaf in leaves}


class _Uncopied(np.ndarray):
    """An array that is its own copy: Orbax copies arrays before it writes them, which takes their memory twice."""

    def __deepcopy__(self, memo: dict[int, Any]) -> "_Uncopied":
        return self


def _uncopied(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Views of arrays, which do not change before they are written."""
    return {name: array.view(_Uncopied) for name, array in arrays.items()}


def _unflat(arrays: Mapping[str, np.ndarray], like: Any, what: str) -> Any:
    expected = _by_path(like)
    remedy = "Load it with the options that it was trained with."
    if differing := expected.keys() ^ arrays.keys():
        raise MismatchError(f"{what} is of something else: it differs in {', '.join(sorted(differing))}. {remedy}")
    for name, leaf in expected.items():
        found = np.asarray(arrays[name])
        if (found.shape, found.dtype) != (leaf.shape, leaf.dtype):
            raise MismatchError(
                f"{what} is of something else: {name} is {found.dtype}{list(found.shape)}"
                f" instead of {leaf.dtype}{list(leaf.shape)}. {remedy}"
            )
    return jax.tree.unflatten(jax.tree.structure(like), [np.asarray(arrays[name]) for name in expected])


def _checksum(arrays: Mapping[str, np.ndarray]) -> int:
    checksum = 0
    for name in sorted(arrays):
        checksum = zlib.crc32(name.encode(), checksum)
        checksum = zlib.crc32(np.ascontiguousarray(arrays[name]).reshape(-1).view(np.uint8).data, checksum)
    return checksum
