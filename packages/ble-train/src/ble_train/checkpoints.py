"""Checkpoints of a training run: plain arrays in numbered folders, written by Orbax, whole or not at all.

Loading one executes no code. Each part has a checksum, which shows damage.
"""

import contextlib
import logging
import os
import shutil
import warnings
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp

NUM_NEWEST = 5
"""How many checkpoints are kept."""
NUM_RESUMABLE = 2
"""How many of them keep the parts that only a resumed run needs, which may be large."""

_CHECKSUMS = "checksums"


class CheckpointError(ValueError):
    """A checkpoint that is missing, damaged, or belongs to something else than what is to continue from it."""


class CheckpointWarning(UserWarning):
    """A damaged checkpoint, in whose place an older one is used."""


class Checkpoints:
    """The checkpoints in a folder, numbered by iteration. A checkpoint has named parts, each a pytree of arrays.

    Args:
        folder: the folder; it need not exist yet.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder).absolute()

    def iterations(self) -> list[int]:
        """The numbers of the checkpoints, oldest first."""
        if not self.folder.is_dir():
            return []
        return sorted(int(path.name) for path in self.folder.iterdir() if path.name.isdecimal())

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
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        for unfinished in self.folder.glob("*.*"):  # A run that was killed left it.
            shutil.rmtree(unfinished)
        for outdated in self.iterations():
            if outdated >= iteration:
                self._remove(outdated)
        flat = {name: _flat(part) for name, part in {**parts, **(resuming or {})}.items()}
        checksums = {name: _checksum(arrays) for name, arrays in flat.items()}
        items = {name: ocp.args.PyTreeSave(arrays) for name, arrays in flat.items() if arrays}
        with _quiet_orbax(), _checkpointer(items) as checkpointer:
            checkpointer.save(
                self.folder / str(iteration),
                args=ocp.args.Composite(**items, **{_CHECKSUMS: ocp.args.JsonSave(checksums)}),
                force=True,
            )
        iterations = self.iterations()
        for old in iterations[:-NUM_NEWEST]:
            self._remove(old)
        for old in iterations[:-NUM_RESUMABLE]:
            for name in resuming or {}:
                shutil.rmtree(self.folder / str(old) / name, ignore_errors=True)

    def load(self, iteration: int, like: Mapping[str, Any]) -> dict[str, Any]:
        """Read parts of a checkpoint.

        Args:
            iteration: its number.
            like: the parts to read, each with the expected structure, shapes and dtypes.

        Returns:
            The parts, with numpy arrays for leaves.

        Raises:
            CheckpointError: there is no such checkpoint or part, it is damaged, or it has another structure.
        """
        if iteration not in self.iterations():
            known = ", ".join(map(str, self.iterations())) or "none"
            raise CheckpointError(f"There is no checkpoint {iteration} in {self.folder}. There are: {known}.")
        checksums = self._restore(iteration, _CHECKSUMS, ocp.args.JsonRestore())
        parts = {}
        for name, part in like.items():
            expected = _flat(part)
            arrays = self._restore(iteration, name, ocp.args.PyTreeRestore()) if expected else {}
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

    def _has(self, iteration: int, parts: Mapping[str, Any]) -> bool:
        """Whether a checkpoint has all of these parts; parts without arrays are not written."""
        folder = self.folder / str(iteration)
        return all((folder / name).is_dir() or not _flat(part) for name, part in parts.items())

    def _remove(self, iteration: int) -> None:
        """Remove a checkpoint. It is renamed first, so that a kill leaves no half of one under its number."""
        doomed = self.folder / f"removing.{iteration}"
        (self.folder / str(iteration)).rename(doomed)
        shutil.rmtree(doomed)

    def _restore(self, iteration: int, name: str, args: Any) -> Any:
        try:
            with _checkpointer([name]) as checkpointer:
                folder = self.folder / str(iteration)
                return checkpointer.restore(folder, args=ocp.args.Composite(**{name: args}))[name]
        except Exception as error:  # Orbax raises whatever its storage layers raise at damaged files.
            raise CheckpointError(
                f"Part {name!r} of checkpoint {self.folder / str(iteration)} cannot be read: {error}"
            ) from error


class MismatchError(CheckpointError):
    """A sound checkpoint that belongs to something else."""


def _checkpointer(parts: Iterable[str]) -> ocp.Checkpointer:
    """A writer and reader of parts. Arrays are not compressed: that would take longer than training does."""
    handlers: Any = {name: ocp.PyTreeCheckpointHandler(use_compression=False, use_ocdbt=False) for name in parts}
    return ocp.Checkpointer(ocp.CompositeCheckpointHandler(**handlers | {_CHECKSUMS: ocp.JsonCheckpointHandler()}))


@contextlib.contextmanager
def _quiet_orbax() -> Iterator[None]:
    """Without Orbax's warning at each save that it merges nothing, which is intended."""
    logger = logging.getLogger("absl")

    def is_needed(record: logging.LogRecord) -> bool:
        return "Skipping merge of OCDBT" not in record.getMessage()

    logger.addFilter(is_needed)
    try:
        yield
    finally:
        logger.removeFilter(is_needed)


def _flat(tree: Any) -> dict[str, np.ndarray]:
    """Arrays by the path of each leaf, so that a checkpoint does not depend on the classes of its containers."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {jax.tree_util.keystr(path, simple=True, separator="."): np.asarray(leaf) for path, leaf in leaves}


def _unflat(arrays: Mapping[str, np.ndarray], like: Any, what: str) -> Any:
    expected = _flat(like)
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
