"""Cells and their flight. A cell is one agent under one condition, with result files of its own; a sweep has several.

The episodes of every cell are kept as they are finished, and its files are written as soon as it is complete.
"""

import datetime as dt
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ble_agents.create import find_agent
from ble_eval.content import content_differences, run_identity
from ble_eval.engines.engine import Engine, Job
from ble_eval.errors import UserError
from ble_eval.results.files import ResultPaths, prepare_results, read_results, write_run
from ble_eval.results.partial import PartialResults
from ble_eval.results.records import EvaluationResult
from ble_eval.settings import EvaluationSettings, differences, listing, read_provenance
from ble_eval.trained import ChosenCheckpoint

if TYPE_CHECKING:
    from ble_eval.engines.local import LocalEngine
    from ble_eval.report.progress import EvaluationProgress
    from ble_eval.statistics import Summary


@dataclass(frozen=True, eq=False)
class Cell:
    """One agent under one condition.

    Attributes:
        name: of its result file, without shard and suffix.
        settings: of its run.
        seeds: those of its shard, in the order of the results.
        paths: its files.
        chosen: the checkpoint that the agent is loaded from, or None.
    """

    name: str
    settings: EvaluationSettings
    seeds: tuple[int, ...]
    paths: ResultPaths
    chosen: ChosenCheckpoint | None

    @property
    def information(self) -> str:
        """The information track of the agent."""
        return find_agent(self.settings.agent.name).information_track.value


@dataclass(frozen=True)
class Moment:
    """A point in time, for the records: as a date, and in seconds from any origin."""

    date: dt.datetime
    seconds: float

    @classmethod
    def now(cls) -> "Moment":
        """The present one."""
        return cls(dt.datetime.now(dt.UTC), time.monotonic())


@dataclass(frozen=True)
class Flown:
    """What has become of cells.

    Attributes:
        summaries: of the complete cells, by their names.
        account: what was flown and how fast, in words.
        stopped: where the episodes of a stopped sweep are, as a sentence; None where all cells are complete.
    """

    summaries: Mapping[str, "Summary"]
    account: str = ""
    stopped: str | None = None


def fly_cells(
    cells: Sequence[Cell],
    engine: Engine,
    local: "LocalEngine",
    *,
    command: str,
    started: Moment,
    fresh: bool,
    pretty: bool,
) -> Flown:
    """Fly what the cells lack and write their files. All that they name is made before anything is flown.

    Args:
        cells: of one suite, with different names.
        engine: flies.
        local: makes environments and agents.
        command: the command line, for the records.
        started: when the command was given.
        fresh: whether to fly all episodes anew.
        pretty: whether to indent the result files.

    Raises:
        UserError: an agent or a part of a task cannot be made, or a file is in the way.
        LockedError: another process flies a cell.
    """
    from ble_eval.statistics import summarize

    tasks = [local.parts(cell.settings) for cell in cells]
    identities = {cell: _identity(cell, parts["wind_field"]) for cell, parts in zip(cells, tasks, strict=True)}
    there = {} if fresh else {cell.name: _complete_results(cell, identity) for cell, identity in identities.items()}
    summaries = {name: summarize(results) for name, results in there.items() if results is not None}
    lacking = [cell for cell in cells if cell.name not in summaries]
    if not lacking:
        return Flown(summaries, "nothing is flown: the results are complete, and --fresh flies anew")
    if summaries:
        print(f"Complete, and not flown again without --fresh: {', '.join(summaries)}.", file=sys.stderr)
    for cell in lacking:
        if cell.chosen is not None:
            print(f"{cell.settings.agent.name} from {cell.chosen}", file=sys.stderr)
        local.agent(cell.settings)
    with ExitStack() as stack:
        flights = [stack.enter_context(_CellFlight(cell, identities[cell], fresh=fresh)) for cell in lacking]
        return _Sweep(flights, summaries, command, started, pretty=pretty).fly(engine)


class _CellFlight:
    """A cell that is flown: its lock and its finished episodes until the end of a `with` block.

    Args:
        cell: the cell.
        identity: of its run, as `PartialResults` takes it.
        fresh: whether to discard the episodes of an earlier process.

    Attributes:
        began: when the flight began, once it has.
        is_written: whether the files are.
    """

    def __init__(self, cell: Cell, identity: Mapping[str, Any], *, fresh: bool) -> None:
        self.cell = cell
        self.partial = PartialResults(cell.paths.partial, identity, fresh=fresh)
        self.began: Moment | None = None
        self.is_written = False
        self._identity = identity

    def __enter__(self) -> "_CellFlight":
        return self

    def __exit__(self, *_: object) -> None:
        self.partial.close()

    @property
    def lacking(self) -> tuple[int, ...]:
        """The seeds that are not flown yet."""
        return tuple(seed for seed in self.cell.seeds if seed not in self.partial.finished)

    @property
    def account(self) -> str:
        """How many episodes are finished and where they are, as a clause."""
        number, total = len(self.partial.finished), len(self.cell.seeds)
        return f"{number} of {total} episodes are finished and kept in {self.partial.path}"

    def write(self, command: str, *, pretty: bool) -> list[EvaluationResult]:
        """Write the files of the complete cell, forget its episodes, and return the results."""
        now = Moment.now()
        began = self.began or now
        results = [self.partial.finished[seed] for seed in self.cell.seeds]
        record = {
            "command": command,
            "started": began.date.isoformat(timespec="seconds"),
            "wall_time_seconds": round(now.seconds - began.seconds, 3),
            "episodes_flown_earlier": self.partial.found,
            "information": self.cell.information,
            **self._identity,
        }
        write_run(self.cell.paths, results, record, pretty=pretty)
        self.is_written = True
        self.partial.discard()
        self.partial.finished.clear()
        return results


class _Sweep:
    """Cells that are flown together, with one progress display.

    Args:
        flights: of the cells that are not complete.
        summaries: of the complete cells, by their names; the others are added.
        command: the command line, for the records.
        started: when the command was given.
        pretty: whether to indent the result files.
    """

    def __init__(
        self,
        flights: Sequence[_CellFlight],
        summaries: "dict[str, Summary]",
        command: str,
        started: Moment,
        *,
        pretty: bool,
    ) -> None:
        self._flights = flights
        self._flying = [flight for flight in flights if flight.lacking]
        self._summaries = summaries
        self._complete_before = len(summaries)
        self._command = command
        self._pretty = pretty
        self._next_begins = started
        """When a cell began that has flown nothing so far: at the end of the one before."""

    def fly(self, engine: Engine) -> Flown:
        """Fly what is lacking."""
        for flight in self._flights:
            if flight.partial.found:
                found = f"{flight.partial.found} episodes finished earlier ({flight.partial.path})"
                print(f"Continues after {found}.", file=sys.stderr)
        for flight in self._flights:
            if not flight.lacking:
                self._complete(flight)
        if not self._flying:
            return Flown(self._summaries, "nothing is left to fly")
        self._progress = _progress(self._flying)
        jobs = [Job(flight.cell.settings, flight.lacking) for flight in self._flying]
        try:
            with self._progress:
                engine.fly(jobs, self._keep, self._count)
        except KeyboardInterrupt:
            return Flown(self._summaries, stopped=self._what_is_kept())
        steps, speed = self._progress.steps, self._progress.steps_per_second
        return Flown(self._summaries, f"{steps} steps flown, {speed:.0f} a second with compilation")

    def _keep(self, index: int, result: EvaluationResult) -> None:
        flight = self._flying[index]
        flight.began = flight.began or self._next_begins
        flight.partial.append(result)
        self._progress.episode_done(index)
        if len(flight.partial.finished) == len(flight.cell.seeds):
            self._complete(flight)

    def _count(self, index: int, steps: int, inside: int) -> None:
        flight = self._flying[index]
        flight.began = flight.began or self._next_begins
        self._progress.steps_done(index, steps, inside)

    def _complete(self, flight: _CellFlight) -> None:
        from ble_eval.statistics import summarize

        results = flight.write(self._command, pretty=self._pretty)
        self._next_begins = Moment.now()
        self._summaries[flight.cell.name] = summarize(results)

    def _what_is_kept(self) -> str:
        """What a stopped sweep has finished and where it is, as a sentence."""
        number = len(self._flights) + self._complete_before
        unfinished = [flight for flight in self._flights if not flight.is_written]
        if number == 1 and unfinished:
            return unfinished[0].account
        files = f"{number - len(unfinished)} of {number} result files are complete"
        return "; ".join([files, *(flight.account for flight in unfinished if flight.partial.finished)])


def _progress(flights: Sequence[_CellFlight]) -> "EvaluationProgress":
    from rich.console import Console

    from ble_eval.report.progress import CellProgress, EvaluationProgress

    counts = [
        CellProgress(flight.cell.name, len(flight.cell.seeds), flight.partial.finished.values()) for flight in flights
    ]
    return EvaluationProgress(Console(stderr=True), counts, flights[0].cell.settings.max_episode_length)


def _identity(cell: Cell, wind_field: Any) -> dict[str, Any]:
    """What `PartialResults` knows a run by; the folder of the cell is made, and its files can be written."""
    prepare_results(cell.paths)
    return run_identity(cell.settings, wind_field)


def _complete_results(cell: Cell, identity: Mapping[str, Any]) -> list[EvaluationResult] | None:
    """The results that are there, if this run has written all of them; None if it has to fly them.

    Raises:
        UserError: they are of another run.
        ResultFormatError: they cannot be read.
    """
    path = cell.paths.results
    if not path.exists():
        return None
    record = read_provenance(cell.paths.provenance)
    if record is None:
        found = ["its settings are unknown"]
    else:
        parts = ("settings", "software")
        found = [one for part in parts for one in differences(record.get(part, {}), identity[part])]
        found += content_differences(record.get("content", {}), identity["content"])
    if found:
        raise UserError(
            f"{path} is the result of another run{listing(found)}"
            " Give --fresh to replace it, or another --output-dir or --name-override to keep it."
        )
    results = {result.seed: result for result in read_results(path)}
    return [results[seed] for seed in cell.seeds] if results.keys() == set(cell.seeds) else None
