"""The finished episodes of a run under way, so that a run that was stopped goes on where it was.

The file has one JSON line an episode, after a first line that says which run it is (settings and software).
An episode reaches the operating system before the next one starts, so a killed process loses no more than the
flight it was in.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from ble_eval.command_line.errors import UserError
from ble_eval.results.records import EvaluationResult, ResultFormatError, from_json, to_json
from ble_eval.settings import differences
from ble_eval.suites.suite import repeated


class PartialResults:
    """A file of finished episodes, open for more.

    Args:
        path: the file; continued when it is there.
        run: identifies the run: a mapping of JSON types with the keys "settings" and "software".

    Attributes:
        finished: the episodes in the file, by seed.
        found: how many of them an earlier process left there.

    Raises:
        UserError: the file belongs to another run, or is damaged.
    """

    def __init__(self, path: Path, run: Mapping[str, Any]) -> None:
        self.path = path
        lines = _complete_lines(path)
        if lines:
            _check_same_run(path, lines[0], run)
        results = [_result(path, number, line) for number, line in enumerate(lines[1:], start=2)]
        if twice := repeated(result.seed for result in results):
            raise UserError(f"{path} holds the seed {twice[0]} twice. Give --fresh to fly anew.")
        self.finished = {result.seed: result for result in results}
        self.found = len(results)
        self._file: IO[str] = path.open("a", encoding="utf-8")
        if not lines:
            self._write(run)

    def append(self, result: EvaluationResult) -> None:
        """Keeps a finished episode."""
        self._write(to_json(result))
        self.finished[result.seed] = result

    def close(self) -> None:
        """Closes the file and leaves it there."""
        self._file.close()

    def discard(self) -> None:
        """Closes and removes the file, once the results stand elsewhere."""
        self.close()
        self.path.unlink()

    def _write(self, value: object) -> None:
        self._file.write(json.dumps(value, allow_nan=False) + "\n")
        self._file.flush()


def _complete_lines(path: Path) -> list[str]:
    """The lines of the file; one that a kill cut short is removed from it."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    complete = content.rfind(b"\n") + 1
    if complete < len(content):
        with path.open("r+b") as file:
            file.truncate(complete)
    return content[:complete].decode("utf-8", errors="replace").splitlines()


def _check_same_run(path: Path, header: str, run: Mapping[str, Any]) -> None:
    remedy = "Give --fresh to discard it, or another --output-dir or --name-override to keep it."
    try:
        there = json.loads(header)
        found = "; ".join(filter(None, (differences(there[part], run[part]) for part in ("settings", "software"))))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise UserError(f"{path} is not the beginning of a run. {remedy}") from None
    if found:
        raise UserError(f"{path} is the beginning of another run: {found}. {remedy}")


def _result(path: Path, number: int, line: str) -> EvaluationResult:
    try:
        return from_json(json.loads(line))
    except (ResultFormatError, json.JSONDecodeError) as error:
        raise UserError(f"{path}, line {number}: {error}. Give --fresh to fly anew.") from None
