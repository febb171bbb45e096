"""`ble-train run`: trains an agent, and goes on where a run was stopped."""

import dataclasses
import platform
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar

import tyro

from ble_env.task_parts import BENCHMARK_PARTS, make_task_parts, make_window, part_origins
from ble_eval.command_line.errors import INTERRUPTED, UserError
from ble_sim.files.compilation_cache import use_compilation_cache
from ble_sim.seeds import check_seed
from ble_train.plugins import create_collector_constructors, options_field
from ble_train.run_settings import FILE_NAME, RunSettings, differences, read_settings, write_settings

if TYPE_CHECKING:
    from ble_agents import Agent
    from ble_train.progress import TrainingProgress

RECORDED_DISTRIBUTIONS = (
    "ble-sim",
    "ble-env",
    "ble-agents",
    "ble-train",
    "jax",
    "jaxlib",
    "flax",
    "optax",
    "numpy",
    "gymnasium",
)

DEFAULT_COLLECTORS = ("tensorboard", "json_lines")

OptionsT = TypeVar("OptionsT")
WindOptionsT = TypeVar("WindOptionsT")
ObservationOptionsT = TypeVar("ObservationOptionsT")
RewardOptionsT = TypeVar("RewardOptionsT")
RendererOptionsT = TypeVar("RendererOptionsT")
CollectorOptionsT = TypeVar("CollectorOptionsT")


@dataclass(frozen=True)
class RunArguments(
    Generic[OptionsT, WindOptionsT, ObservationOptionsT, RewardOptionsT, RendererOptionsT, CollectorOptionsT]
):
    """Train an agent. A run that was stopped, even by a kill, goes on when the same command is given again.

    The folder of a run stands for the flags that it was started with, so that `ble-train run --base-dir DIR` goes on.
    """

    base_dir: Annotated[Path, tyro.conf.arg(metavar="DIR")]
    """The run's folder: configuration, checkpoints, learning curve, metrics."""

    agent: Annotated[str, tyro.conf.arg(metavar="NAME")]
    """The agent to train. With --help: its own options."""

    agent_options: Annotated[OptionsT, tyro.conf.arg(name="agent")]

    wind_field_options: Annotated[WindOptionsT, tyro.conf.arg(name="wind-field")]

    observation_options: Annotated[ObservationOptionsT, tyro.conf.arg(name="observation")]

    reward_options: Annotated[RewardOptionsT, tyro.conf.arg(name="reward")]

    renderer_options: Annotated[RendererOptionsT, tyro.conf.arg(name="renderer")]

    collector_options: Annotated[CollectorOptionsT, tyro.conf.arg(name="collector")]
    """A field for each collector that has options, by `ble_train.plugins.options_field`."""

    settings: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """A config.json of another run, whose values are the defaults of these flags."""

    num_iterations: int = 200
    """How many iterations the run has in all; a finished run goes on when it is given more."""

    episodes_per_iteration: int = 50
    """Episodes between two checkpoints, or the steps that they would have at most."""

    max_episode_length: int = 960
    """Steps after which an episode is cut off: 960 are two days."""

    num_envs: int = 1
    """Environments that are flown in lockstep; 1 is the classic loop, in which any agent can be trained."""

    collectors: tuple[str, ...] = DEFAULT_COLLECTORS
    """Who is told every step and keeps statistics in DIR/metrics. With --help: their own options."""

    evaluation_period: int = 20
    """Iterations between two evaluations on validation episodes, of which another follows the last; 0: none."""

    evaluation_episodes: int = 100
    """How many validation episodes, the same every time; no training and no suite has them."""

    wind_field: Annotated[str, tyro.conf.arg(metavar="NAME")] = BENCHMARK_PARTS["wind_field"]
    """The wind that is trained in. With --help: its own options."""

    observation: Annotated[str, tyro.conf.arg(metavar="NAME")] = BENCHMARK_PARTS["observation"]
    """What the agent observes. With --help: its own options."""

    reward: Annotated[str, tyro.conf.arg(metavar="NAME")] = BENCHMARK_PARTS["reward"]
    """What the agent is rewarded for. With --help: its own options."""

    renderer: Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="(default: none)")] = None
    """What shows the flights in a window, with one environment. With --help: its own options."""

    render_period: int = 10
    """Every how many steps the window is drawn anew."""

    precision: Literal["float32", "float64"] = "float32"
    """Of the simulation."""

    seed: int = 0
    """Of the agent and of the episodes."""

    env_device: Annotated[str | None, tyro.conf.arg(metavar="PLATFORM", help_behavior_hint="(default: JAX's)")] = None
    """Where the environments compute, such as cpu, which leaves an accelerator to the agent."""


def run(arguments: RunArguments[Any, Any, Any, Any, Any, Any]) -> int:
    """Does what the arguments say and returns the exit status.

    Raises:
        UserError: something about the arguments, or about files in the way, is for the user to put right.
        ble_sim.plugins.registry.UnknownNameError: there is no such agent, collector or part of an environment.
    """
    origins = part_origins(arguments)
    options = arguments.collector_options
    configs = {name: getattr(options, options_field(name), None) for name in arguments.collectors}
    constructors = create_collector_constructors(arguments.collectors, configs)
    settings = _settings(arguments)
    _check_folder(arguments.base_dir, settings)

    use_compilation_cache()
    from rich.console import Console

    from ble_train.progress import TrainingProgress

    parts = make_task_parts(settings)
    window = make_window(arguments)
    if window and settings.num_envs > 1:
        raise UserError("--renderer shows one environment: leave out --num-envs.")
    agent = _make_agent(settings, parts["observation"].observation_space.shape)
    write_settings(arguments.base_dir, settings, _software(settings, origins))
    progress = TrainingProgress(
        Console(stderr=True), arguments.num_iterations * settings.episodes_per_iteration * settings.max_episode_length
    )
    try:
        with progress:
            _train(arguments, settings, parts, window, agent, constructors, progress)
    except KeyboardInterrupt:
        print(f"\nStopped. Checkpoints are in {arguments.base_dir}; the same command goes on.", file=sys.stderr)
        return INTERRUPTED
    print(f"Trained: {arguments.base_dir}")
    return 0


def _settings(arguments: RunArguments[Any, Any, Any, Any, Any, Any]) -> RunSettings:
    counts = ("num_iterations", "episodes_per_iteration", "max_episode_length", "num_envs", "evaluation_episodes")
    for name in counts:
        if getattr(arguments, name) < 1:
            raise UserError(f"--{name.replace('_', '-')} must be at least 1, not {getattr(arguments, name)}.")
    try:
        check_seed(arguments.seed)
    except ValueError as error:
        raise UserError(f"--seed: {error}") from None
    names = {field.name for field in dataclasses.fields(RunSettings)}
    return RunSettings(**{name: getattr(arguments, name) for name in names})


def _check_folder(folder: Path, settings: RunSettings) -> None:
    """A run goes on with what it was started with."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"Cannot make the folder {folder}: {error.strerror or error}. Choose another.") from None
    if not (folder / FILE_NAME).exists():
        return
    if found := differences(read_settings(folder), settings):
        raise UserError(f"{folder} holds another run: {found}. Give its flags to go on, or another --base-dir.")


def _make_agent(settings: RunSettings, observation_shape: tuple[int, ...]) -> "Agent":
    from ble_agents import create_agent
    from ble_train.learner import Learner

    try:
        agent = create_agent(
            settings.agent, observation_shape=observation_shape, seed=settings.seed, options=settings.agent_options
        )
    except (ValueError, OSError) as error:
        raise UserError(f"Cannot make the agent {settings.agent!r}: {error}") from error
    if settings.num_envs > 1 and not isinstance(agent, Learner):
        raise UserError(f"The agent {settings.agent!r} learns from one environment at a time: leave out --num-envs.")
    return agent


def _software(settings: RunSettings, part_origins: dict[str, str]) -> dict[str, str]:
    from ble_agents.plugins import AGENTS

    versions = {}
    for distribution in RECORDED_DISTRIBUTIONS:
        try:
            versions[distribution] = metadata.version(distribution)
        except metadata.PackageNotFoundError:  # run from a source tree that is not installed
            continue
    return {"python": platform.python_version(), **versions, "agent": AGENTS.origin(settings.agent), **part_origins}


def _train(
    arguments: RunArguments[Any, Any, Any, Any, Any, Any],
    settings: RunSettings,
    parts: dict[str, Any],
    window: dict[str, Any],
    agent: "Agent",
    constructors: Any,
    progress: "TrainingProgress",
) -> None:
    from ble_env import BalloonEnv, BalloonVectorEnv
    from ble_train.learner import Learner
    from ble_train.loops.classic import run_training_loop
    from ble_train.loops.lanes import run_vector_training_loop
    from ble_train.validation import Validation

    options: Any = {**parts, "precision": settings.precision, "device": arguments.env_device}
    validation = Validation(
        arguments.base_dir,
        agent,
        arguments.evaluation_period,
        arguments.num_iterations,
        arguments.evaluation_episodes,
        settings.max_episode_length,
        title=f"{settings.agent}: {arguments.base_dir.name}",
        **options,
    )

    def iteration_done(record: Any) -> None:
        progress.iteration_done(record, agent.take_metrics() if isinstance(agent, Learner) else {})
        if (point := validation.after(record)) is not None:
            progress.evaluated(point)

    if settings.num_envs == 1:
        run_training_loop(
            arguments.base_dir,
            BalloonEnv(**options, **window),
            agent,
            arguments.num_iterations,
            settings.max_episode_length,
            constructors,
            episodes_per_iteration=settings.episodes_per_iteration,
            seed=settings.seed,
            on_episode=progress.episode_done,
            on_iteration=iteration_done,
        )
    else:
        assert isinstance(agent, Learner)
        run_vector_training_loop(
            arguments.base_dir,
            BalloonVectorEnv(settings.num_envs, max_episode_steps=settings.max_episode_length, **options),
            agent,
            arguments.num_iterations,
            constructors,
            episodes_per_iteration=settings.episodes_per_iteration,
            seed=settings.seed,
            on_episode=progress.episode_done,
            on_iteration=iteration_done,
        )
