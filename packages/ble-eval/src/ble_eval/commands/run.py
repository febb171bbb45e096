"""`ble-eval run`: flies an agent through a suite and writes the results."""

import dataclasses
import datetime as dt
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar, cast

import tyro

from ble_agents.plugins import EXPORTED_SUFFIX, agent_origin
from ble_env.task_parts import BENCHMARK_PARTS, make_task_parts, make_window, part_origins
from ble_eval import suites
from ble_eval.builtins import EPISODE_STEPS
from ble_eval.command_line.errors import INTERRUPTED, UserError
from ble_eval.commands.flags import Flag
from ble_eval.results.files import ResultPaths, prepare_folder, result_file_name, write_json, write_results
from ble_eval.results.partial import PartialResults
from ble_eval.results.records import EvaluationResult
from ble_eval.settings import RunSettings, differences, read_provenance, software
from ble_eval.suites.suite import EvaluationSuite, repeated
from ble_eval.trained import checkpoint_folder, newest_checkpoint, trained_with
from ble_sim.files.compilation_cache import use_compilation_cache
from ble_sim.seeds import check_seed

if TYPE_CHECKING:
    from gymnasium.spaces import Discrete

    from ble_agents import Agent
    from ble_env import BalloonEnv

DEFAULT_SUITE = "small_eval"
SEEDS_FOLDER = "seeds"
"""Stands for the suite's name when the seeds are given one by one."""

OptionsT = TypeVar("OptionsT")
WindOptionsT = TypeVar("WindOptionsT")
ObservationOptionsT = TypeVar("ObservationOptionsT")
RewardOptionsT = TypeVar("RewardOptionsT")
RendererOptionsT = TypeVar("RendererOptionsT")


@dataclass(frozen=True)
class RunArguments(Generic[OptionsT, WindOptionsT, ObservationOptionsT, RewardOptionsT, RendererOptionsT]):
    """Fly an agent through the episodes of a suite, and write one record an episode.

    A run that was stopped goes on where it was when the same command is given again.
    """

    agent: Annotated[str, tyro.conf.arg(metavar="NAME")]
    """The agent to evaluate. With --help: its own options."""

    agent_options: Annotated[OptionsT, tyro.conf.arg(name="agent")]

    wind_field_options: Annotated[WindOptionsT, tyro.conf.arg(name="wind-field")]

    observation_options: Annotated[ObservationOptionsT, tyro.conf.arg(name="observation")]

    reward_options: Annotated[RewardOptionsT, tyro.conf.arg(name="reward")]

    renderer_options: Annotated[RendererOptionsT, tyro.conf.arg(name="renderer")]

    suite: Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint=f"(default: {DEFAULT_SUITE})")] = None
    """The evaluation suite."""

    seeds: Annotated[tuple[int, ...], tyro.conf.arg(help_behavior_hint="(default: the suite's)")] = ()
    """Seeds to fly in place of a suite."""

    output_dir: Path = Path("results")
    """Results go to OUTPUT_DIR/SUITE/NAME.json, or OUTPUT_DIR/seeds/NAME.json when seeds are given."""

    name_override: Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="(default: the agent's)")] = (
        None
    )
    """Name of the result file; otherwise that of the agent, with the checkpoint's number."""

    precision: Literal["float32", "float64"] = "float32"
    """Of the simulation: float32 is fast, float64 follows the original step for step."""

    wind_field: Annotated[str, tyro.conf.arg(metavar="NAME")] = BENCHMARK_PARTS["wind_field"]
    """The wind that is flown in. With --help: its own options."""

    observation: Annotated[str, tyro.conf.arg(metavar="NAME")] = BENCHMARK_PARTS["observation"]
    """What the agent observes. With --help: its own options."""

    reward: Annotated[str, tyro.conf.arg(metavar="NAME")] = BENCHMARK_PARTS["reward"]
    """What the flights are rewarded for. With --help: its own options."""

    renderer: Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="(default: none)")] = None
    """What shows the flights in a window, which flies them one by one. With --help: its own options."""

    render_period: int = 10
    """Every how many steps the window is drawn anew."""

    seed: int = 0
    """Of the agent's own randomness; the episodes have theirs from the suite."""

    checkpoint: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")] = None
    """What the agent has learned: the folder of a training run, whose options it then has, or of its checkpoints."""

    checkpoint_idx: Annotated[int | None, tyro.conf.arg(metavar="INT", help_behavior_hint="(default: the newest)")] = (
        None
    )
    """Number of the checkpoint to load."""

    num_shards: int = 1
    """In how many parts the suite is flown; join their files with `ble-eval merge`."""

    shard_idx: int = 0
    """Which part to fly, from 0 on; its number is added to the file's name."""

    flight_paths: bool = True
    """Whether the records hold the flight paths, some 150 kB an episode."""

    pretty_json: Flag = False
    """Indent the result file."""

    fresh: Flag = False
    """Fly anew: discard the beginning of a stopped run, and replace results of a run with other settings."""


def run(arguments: RunArguments, command: str) -> int:
    """Does what the arguments say.

    Args:
        arguments: the flags.
        command: the command line, for the record.

    Returns:
        Exit status.

    Raises:
        UserError: something about the arguments, or about files in the way, is for the user to put right.
        ble_sim.plugins.registry.UnknownNameError: there is no such agent or part of an environment.
    """
    started, clock = dt.datetime.now(dt.UTC), time.monotonic()
    origins = part_origins(arguments)  # raises if there is no such part, before anything is written
    suite_name, suite, shard = _suite(arguments)
    settings = _settings(arguments, suite_name, suite)
    paths = _paths(arguments, settings)
    use_compilation_cache()
    parts = {**make_task_parts(arguments), **make_window(arguments)}
    prepare_folder(paths.results.parent)
    if not arguments.fresh:
        _check_replaceable(paths, settings)

    env = make_environment(parts, arguments.precision)
    agent = _make_agent(arguments, settings, env)
    identity = {"software": _software(settings, origins), "settings": settings.to_json()}
    if arguments.fresh:
        paths.partial.unlink(missing_ok=True)
    partial = PartialResults(paths.partial, identity)
    try:
        flown = _fly(agent, env, shard, settings, partial)
    except KeyboardInterrupt:
        kept = f"{len(partial.finished)} of {len(shard.seeds)} episodes are finished and kept in {paths.partial}"
        print(f"\nStopped: {kept}. The same command goes on from there.", file=sys.stderr)
        return INTERRUPTED
    finally:
        partial.close()

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


def _suite(arguments: RunArguments) -> tuple[str, EvaluationSuite, EvaluationSuite]:
    """Name of the suite, the suite, and the part of it that is flown."""
    if arguments.seeds and arguments.suite is not None:
        raise UserError("Give --suite or --seeds, not both.")
    try:
        check_seed(arguments.seed)
        if arguments.seeds:
            name, suite = SEEDS_FOLDER, EvaluationSuite(list(arguments.seeds), EPISODE_STEPS)
        else:
            name = arguments.suite or DEFAULT_SUITE
            suite = suites.get_eval_suite(name)
        shard = suite.shard(arguments.shard_idx, arguments.num_shards)
    except ValueError as error:
        raise UserError(str(error)) from error
    if twice := repeated(suite.seeds):
        raise UserError(f"The seed {twice[0]} is given twice: each is flown once.")
    return name, suite, shard


def _settings(arguments: RunArguments, suite_name: str, suite: EvaluationSuite) -> RunSettings:
    folder, number = None, None
    if arguments.checkpoint is not None:
        folder = checkpoint_folder(arguments.checkpoint)
        number = newest_checkpoint(folder) if arguments.checkpoint_idx is None else arguments.checkpoint_idx
        trained = trained_with(arguments.checkpoint)
        if trained is not None and trained.agent != arguments.agent:
            raise UserError(f"{arguments.checkpoint} is of the agent {trained.agent!r}, not {arguments.agent!r}.")
    elif arguments.checkpoint_idx is not None:
        raise UserError("--checkpoint-idx goes with --checkpoint.")
    return RunSettings(
        suite=suite_name,
        max_episode_length=suite.max_episode_length,
        num_shards=arguments.num_shards,
        shard_idx=arguments.shard_idx,
        agent=arguments.agent,
        agent_options=dataclasses.asdict(arguments.agent_options),
        agent_seed=arguments.seed,
        checkpoint_dir=None if folder is None else str(folder),
        checkpoint_idx=number,
        precision=arguments.precision,
        wind_field=arguments.wind_field,
        wind_field_options=dataclasses.asdict(arguments.wind_field_options),
        observation=arguments.observation,
        observation_options=dataclasses.asdict(arguments.observation_options),
        reward=arguments.reward,
        reward_options=dataclasses.asdict(arguments.reward_options),
        flight_paths=arguments.flight_paths,
        seeds=suite.seeds,
    )


def _paths(arguments: RunArguments, settings: RunSettings) -> ResultPaths:
    name = result_file_name(
        Path(settings.agent).stem if settings.agent.endswith(EXPORTED_SUFFIX) else settings.agent,
        settings.checkpoint_idx,
        arguments.name_override,
        arguments.num_shards,
        arguments.shard_idx,
    )
    if Path(name).name != name:
        raise UserError(f"{name!r} is no file name. Give --output-dir for the folder, --name-override for the name.")
    return ResultPaths.of(arguments.output_dir / settings.suite / name)


def _check_replaceable(paths: ResultPaths, settings: RunSettings) -> None:
    """Results that stand in the way are replaced only by those of the same run."""
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
    """The environment that is flown in, without a time limit of its own."""
    from ble_env import BalloonEnv

    return BalloonEnv(**parts, precision=precision)


def _make_agent(arguments: RunArguments, settings: RunSettings, env: "BalloonEnv") -> "Agent":
    from ble_agents import create_agent

    try:
        agent = create_agent(
            arguments.agent,
            int(cast("Discrete", env.action_space).n),
            env.observation_space.shape or (),
            seed=arguments.seed,
            options=arguments.agent_options,
        )
        agent.set_mode("eval")  # It needs nothing that only training does.
        if settings.checkpoint_dir is not None and settings.checkpoint_idx is not None:
            agent.load_checkpoint(settings.checkpoint_dir, settings.checkpoint_idx)
    except (ValueError, OSError) as error:
        raise UserError(f"Cannot make the agent {arguments.agent!r}: {error}") from error
    return agent


def _software(settings: RunSettings, part_origins: dict[str, str]) -> dict[str, str]:
    import jax

    return software({"agent": agent_origin(settings.agent), **part_origins, "jax backend": jax.default_backend()})


def _fly(
    agent: "Agent", env: "BalloonEnv", shard: EvaluationSuite, settings: RunSettings, partial: PartialResults
) -> str:
    """Flies what is not finished yet, and says in words how much that was and how fast."""
    from rich.console import Console

    from ble_eval.eval_lib import eval_agent
    from ble_eval.progress import EvaluationProgress

    remaining = [seed for seed in shard.seeds if seed not in partial.finished]
    if partial.found:
        print(f"Going on after {partial.found} episodes finished earlier ({partial.path}).", file=sys.stderr)
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
            agent_seed=settings.agent_seed,
            on_episode=keep,
            on_steps=progress.steps_done,
        )
    return f"{progress.steps} steps flown, {progress.steps_per_second:.0f} a second with compilation"


def _report(settings: RunSettings, results: list[EvaluationResult], flown: str, paths: ResultPaths) -> None:
    from rich.console import Console

    from ble_eval.report.summary_table import summary_table
    from ble_eval.statistics import summarize

    title = f"{settings.agent} on {settings.suite}, {settings.precision}"
    Console().print(summary_table(title, summarize(results)))
    print(f"{flown}\nresults: {paths.results}\nprovenance: {paths.provenance}")
