"""`ble-eval run`: flies an agent through a suite and writes the results."""

import datetime as dt
import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from ble_agents.create import EXPORTED_SUFFIX
from ble_env.task_parts import Choice
from ble_eval import suites
from ble_eval.builtins import EPISODE_STEPS
from ble_eval.command_line.construction import make_agent, make_parts, make_window
from ble_eval.command_line.errors import INTERRUPTED, making
from ble_eval.command_line.flags import (
    FlightArguments,
    NameFlag,
    common_settings,
    fitted,
    look_for,
    name_flags,
    parse_flight,
)
from ble_eval.command_line.verbs import Switch
from ble_eval.errors import UserError
from ble_eval.results.files import ResultPaths, prepare_folder, result_file_name, write_results
from ble_eval.results.partial import PartialResults
from ble_eval.results.records import EvaluationResult
from ble_eval.settings import EvaluationSettings, differences, read_provenance, software
from ble_eval.suites.suite import EvaluationSuite, repeated
from ble_eval.trained import checkpoint_folder, newest_checkpoint, trained_with
from ble_sim.files.atomic import write_json
from ble_sim.files.compilation_cache import use_compilation_cache
from ble_sim.plugins import NoOptions
from ble_sim.plugins.registries import SUITES
from ble_sim.seeds import check_seed

if TYPE_CHECKING:
    from ble_agents import Agent
    from ble_env import BalloonEnv

DEFAULT_SUITE = "small_eval"
SEEDS_FOLDER = "seeds"
"""Name in place of the suite's if the seeds are given one by one."""


@dataclass(frozen=True, kw_only=True)
class RunArguments(FlightArguments):
    """Fly an agent through the episodes of a suite, and write one record for each episode.

    A stopped run continues when the same command is given again.
    """

    suite: str | None = None
    suite_options: Any = NoOptions()

    seeds: Annotated[tuple[int, ...], tyro.conf.arg(help_behavior_hint="(default: the suite's)")] = ()
    """Seeds to fly in place of a suite."""

    output_dir: Path = Path("results")
    """Results are written to OUTPUT_DIR/SUITE/NAME.json, or OUTPUT_DIR/seeds/NAME.json if seeds are given."""

    name_override: Annotated[
        str | None,
        tyro.conf.arg(metavar="NAME", help_behavior_hint="(default: the agent's, with the checkpoint's number)"),
    ] = None
    """Name of the result file."""

    checkpoint: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")] = None
    """The folder of a training run, or of its checkpoints, to load the agent from. The agent has its options."""

    checkpoint_idx: Annotated[int | None, tyro.conf.arg(metavar="INT", help_behavior_hint="(default: the newest)")] = (
        None
    )
    """Number of the checkpoint to load."""

    num_shards: int = 1
    """Number of parts of the suite, flown by separate commands; join their files with `ble-eval merge`."""

    shard_idx: int = 0
    """The part to fly, from 0 on; its number is added to the file's name."""

    flight_paths: bool = True
    """Whether the records hold the flight paths, some 150 kB for each episode."""

    pretty_json: Switch = False
    """Indent the result file."""

    fresh: Switch = False
    """Discard the episodes of a stopped run, and replace results of a run with other settings."""


def main(words: Sequence[str], program: str) -> int:
    """Parse the words after the verb, run it, and return the exit status."""
    suite = NameFlag("suite", SUITES.get, None, "The evaluation suite.", hint=f"(default: {DEFAULT_SUITE})")
    flags = [*name_flags(), suite]
    found = look_for(words, [*(one.flag for one in flags), "--checkpoint"])
    saved = {} if found.checkpoint is None else trained_with(Path(found.checkpoint))
    if saved and found.agent not in (None, saved["agent"].name):
        saved = {}  # `evaluate_agent` refuses it.
    arguments_type = fitted(RunArguments, flags, found, saved)
    arguments = parse_flight(arguments_type, words, program, SUITES)
    return evaluate_agent(arguments, f"{program} {shlex.join(words)}")


def evaluate_agent(arguments: RunArguments, command: str) -> int:
    """Fly the episodes, write the results, and return the exit status.

    Args:
        arguments: the flags.
        command: the command line, for the record.

    Raises:
        UserError: a flag has an unusable value, or a file is in the way.
        UnknownNameError: there is no such suite.
    """
    started, clock = dt.datetime.now(dt.UTC), time.monotonic()
    choice, suite, shard = _suite(arguments)
    settings = _settings(arguments, choice, suite)
    paths = _paths(arguments, settings)
    use_compilation_cache()
    parts = {**make_parts(arguments), **make_window(arguments)}
    prepare_folder(paths.results.parent)
    if not arguments.fresh:
        _check_replaceable(paths, settings)

    env = make_environment(parts, arguments.precision)
    agent = _make_agent(settings, env)
    identity = {"software": software(settings), "settings": settings.to_json()}
    if arguments.fresh:
        paths.partial.unlink(missing_ok=True)
    partial = PartialResults(paths.partial, identity)
    try:
        flown = _fly(agent, env, shard, settings, partial)
    except KeyboardInterrupt:
        kept = f"{len(partial.finished)} of {len(shard.seeds)} episodes are finished and kept in {paths.partial}"
        print(f"\nStopped: {kept}. The same command continues from there.", file=sys.stderr)
        return INTERRUPTED

    results = [partial.finished[seed] for seed in shard.seeds]
    times = {
        "started": started.isoformat(timespec="seconds"),
        "wall_time_seconds": round(time.monotonic() - clock, 3),
        "episodes_flown_earlier": partial.found,
    }
    write_json(paths.provenance, {"command": command, **times, **identity}, indent=2)
    write_results(paths.results, results, pretty=arguments.pretty_json)
    partial.discard()
    _report(settings, results, flown, paths)
    return 0


def _suite(arguments: RunArguments) -> tuple[Choice, EvaluationSuite, EvaluationSuite]:
    """The choice of the suite, the suite, and the part of it that is flown."""
    if arguments.seeds and arguments.suite is not None:
        raise UserError("Give --suite or --seeds, not both.")
    try:
        check_seed(arguments.seed)
        if arguments.seeds:
            choice, suite = Choice(SEEDS_FOLDER, NoOptions()), EvaluationSuite(list(arguments.seeds), EPISODE_STEPS)
        else:
            name = arguments.suite or DEFAULT_SUITE
            choice = Choice(
                name, SUITES.get(name).checked_options(arguments.suite_options if arguments.suite else None)
            )
            suite = suites.get_eval_suite(choice.name, choice.options)
        shard = suite.shard(arguments.shard_idx, arguments.num_shards)
    except ValueError as error:
        raise UserError(str(error)) from error
    if twice := repeated(suite.seeds):
        raise UserError(f"The seed {twice[0]} is given twice: each is flown once.")
    return choice, suite, shard


def _settings(arguments: RunArguments, choice: Choice, suite: EvaluationSuite) -> EvaluationSettings:
    folder, number = None, None
    if arguments.checkpoint is not None:
        folder = checkpoint_folder(arguments.checkpoint)
        number = newest_checkpoint(folder) if arguments.checkpoint_idx is None else arguments.checkpoint_idx
        trained = trained_with(arguments.checkpoint)
        if trained and trained["agent"].name != arguments.agent:
            raise UserError(
                f"{arguments.checkpoint} is of the agent {trained['agent'].name!r}, not {arguments.agent!r}."
            )
    elif arguments.checkpoint_idx is not None:
        raise UserError("--checkpoint-idx goes with --checkpoint.")
    return EvaluationSettings(
        **common_settings(arguments),
        suite=choice,
        max_episode_length=suite.max_episode_length,
        num_shards=arguments.num_shards,
        shard_idx=arguments.shard_idx,
        checkpoint_dir=None if folder is None else str(folder),
        checkpoint_idx=number,
        flight_paths=arguments.flight_paths,
        seeds=suite.seeds,
    )


def _paths(arguments: RunArguments, settings: EvaluationSettings) -> ResultPaths:
    agent = settings.agent.name
    name = result_file_name(
        Path(agent).stem if agent.endswith(EXPORTED_SUFFIX) else agent,
        settings.checkpoint_idx,
        arguments.name_override,
        arguments.num_shards,
        arguments.shard_idx,
    )
    if Path(name).name != name:
        raise UserError(f"{name!r} is not a file name. Give --output-dir for the folder, --name-override for the name.")
    return ResultPaths.of(arguments.output_dir / settings.suite.name / name)


def _check_replaceable(paths: ResultPaths, settings: EvaluationSettings) -> None:
    """Raises a UserError if there are results of another run."""
    if not paths.results.exists():
        return
    record = read_provenance(paths.provenance)
    found = "its settings are unknown" if record is None else differences(record["settings"], settings.to_json())
    if found:
        raise UserError(
            f"{paths.results} is the result of another run: {found}."
            " Give --fresh to replace it, or another --output-dir or --name-override to keep it."
        )


def make_environment(parts: dict[str, Any], precision: Literal["float32", "float64"]) -> "BalloonEnv":
    """The environment, without a time limit of its own: the suite has one."""
    from ble_env import BalloonEnv

    return BalloonEnv(**parts, precision=precision)


def _make_agent(settings: EvaluationSettings, env: "BalloonEnv") -> "Agent":
    agent = make_agent(settings, env.observation_space.shape or ())
    agent.set_mode("eval")  # Before the checkpoint: only training loads what a resumed run needs.
    if settings.checkpoint_dir is not None and settings.checkpoint_idx is not None:
        with making(f"the agent {settings.agent.name!r}"):
            agent.load_checkpoint(settings.checkpoint_dir, settings.checkpoint_idx)
    return agent


def _fly(
    agent: "Agent", env: "BalloonEnv", shard: EvaluationSuite, settings: EvaluationSettings, partial: PartialResults
) -> str:
    """Fly the episodes that are not finished yet; returns the number and the speed of the steps as a sentence."""
    from rich.console import Console

    from ble_eval.eval_lib import eval_agent
    from ble_eval.report.progress import EvaluationProgress

    remaining = [seed for seed in shard.seeds if seed not in partial.finished]
    if partial.found:
        print(f"Continues after {partial.found} episodes finished earlier ({partial.path}).", file=sys.stderr)
    progress = EvaluationProgress(
        Console(stderr=True), len(shard.seeds), shard.max_episode_length, partial.finished.values()
    )

    def keep(result: EvaluationResult) -> None:
        partial.append(result)
        progress.episode_done(result)

    with progress:
        eval_agent(
            agent,
            env,
            EvaluationSuite(remaining, shard.max_episode_length),
            calculate_flight_path=settings.flight_paths,
            agent_seed=settings.seed,
            on_episode=keep,
            on_steps=progress.steps_done,
        )
    return f"{progress.steps} steps flown, {progress.steps_per_second:.0f} a second with compilation"


def _report(settings: EvaluationSettings, results: list[EvaluationResult], flown: str, paths: ResultPaths) -> None:
    from rich.console import Console

    from ble_eval.report.summary_table import make_summary_table
    from ble_eval.statistics import summarize

    title = f"{settings.agent.name} on {settings.suite.name}, {settings.precision}"
    Console().print(make_summary_table(title, summarize(results)))
    print(f"{flown}\nresults: {paths.results}\nprovenance: {paths.provenance}")
