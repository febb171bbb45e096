"""What is disturbed by faults: a command, a check that nothing finished is lost, and a summary of how it ends.

A command calls `finished` with whatever it has finished, and goes on where an earlier call of it has stopped.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from training_fakes import FakeEnv
from vector_fakes import DigestAgent

from ble_eval.results.files import ResultPaths, prepare_results, read_results, write_run
from ble_eval.results.partial import PartialResults
from ble_eval.results.records import EvaluationResult
from ble_eval.settings import read_provenance
from ble_sim.files.json_lines import cut_json_lines
from ble_train import learning_curve
from ble_train.checkpoints import Checkpoints
from ble_train.learning_curve import CurvePoint, LearningCurve
from ble_train.loops.classic import run_training_loop
from ble_train.loops.records import EpisodeRecord, IterationLog
from ble_train.loops.unfinished import Position, UnfinishedIteration

Finished = Callable[[str], None]

SEEDS = range(4)
RUN = {"settings": {"suite": "tiny", "seeds": [*SEEDS]}, "software": {"jax": "1"}, "content": {}}
OLD_RUN = {**RUN, "settings": {"suite": "tiny", "seeds": [99]}}


def result(seed: int) -> EvaluationResult:
    return EvaluationResult(seed, 1.5 * seed, 0.5, False, False, False, 960)


def earlier_evaluation(folder: Path) -> None:
    """The results of another run, which the evaluation replaces."""
    paths = ResultPaths.of(folder / "results" / "a.json")
    write_run(paths, [result(99)], OLD_RUN)


def evaluate(folder: Path, finished: Finished) -> None:
    """An evaluation."""
    paths = ResultPaths.of(folder / "results" / "a.json")
    prepare_results(paths)
    with PartialResults(paths.partial, RUN) as partial:
        for seed in SEEDS:
            if seed not in partial.finished:
                try:
                    partial.append(result(seed))
                except OSError:
                    partial.append(result(seed))  # Once more: half a line must not spoil the next one.
                finished(str(seed))
        write_run(paths, [partial.finished[seed] for seed in SEEDS], RUN)
        partial.discard()
    finished("results")


def check_evaluation(folder: Path, finished: list[str]) -> None:
    paths = ResultPaths.of(folder / "results" / "a.json")
    there: dict[int, EvaluationResult] = {}
    if paths.results.exists():
        there = {one.seed: one for one in read_results(paths.results)}
        record = read_provenance(paths.provenance)
        assert record is not None
        assert record["settings"]["seeds"] == list(there)  # Not beside the record of another run.
    if paths.partial.exists():
        with PartialResults(paths.partial, RUN) as partial:
            there |= partial.finished
    assert there  # The earlier results, or some of the new ones.
    for seed in finished:
        assert seed == "results" or there[int(seed)] == result(int(seed))


def evaluation_files(folder: Path) -> Any:
    return {path.name: path.read_text() for path in (folder / "results").iterdir()}


NUM_ITERATIONS = 4


def journal(folder: Path, finished: Finished) -> None:
    """The records of a training: iterations.jsonl, learning_curve.jsonl and its picture."""
    learning_curve._drawn = lambda points, title: repr(points).encode()
    lines = cut_json_lines(folder / "iterations.jsonl", lambda line: True)
    log = IterationLog(folder / "iterations.jsonl", len(lines), clock=lambda: 0.0)
    curve = LearningCurve(folder, "a run", NUM_ITERATIONS)
    for iteration in range(len(curve.points), NUM_ITERATIONS):
        if iteration >= len(lines):
            log.env_steps = 10 * (iteration + 1)
            log.append(iteration, [])
            finished(f"iterations {iteration}")
        curve.add(CurvePoint(iteration, 10 * iteration, 1.0, 0.1 * iteration, 0.01, 5.0, 3))
        finished(f"learning_curve {iteration}")


def check_journal(folder: Path, finished: list[str]) -> None:
    for name in ("iterations", "learning_curve"):
        lines = cut_json_lines(folder / f"{name}.jsonl", lambda line: True)
        kept = [line["iteration"] for line in lines]
        assert kept == [*range(len(kept))]
        assert {int(line.split()[1]) for line in finished if line.startswith(f"{name} ")} <= set(kept)


def journal_lines(folder: Path) -> Any:
    return {path.name: [json.loads(line) for line in path.open()] for path in sorted(folder.glob("*.jsonl"))}


def _parts(iteration: int) -> tuple[dict[str, Any], dict[str, Any]]:
    return {"agent": {"w": np.full(3, iteration, np.float32)}}, {"work": {"n": np.int64(iteration)}}


def others_backup(folder: Path) -> None:
    """A copy of a checkpoint that somebody keeps beside the checkpoints."""
    (folder / "checkpoints" / "2.backup").mkdir(parents=True)


def train(folder: Path, finished: Finished) -> None:
    """The checkpoints of a training."""
    checkpoints = Checkpoints(folder / "checkpoints")
    learned, work = _parts(0)
    found = checkpoints.load_latest(learned, resuming=work)
    for iteration in range(0 if found is None else found[0] + 1, 3):
        learned, work = _parts(iteration)
        checkpoints.save(iteration, learned, resuming=work)
        finished(str(iteration))


def check_training(folder: Path, finished: list[str]) -> None:
    checkpoints = Checkpoints(folder / "checkpoints")
    for iteration in map(int, finished):
        expected, _ = _parts(iteration)
        np.testing.assert_equal(checkpoints.load(iteration, expected), expected)
    if finished:
        learned, work = _parts(0)
        found = checkpoints.load_latest(learned, resuming=work)
        assert found is not None
        assert found[0] >= int(finished[-1])
        assert found[1]["work"]["n"] == found[0]


def training_files(folder: Path) -> Any:
    checkpoints = Checkpoints(folder / "checkpoints")
    learned, work = _parts(0)
    newest = checkpoints.load_latest(learned, resuming=work)
    assert newest is not None
    values = {number: checkpoints.load(number, learned)["agent"]["w"].tolist() for number in checkpoints.iterations()}
    names = {path.name for path in checkpoints.folder.iterdir() if not path.name.startswith(("writing.", "removing."))}
    return values, newest[0], int(newest[1]["work"]["n"]), sorted(names)


def earlier_checkpoint(folder: Path) -> None:
    """A checkpoint of the same number."""
    Checkpoints(folder / "checkpoints").save(4, _parts(3)[0])


def replace_checkpoint(folder: Path, finished: Finished) -> None:
    """A checkpoint in place of an earlier one of the same number."""
    learned, _ = _parts(4)
    Checkpoints(folder / "checkpoints").save(4, learned)
    finished("4")


def check_replaced(folder: Path, finished: list[str]) -> None:
    learned, _ = _parts(0)
    found = Checkpoints(folder / "checkpoints").load_latest(learned)
    assert found is not None
    assert found[0] == 4
    assert found[1]["agent"]["w"][0] in ((4,) if finished else (3, 4))


def replaced_files(folder: Path) -> Any:
    checkpoints = Checkpoints(folder / "checkpoints")
    learned, _ = _parts(0)
    return checkpoints.load(4, learned)["agent"]["w"].tolist(), [path.name for path in checkpoints.folder.iterdir()]


def keep_unfinished(folder: Path, finished: Finished) -> None:
    """An iteration that is kept from time to time."""
    unfinished = UnfinishedIteration(folder, 1.0)
    kept = unfinished.newest()
    for done in range(1 if kept is None else kept[0].done + 1, 4):
        learned, _ = _parts(done)
        position = Position(7, done, 10 * done, done, 1.0, (EpisodeRecord(7, done, 1.5, 10, False, None, 10 * done),))
        unfinished.save(position, lambda place, learned=learned: Checkpoints(place).save(7, learned))
        finished(str(done))


def check_unfinished(folder: Path, finished: list[str]) -> None:
    kept = UnfinishedIteration(folder, 1.0).newest()
    if finished:
        assert kept is not None
        position, checkpoints = kept
        assert position.done >= int(finished[-1])
        learned, _ = _parts(0)
        assert Checkpoints(checkpoints).load(7, learned)["agent"]["w"][0] == position.done


def unfinished_files(folder: Path) -> Any:
    kept = UnfinishedIteration(folder, 1.0).newest()
    assert kept is not None
    return kept[0]


class SeededEnv(FakeEnv):
    """Episodes depend on the seed of the iteration and on the number of resets since then."""

    def reset(self, *, seed=None, options=None):
        super().reset()
        self.stream = (self.stream[0], self.stream[1] + 1) if seed is None else (seed, 0)
        self.rng = np.random.default_rng(self.stream)
        return self.rng.random(1, np.float32), {}

    def step(self, action):
        _, reward, terminated, truncated, info = super().step(action)
        return self.rng.random(1, np.float32), reward + 0.1 * float(action), terminated, truncated, info


def run_loop(folder: Path, finished: Finished) -> None:
    """A whole training, with a checkpoint after each iteration and within it."""
    run_training_loop(
        folder,
        SeededEnv(fails=False),
        DigestAgent(),
        NUM_ITERATIONS,
        5,
        [],
        episodes_per_iteration=2,
        seed=4,
        checkpoint_minutes=1e-9,
        on_iteration=lambda record: finished(str(record.iteration)),
    )


def check_loop(folder: Path, finished: list[str]) -> None:
    if finished:
        assert max(Checkpoints(folder / "checkpoints").iterations()) >= int(finished[-1])
        lines = cut_json_lines(folder / "iterations.jsonl", lambda line: True)
        assert {int(number) for number in finished} <= {line["iteration"] for line in lines}


def loop_files(folder: Path) -> Any:
    found = Checkpoints(folder / "checkpoints").load_latest({"agent": DigestAgent().learned_state()})
    lines = cut_json_lines(folder / "iterations.jsonl", lambda line: True)
    return found, [{**line, "seconds": 0} for line in lines]


def nothing(folder: Path) -> None:
    """An empty folder."""


SCENARIOS = {
    "results": (earlier_evaluation, evaluate, check_evaluation, evaluation_files),
    "journal": (nothing, journal, check_journal, journal_lines),
    "checkpoints": (others_backup, train, check_training, training_files),
    "replaced_checkpoint": (earlier_checkpoint, replace_checkpoint, check_replaced, replaced_files),
    "unfinished": (nothing, keep_unfinished, check_unfinished, unfinished_files),
    "loop": (nothing, run_loop, check_loop, loop_files),
}
"""For each name: what is there before, the command, the check, and the summary."""
