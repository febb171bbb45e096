"""`ble-train run`: trains an agent, and continues a run that was stopped."""

import dataclasses
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from ble_agents.create import EXPORTED_SUFFIX
from ble_eval.command_line.construction import make_agent, make_parts, make_window
from ble_eval.command_line.errors import INTERRUPTED
from ble_eval.command_line.flags import FlightArguments, common_settings, fitted, look_for, name_flags, parse_flight
from ble_eval.errors import UserError
from ble_eval.settings import SETTINGS_FILE, differences
from ble_sim.files.compilation_cache import use_compilation_cache
from ble_sim.plugins import NoOptions
from ble_sim.plugins.registries import COLLECTORS
from ble_sim.seeds import check_seed
from ble_train.collectors.construction import create_collector_constructors, options_field
from ble_train.run_settings import LENGTHS, TrainingSettings, read_settings, write_settings

if TYPE_CHECKING:
    from ble_agents import Agent

DEFAULT_COLLECTORS = ("tensorboard", "json_lines")
DEFAULT_ITERATIONS = 200


@dataclass(frozen=True, kw_only=True)
class RunArguments(FlightArguments):
    """Train an agent. A run that was stopped, even by a kill, continues when the same command is given again.

    The settings in a run's folder are the defaults of the flags, so that `ble-train run --base-dir DIR` continues it.
    """

    base_dir: Annotated[Path, tyro.conf.arg(metavar="DIR")]
    """The run's folder: settings, checkpoints, learning curve, metrics."""

    settings: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """The settings.json of another run, whose values are the defaults of these flags."""

    num_iterations: Annotated[
        int | None, tyro.conf.arg(metavar="INT", help_behavior_hint=f"(default: {DEFAULT_ITERATIONS})")
    ] = None
    """Length of the run in iterations; a finished run continues if the number is raised."""

    num_steps: Annotated[int | None, tyro.conf.arg(metavar="INT", help_behavior_hint="")] = None
    """Length of the run in environment steps, in place of --num-iterations; the last iteration is completed."""

    episodes_per_iteration: int = 50
    """Episodes between two checkpoints; with several environments, as many steps as they have at most."""

    max_episode_length: int = 960
    """Agent steps after which an episode is cut off: 960 are two days."""

    num_envs: int = 1
    """Environments flown side by side; 1 is the classic loop, in which any agent can be trained."""

    collectors: tuple[str, ...] = DEFAULT_COLLECTORS
    """Collectors receive every step and write statistics to DIR/metrics. With --help: their own options."""

    collector_options: Any = NoOptions()

    evaluation_period: int = 20
    """Iterations from one validation to the next; another one follows the last iteration. 0 for none."""

    evaluation_episodes: int = 100
    """Number of validation episodes. They are always the same, and no training and no suite contains them."""

    env_device: Annotated[str | None, tyro.conf.arg(metavar="PLATFORM", help_behavior_hint="(default: JAX's)")] = None
    """JAX platform of the environments, such as cpu, which leaves an accelerator to the agent."""


def main(words: Sequence[str], program: str) -> int:
    """Parse the words after the verb, run it, and return the exit status."""
    flags = name_flags()
    found = look_for(words, [*(one.flag for one in flags), "--base-dir", "--settings"], lists=["--collectors"])
    _check_learns(found.agent)
    names = DEFAULT_COLLECTORS if found.collectors is None else found.collectors
    collectors = ("collector_options", *_collector_options(names))
    saved, _ = _saved(found.base_dir, found.settings)
    choices = {} if saved is None else {"agent": saved.agent, **saved.task}
    plain = {field.name for field in fields(RunArguments)} - {one.field for one in flags}
    defaults = {name: value for name, value in vars(saved).items() if name in plain} if saved else {}
    arguments_type = fitted(RunArguments, flags, found, choices, defaults, more=[collectors])
    return train_agent(parse_flight(arguments_type, words, program, COLLECTORS))


def _check_learns(agent: str | None) -> None:
    if agent is not None and agent.endswith(EXPORTED_SUFFIX):
        raise UserError(
            f"{agent} is an exported agent, which does not learn."
            f" To train on from one with Perciatelli44's network: --agent finetune_perciatelli --agent.start {agent}"
        )


def _collector_options(names: Sequence[str]) -> tuple[Any, Any]:
    """A dataclass with a field for each collector that has options, as a flag's type, and its default."""
    types = {name: COLLECTORS.get(name).options_type for name in dict.fromkeys(names)}
    fields = [
        (options_field(name), kind, dataclasses.field(default=kind()))
        for name, kind in types.items()
        if kind is not NoOptions
    ]
    kind = dataclasses.make_dataclass("CollectorOptions", fields, frozen=True)
    return Annotated[kind, tyro.conf.arg(name="collector")], kind()


def _saved(base_dir: str | Path | None, settings: str | Path | None) -> tuple[TrainingSettings | None, dict[str, int]]:
    """Settings and length of the run of --settings, or of the one in the folder; None if there is neither."""
    if settings is not None:
        return read_settings(Path(settings))
    if base_dir is not None and (Path(base_dir) / SETTINGS_FILE).is_file():
        return read_settings(Path(base_dir))
    return None, {}


def train_agent(arguments: RunArguments) -> int:
    """Train the agent to the end of the run and return the exit status.

    Raises:
        UserError: a flag has an unusable value, or the folder holds another run.
        UnknownNameError: there is no such collector.
    """
    names = arguments.collectors
    options = {name: getattr(arguments.collector_options, options_field(name), None) for name in names}
    constructors = create_collector_constructors(names, options)
    settings = _settings(arguments)
    length = _length(arguments)
    _check_folder(arguments.base_dir, settings)

    use_compilation_cache()
    parts, window = make_parts(arguments), make_window(arguments)
    if window and settings.num_envs > 1:
        raise UserError("--renderer shows one environment: leave out --num-envs.")
    agent = _make_agent(settings, parts["observation"].observation_space.shape)
    write_settings(arguments.base_dir, settings, length)
    try:
        _train(arguments, settings, length, agent, parts, window, constructors)
    except KeyboardInterrupt:
        print(
            f"\nStopped. The same command continues from the checkpoints in {arguments.base_dir}.",
            file=sys.stderr,
        )
        return INTERRUPTED
    print(f"Trained: {arguments.base_dir}")
    return 0


def _settings(arguments: RunArguments) -> TrainingSettings:
    for name in ("episodes_per_iteration", "max_episode_length", "num_envs", "evaluation_episodes"):
        _check_count(name, getattr(arguments, name))
    try:
        check_seed(arguments.seed)
    except ValueError as error:
        raise UserError(f"--seed: {error}") from None
    return TrainingSettings(
        **common_settings(arguments),
        num_envs=arguments.num_envs,
        episodes_per_iteration=arguments.episodes_per_iteration,
        max_episode_length=arguments.max_episode_length,
    )


def _length(arguments: RunArguments) -> dict[str, int]:
    """The length of the run by one of `LENGTHS`: that of the flags, or of the run that continues, or the default."""
    given = {name: number for name in LENGTHS if (number := getattr(arguments, name)) is not None}
    if len(given) > 1:
        raise UserError("Give --num-iterations or --num-steps, not both.")
    for name, number in given.items():
        _check_count(name, number)
    _, saved = _saved(arguments.base_dir, arguments.settings)
    return given or saved or {"num_iterations": DEFAULT_ITERATIONS}


def _check_count(name: str, number: int) -> None:
    if number < 1:
        raise UserError(f"--{name.replace('_', '-')} must be at least 1, not {number}.")


def _check_folder(folder: Path, settings: TrainingSettings) -> None:
    """Raises a UserError if the folder cannot be made or holds a run with other settings."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"Cannot make the folder {folder}: {error.strerror or error}. Choose another.") from None
    if not (folder / SETTINGS_FILE).exists():
        return
    there, _ = read_settings(folder)
    if found := differences(there.to_json(), settings.to_json()):
        raise UserError(f"{folder} holds another run: {found}. Give its flags to continue it, or another --base-dir.")


def _make_agent(settings: TrainingSettings, observation_shape: tuple[int, ...]) -> "Agent":
    from ble_train.learner import Learner

    agent = make_agent(settings, observation_shape)
    if settings.num_envs > 1 and not isinstance(agent, Learner):
        raise UserError(
            f"The agent {settings.agent.name!r} learns from one environment at a time: leave out --num-envs."
        )
    return agent


def _train(
    arguments: RunArguments,
    settings: TrainingSettings,
    length: dict[str, int],
    agent: "Agent",
    parts: dict[str, Any],
    window: dict[str, Any],
    constructors: Any,
) -> None:
    from rich.console import Console

    from ble_env import BalloonEnv, BalloonVectorEnv
    from ble_train.learner import Learner
    from ble_train.loops.classic import run_training_loop
    from ble_train.loops.lanes import run_lane_training_loop
    from ble_train.loops.runs import RunLength
    from ble_train.progress import TrainingProgress
    from ble_train.validation import Validation, validation_suite

    steps_per_iteration = settings.episodes_per_iteration * settings.max_episode_length
    progress = TrainingProgress(Console(stderr=True), RunLength(**length).total_steps(steps_per_iteration))
    keywords: Any = {**parts, "precision": settings.precision, "device": arguments.env_device}
    validation = Validation(
        arguments.base_dir,
        agent,
        BalloonEnv(**keywords),
        validation_suite(arguments.evaluation_episodes, settings.max_episode_length),
        period=arguments.evaluation_period,
        **length,
        seed=settings.seed,
        title=f"{settings.agent.name}: {arguments.base_dir.name}",
    )

    def iteration_done(record: Any) -> None:
        progress.iteration_done(agent.take_metrics() if isinstance(agent, Learner) else {})
        if (point := validation.after(record)) is not None:
            progress.evaluated(point)

    loop: Any = {
        "base_dir": arguments.base_dir,
        "agent": agent,
        "collector_constructors": constructors,
        "num_iterations": None,
        **length,
        "episodes_per_iteration": settings.episodes_per_iteration,
        "max_episode_length": settings.max_episode_length,
        "seed": settings.seed,
        "on_episode": progress.episode_done,
        "on_iteration": iteration_done,
    }
    with progress:
        if settings.num_envs == 1:
            run_training_loop(env=BalloonEnv(**keywords, **window), **loop)
        else:
            envs = BalloonVectorEnv(settings.num_envs, max_episode_steps=settings.max_episode_length, **keywords)
            run_lane_training_loop(envs=envs, **loop)
