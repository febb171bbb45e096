"""The finished episodes of a run that is not complete, so that a stopped run continues after them.

The file has one JSON line for each episode, after a first line that identifies the run by settings, software and the
content of what it reads. The operating system has an episode before the next one starts, so a killed process loses only
the episodes in progress.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ble_eval.content import content_differences
from ble_eval.errors import UserError
from ble_eval.results.merging import contradiction
from ble_eval.results.records import EvaluationResult, from_json, to_json
from ble_eval.settings import differences, listing
from ble_sim.files.json_lines import append_json_line, cut_json_lines, write_json_lines
from ble_sim.files.locks import Lock

REMEDY = "Give --fresh to discard it, or another --output-dir or --name-override to keep it."


class PartialResults:
    """A file of finished episodes, to be continued, and its lock until `close` or the end of a `with` block.

    Args:
        path: the file; continued if it exists. Its folder exists.
        run: identifies the run: a mapping of JSON types with the keys "settings", "software" and "content", see
            `ble_eval.content.content_digests`.
        fresh: whether to discard what the file holds.

    Attributes:
        finished: the episodes in the file, by seed.
        found: how many of them an earlier process left there.

    Raises:
        LockedError: another process uses the file.
        UserError: the file belongs to another run, or is damaged.
        OSError: it cannot be read or written.
    """

    def __init__(self, path: Path, run: Mapping[str, Any], *, fresh: bool = False) -> None:
        self.path = path
        self.finished: dict[int, EvaluationResult] = {}
        self._run = run
        self._lock = Lock(path)
        try:
            if fresh:
                path.unlink(missing_ok=True)
            self._read()
            self._state = _state(path)
        except BaseException:
            self.close()
            raise
        self.found = len(self.finished)

    def append(self, result: EvaluationResult) -> None:
        """Keep a finished episode.

        A file that was removed or changed in the meantime is written anew, with all episodes of both.

        Raises:
            ResultFormatError: a number of the result is not finite.
            UserError: the file was changed, and now holds something that contradicts this run.
            OSError: the file cannot be written. The episodes before are kept.
        """
        record = to_json(result)
        if _state(self.path) != self._state:
            self._write_anew()
        append_json_line(self.path, record)
        self._state = _state(self.path)
        self.finished[result.seed] = result

    def close(self) -> None:
        """Let other processes have the file."""
        self._lock.release()

    def discard(self) -> None:
        """Remove the file once the results are written elsewhere."""
        self.path.unlink(missing_ok=True)
        self.close()

    def __enter__(self) -> "PartialResults":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self) -> None:
        """Add the episodes in the file to `finished`, and write the first line if there is none."""
        results: list[EvaluationResult] = []
        same_run = False

        def check(record: dict[str, Any]) -> bool:
            nonlocal same_run
            if same_run:
                results.append(from_json(record))
            else:
                _check_same_run(self.path, record, self._run)
                same_run = True
            return True

        try:
            cut_json_lines(self.path, check)
        except ValueError as error:
            if same_run:
                raise UserError(f"{error} Give --fresh to begin anew.") from None
            raise UserError(f"{self.path} is not the beginning of a run. {REMEDY}") from None
        self._add(results)
        if not same_run:
            append_json_line(self.path, self._run)

    def _add(self, results: Iterable[EvaluationResult]) -> None:
        for result in results:
            if found := contradiction(self.finished.setdefault(result.seed, result), result):
                raise UserError(
                    f"{self.path} holds two results of the seed {result.seed}: {found}. Give --fresh to begin anew."
                )

    def _write_anew(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._read()
        write_json_lines(self.path, [self._run, *map(to_json, self.finished.values())])


def _state(path: Path) -> tuple[int, int] | None:
    """Identity and size of a file; None if there is none."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size


def _check_same_run(path: Path, header: Mapping[str, Any], run: Mapping[str, Any]) -> None:
    try:
        found = [one for part in ("settings", "software") for one in differences(header[part], run[part])]
        found += content_differences(header.get("content", {}), run.get("content", {}))
    except AttributeError as error:
        raise ValueError(header) from error
    if found:
        raise UserError(f"{path} is the beginning of another run{listing(found)} {REMEDY}")
