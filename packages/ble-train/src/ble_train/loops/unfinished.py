"""The iteration that a run is in: kept from time to time, and when the run is stopped, until the iteration is over.

An iteration may take an hour. Its state is in DIR/unfinished/NUMBER: position.json, and a folder of checkpoints with
one that is named by the iteration. Only the newest is kept.
"""

import contextlib
import json
import shutil
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ble_eval.trained import CHECKPOINTS_FOLDER, UNFINISHED_FOLDER, own_checkpoints
from ble_sim.files.atomic import write_json
from ble_sim.plugins.options import options_from_json, options_to_json
from ble_train.checkpoints import CheckpointError, CheckpointWarning, MismatchError
from ble_train.loops.records import EpisodeRecord, IterationLog

DEFAULT_MINUTES = 10.0

_POSITION = "position.json"


@dataclass(frozen=True)
class Position:
    """A place within an iteration.

    Attributes:
        iteration: number of the iteration.
        done: how much of it is done, in what the loop counts: episodes, or steps of all lanes.
        env_steps: steps of the environment, like the next two in this run and those that it resumes.
        num_episodes: episodes that have ended.
        seconds: time taken.
        episodes: those that ended in this iteration.
    """

    iteration: int
    done: int
    env_steps: int
    num_episodes: int
    seconds: float
    episodes: tuple[EpisodeRecord, ...]

    @classmethod
    def of(cls, log: IterationLog, iteration: int, done: int, episodes: Sequence[EpisodeRecord]) -> "Position":
        """The place at which the log's counts are."""
        return cls(iteration, done, log.env_steps, log.num_episodes, log.seconds, tuple(episodes))


def log_from(base_dir: Path, first_iteration: int, position: Position | None) -> IterationLog:
    """The log of a run, which counts on from the place within an iteration, or from the last iteration."""
    log = IterationLog(base_dir / "iterations.jsonl", first_iteration)
    if position is not None:
        log.go_on(position.env_steps, position.num_episodes, position.seconds)
    return log


class UnfinishedIteration:
    """Keeps the iteration that a run is in.

    Args:
        base_dir: the run's folder.
        minutes: time from one `save` to the next by `is_due`; 0 for never.
        clock: seconds from any origin.
    """

    def __init__(self, base_dir: Path, minutes: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = base_dir / UNFINISHED_FOLDER
        self._seconds = 60.0 * minutes
        self._clock = clock
        self._saved = clock()

    def is_due(self) -> bool:
        """Whether it is time to save."""
        return 0.0 < self._seconds <= self._clock() - self._saved

    def save(self, position: Position, write: Callable[[Path], None]) -> Path | None:
        """Keep the iteration as it is, in place of what was kept before.

        Args:
            position: where it is.
            write: writes the checkpoint, under the number of the iteration, into the folder that it receives.

        Returns:
            The folder of checkpoints, or None if nothing was written, since the agent has none.

        Raises:
            OSError: a file cannot be written.
        """
        before = self._kept()
        number = max((int(path.name) for path in before), default=0) + 1
        temporary = self._folder / f"{number}.tmp"
        shutil.rmtree(temporary, ignore_errors=True)
        checkpoints = temporary / CHECKPOINTS_FOLDER
        try:
            checkpoints.mkdir(parents=True)
            write(checkpoints)
            self._saved = self._clock()
            if not any(checkpoints.iterdir()):
                return None
            write_json(temporary / _POSITION, options_to_json(position))
            temporary.rename(self._folder / str(number))
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        for path in before:
            self._remove(path)
        return self._folder / str(number) / CHECKPOINTS_FOLDER

    def newest(self) -> tuple[Position, Path] | None:
        """What was kept last, and its folder of checkpoints; None if nothing was, with a warning if it is damaged."""
        for path in self._kept():
            try:
                values = json.loads((path / _POSITION).read_text(encoding="utf-8"))
                return options_from_json(Position, values), path / CHECKPOINTS_FOLDER
            except (OSError, ValueError) as error:
                message = f"{path / _POSITION} cannot be read ({error}): its iteration begins again."
                warnings.warn(message, CheckpointWarning, stacklevel=2)
        return None

    def after(self, checkpoints: Path) -> tuple[Position, Path] | None:
        """`newest`, if its iteration comes after those of ble-train's checkpoints in a folder."""
        kept = self.newest()
        finished = own_checkpoints(checkpoints)
        return kept if kept is not None and (not finished or kept[0].iteration > finished[-1][0]) else None

    def clear(self) -> None:
        """Remove what was kept: the iteration is over."""
        self._saved = self._clock()
        for path in self._kept():
            self._remove(path)
        for path in self._folder.glob("*.tmp"):  # A process that was killed left it.
            if path.stem.isdecimal():
                shutil.rmtree(path, ignore_errors=True)
        if self._folder.is_dir() and not any(self._folder.iterdir()):
            self._folder.rmdir()

    def _kept(self) -> list[Path]:
        """The folders that were kept, the newest first; the one before it is there if its removal was cut short."""
        paths = [path for path in self._folder.glob("*") if path.name.isdecimal() and path.name.isascii()]
        return sorted(paths, key=lambda path: int(path.name), reverse=True)

    def _remove(self, path: Path) -> None:
        """Remove a folder. It is renamed first, so that a kill leaves no half of one under its name."""
        doomed = path.with_suffix(".tmp")
        shutil.rmtree(doomed, ignore_errors=True)
        path.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)


@contextlib.contextmanager
def reported_damage(folder: Path) -> Iterator[None]:
    """A `CheckpointWarning` in place of the error for a damaged checkpoint of an unfinished iteration."""
    try:
        yield
    except MismatchError:
        raise
    except CheckpointError as error:
        message = f"{error} Continues from the checkpoint before {folder}."
        warnings.warn(message, CheckpointWarning, stacklevel=3)
