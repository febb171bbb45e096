"""The finished episodes of a run that is not complete, so that a stopped run continues after them.

The file has one JSON line for each episode, after a first line that identifies the run by settings and software. The
operating system has an episode before the next one starts, so a killed process loses only the episodes in progress.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ble_eval.errors import UserError
from ble_eval.results.records import EvaluationResult, from_json, to_json
from ble_eval.settings import differences
from ble_eval.suites.suite import repeated
from ble_sim.files.json_lines import append_json_line, cut_json_lines

REMEDY = "Give --fresh to discard it, or another --output-dir or --name-override to keep it."


class PartialResults:
    """A file of finished episodes, to be continued.

    Args:
        path: the file; continued if it exists.
        run: identifies the run: a mapping of JSON types with the keys "settings" and "software".

    Attributes:
        finished: the episodes in the file, by seed.
        found: how many of them an earlier process left there.

    Raises:
        UserError: the file belongs to another run, or is damaged.
    """

    def __init__(self, path: Path, run: Mapping[str, Any]) -> None:
        self.path = path
        results: list[EvaluationResult] = []
        same_run = False

        def check(record: dict[str, Any]) -> bool:
            nonlocal same_run
            if same_run:
                results.append(from_json(record))
            else:
                _check_same_run(path, record, run)
                same_run = True
            return True

        try:
            cut_json_lines(path, check)
        except ValueError as error:
            if same_run:
                raise UserError(f"{error} Give --fresh to begin anew.") from None
            raise UserError(f"{path} is not the beginning of a run. {REMEDY}") from None
        if twice := repeated(result.seed for result in results):
            raise UserError(f"{path} holds the seed {twice[0]} twice. Give --fresh to begin anew.")
        self.finished = {result.seed: result for result in results}
        self.found = len(results)
        if not same_run:
            append_json_line(path, run)

    def append(self, result: EvaluationResult) -> None:
        """Keep a finished episode."""
        append_json_line(self.path, to_json(result))
        self.finished[result.seed] = result

    def discard(self) -> None:
        """Remove the file once the results are written elsewhere."""
        self.path.unlink()


def _check_same_run(path: Path, header: Mapping[str, Any], run: Mapping[str, Any]) -> None:
    try:
        found = "; ".join(filter(None, (differences(header[part], run[part]) for part in ("settings", "software"))))
    except AttributeError as error:
        raise ValueError(header) from error
    if found:
        raise UserError(f"{path} is the beginning of another run: {found}. {REMEDY}")
