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

from ble_agents.create import agent_label
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
    task_choices,
)
from ble_eval.command_line.parsing import Switch
from ble_eval.content import content_differences, content_digests
from ble_eval.errors import UserError
from ble_eval.results.files import ResultPaths, prepare_results, read_results, result_file_name, write_run
from ble_eval.results.partial import PartialResults
from ble_eval.results.records import EvaluationResult
from ble_eval.settings import EvaluationSettings, differences, listing, read_provenance, software
from ble_eval.suites.suite import EvaluationSuite, repeated
from ble_eval.trained import ChosenCheckpoint, chosen_checkpoint, trained_with
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

    seeds: Annotated[
        tuple[int, ...] | None, tyro.conf.arg(metavar="INT [INT ...]", help_behavior_hint="(default: the suite's)")
    ] = None
    """Seeds to fly in place of a suite."""

    output_dir: Path = Path("results")
    """Results are written to OUTPUT_DIR/SUITE/NAME.json, or OUTPUT_DIR/seeds/NAME.json if seeds are given."""

    name_override: Annotated[
        str | None,
        tyro.conf.arg(metavar="NAME", help_behavior_hint="(default: the agent's, with the checkpoint's number)"),
    ] = None
    """Name of the result file."""

    checkpoint: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")] = None
    """The folder of a training run, or of checkpoints, to load the agent from. The agent has its options. Without
    --checkpoint-idx it is the best of the run's validations, or the newest if there were none; `ble-train export` takes
    the same."""

    checkpoint_idx: Annotated[int | None, tyro.conf.arg(metavar="INT", help_behavior_hint="(default: the best)")] = None
    """Number of the checkpoint to load."""

    untrained: Switch = False
    """Fly an agent that learns as it is before any training. Without this it needs --checkpoint."""

    num_shards: int = 1
    """Number of parts of the suite, flown by separate commands; join their files with `ble-eval merge`."""

    shard_idx: int = 0
    """The part to fly, from 0 on; its number is added to the file's name."""

    flight_paths: bool = True
    """Whether the records hold the flight paths, some 150 kB for each episode."""

    pretty_json: Switch = False
    """Indent the result file."""

    fresh: Switch = False
    """Fly all episodes anew: discard those of a stopped run, and replace results that are there already."""


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
    chosen = _checkpoint(arguments)
    settings = _settings(arguments, choice, suite, chosen)
    paths = _paths(arguments, settings)
    use_compilation_cache()
    parts = {**make_parts(arguments), **make_window(arguments)}
    prepare_results(paths)
    identity = {
        "software": software(settings),
        "settings": settings.to_json(),
        "content": content_digests(settings, parts["wind_field"]),
    }
    if not arguments.fresh and paths.results.exists():
        complete = _results_of(paths, identity, shard)
        if complete is not None:
            _report(settings, complete, "nothing is flown: the results are complete, and --fresh flies anew", paths)
            return 0

    if chosen is not None:
        print(f"{settings.agent.name} from {chosen}", file=sys.stderr)
    env = make_environment(parts, arguments.precision)
    agent = _make_agent(settings, env)
    with PartialResults(paths.partial, identity, fresh=arguments.fresh) as partial:
        try:
            flown = _fly(agent, env, shard, settings, partial)
        except KeyboardInterrupt:
            kept = f"{len(partial.finished)} of {len(shard.seeds)} episodes are finished and kept in {paths.partial}"
            print(f"\nStopped: {kept}. The same command continues from there.", file=sys.stderr)
            return INTERRUPTED

        results = [partial.finished[seed] for seed in shard.seeds]
        record = {
            "command": command,
            "started": started.isoformat(timespec="seconds"),
            "wall_time_seconds": round(time.monotonic() - clock, 3),
            "episodes_flown_earlier": partial.found,
            **identity,
        }
        write_run(paths, results, record, pretty=arguments.pretty_json)
        partial.discard()
    _report(settings, results, flown, paths)
    return 0


def _suite(arguments: RunArguments) -> tuple[Choice, EvaluationSuite, EvaluationSuite]:
    """The choice of the suite, the suite, and the part of it that is flown."""
    if arguments.seeds is not None and arguments.suite is not None:
        raise UserError("Give --suite or --seeds, not both.")
    if arguments.seeds == ():
        raise UserError("--seeds is given without a seed. Give the seeds to fly, or leave it out to fly a suite.")
    try:
        check_seed(arguments.seed)
        if arguments.seeds is not None:
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


def _checkpoint(arguments: RunArguments) -> ChosenCheckpoint | None:
    """The checkpoint to load; None without --checkpoint."""
    if arguments.checkpoint is None:
        if arguments.checkpoint_idx is not None:
            raise UserError("--checkpoint-idx goes with --checkpoint.")
        return None
    if arguments.untrained:
        raise UserError("Give --checkpoint or --untrained, not both.")
    trained = trained_with(arguments.checkpoint)
    if trained and trained["agent"].name != arguments.agent:
        raise UserError(f"{arguments.checkpoint} is of the agent {trained['agent'].name!r}, not {arguments.agent!r}.")
    observation = task_choices(arguments)["observation"]
    if trained and trained["observation"] != observation:
        there, here = (one.name for one in (trained["observation"], observation))
        other = "with other options of it" if there == here else f"not {here!r}"
        raise UserError(f"{arguments.checkpoint} was trained with the observation {there!r}, {other}.")
    return chosen_checkpoint(arguments.checkpoint, arguments.checkpoint_idx)


def _settings(
    arguments: RunArguments, choice: Choice, suite: EvaluationSuite, chosen: ChosenCheckpoint | None
) -> EvaluationSettings:
    return EvaluationSettings(
        **common_settings(arguments),
        suite=choice,
        max_episode_length=suite.max_episode_length,
        num_shards=arguments.num_shards,
        shard_idx=arguments.shard_idx,
        checkpoint_dir=None if chosen is None else str(chosen.folder),
        checkpoint_idx=None if chosen is None else chosen.number,
        untrained=arguments.untrained,
        flight_paths=arguments.flight_paths,
        seeds=suite.seeds,
    )


def _paths(arguments: RunArguments, settings: EvaluationSettings) -> ResultPaths:
    if arguments.name_override == "":
        raise UserError("--name-override is empty. Give a name, or leave it out.")
    name = result_file_name(
        agent_label(settings.agent.name),
        settings.checkpoint_idx,
        arguments.name_override,
        arguments.num_shards,
        arguments.shard_idx,
    )
    if Path(name).name != name:
        raise UserError(f"{name!r} is not a file name. Give --output-dir for the folder, --name-override for the name.")
    return ResultPaths.of(arguments.output_dir / settings.suite.name / name)


def _results_of(paths: ResultPaths, identity: dict[str, Any], shard: EvaluationSuite) -> list[EvaluationResult] | None:
    """The results that are there, if this run has written all of them; None if it has to fly them.

    Raises:
        UserError: they are of another run.
        ResultFormatError: they cannot be read.
    """
    record = read_provenance(paths.provenance)
    if record is None:
        found = ["its settings are unknown"]
    else:
        parts = ("settings", "software")
        found = [one for part in parts for one in differences(record.get(part, {}), identity[part])]
        found += content_differences(record.get("content", {}), identity["content"])
    if found:
        raise UserError(
            f"{paths.results} is the result of another run{listing(found)}"
            " Give --fresh to replace it, or another --output-dir or --name-override to keep it."
        )
    results = {result.seed: result for result in read_results(paths.results)}
    return [results[seed] for seed in shard.seeds] if results.keys() == set(shard.seeds) else None


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
    elif agent.needs_checkpoint() and not settings.untrained:
        raise UserError(
            f"The agent {settings.agent.name!r} learns, and without a checkpoint it flies untrained. Give --checkpoint"
            " with the folder of a training run, or --untrained to fly it so."
        )
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
    if not remaining:
        return "nothing is left to fly"
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

    agent = f"{settings.agent.name}, untrained," if settings.untrained else settings.agent.name
    if settings.checkpoint_idx is not None:
        agent = f"{agent}, checkpoint {settings.checkpoint_idx},"
    title = f"{agent} on {settings.suite.name}, {settings.precision}"
    Console().print(make_summary_table(title, summarize(results)))
    print(f"{flown}\nresults: {paths.results}\nprovenance: {paths.provenance}")
