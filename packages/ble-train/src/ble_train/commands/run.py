"""`ble-train run`: trains an agent, and continues a run that was stopped."""

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from ble_agents.create import EXPORTED_SUFFIX
from ble_eval.command_line.construction import make_agent, make_parts, make_window
from ble_eval.command_line.flags import FlightArguments, common_settings, fitted, look_for, name_flags, parse_flight
from ble_eval.command_line.parsing import Switch
from ble_eval.content import content_differences, content_digests
from ble_eval.errors import UserError
from ble_eval.settings import SETTINGS_FILE, differences, listing
from ble_eval.trained import CHECKPOINTS_FOLDER, UNFINISHED_FOLDER
from ble_sim.files.compilation_cache import use_compilation_cache
from ble_sim.files.locks import locked
from ble_sim.plugins import NoOptions
from ble_sim.plugins.options import options_from_json, options_to_json
from ble_sim.plugins.registries import COLLECTORS
from ble_sim.seeds import check_seed
from ble_train.collectors.construction import create_collector_constructors, options_field
from ble_train.commands.stopping import StopRequests
from ble_train.run_settings import (
    DEFAULT_ITERATIONS,
    LENGTHS,
    RunPlan,
    RunRecord,
    TrainingSettings,
    read_record,
    write_record,
)

if TYPE_CHECKING:
    from ble_agents import Agent
    from ble_train.loops.runs import RunLength, StartPoint

PLAN = RunPlan()
"""The defaults of the flags for what may change when a run continues."""

LENGTH_SO_FAR = f"(default: the run's so far, or {DEFAULT_ITERATIONS})"


@dataclass(frozen=True, kw_only=True)
class RunArguments(FlightArguments):
    """Train an agent. A run that was stopped, even by a kill, continues when the same command is given again.

    The settings in a run's folder are the defaults of all flags but --renderer, so `ble-train run --base-dir DIR`
    continues it as it was. The length, --evaluation-*, --collectors, --checkpoint-minutes, --env-device and --on-device
    may change when a run continues.
    """

    base_dir: Annotated[Path, tyro.conf.arg(metavar="DIR")]
    """The run's folder: settings, checkpoints, learning curve, metrics."""

    settings: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """The settings.json of another run, whose values are the defaults of these flags."""

    num_iterations: Annotated[
        int | None,
        tyro.conf.arg(metavar="INT", help_behavior_hint=LENGTH_SO_FAR),
    ] = None
    """Length of the run in iterations; a finished run continues if the number is raised."""

    num_steps: Annotated[int | None, tyro.conf.arg(metavar="INT", help_behavior_hint="")] = None
    """Length of the run in environment steps, in place of --num-iterations; the last iteration is completed."""

    num_hours: Annotated[float | None, tyro.conf.arg(metavar="HOURS", help_behavior_hint="")] = None
    """Length of the run in hours with validations, over all processes, in place of --num-iterations. Schedules that
    follow the length of the run stay at their start: give them a length, such as --agent.decay-steps."""

    episodes_per_iteration: int = 50
    """Episodes of an iteration, which ends with a checkpoint; with several environments, as many steps as they have at
    most."""

    max_episode_length: int = 960
    """Agent steps after which an episode is cut off: 960 are two days."""

    num_envs: int = 1
    """Environments flown side by side; 1 is the classic loop, in which any agent can be trained."""

    collectors: tuple[str, ...] = PLAN.collectors
    """Collectors receive every step and write statistics to DIR/metrics. With --help: their own options."""

    collector_options: Any = NoOptions()

    evaluation_period: int = PLAN.evaluation_period
    """Iterations from one validation to the next; another one follows the last iteration. 0 for none."""

    evaluation_episodes: int = PLAN.evaluation_episodes
    """Number of validation episodes. They are always the same, and no training and no suite contains them."""

    checkpoint_minutes: float = PLAN.checkpoint_minutes
    """Minutes from one checkpoint to the next within an iteration, kept in DIR/unfinished; 0 for none. One is written
    when the run is stopped by Ctrl-C or SIGTERM, too."""

    env_device: Annotated[str | None, tyro.conf.arg(metavar="PLATFORM", help_behavior_hint="(default: JAX's)")] = None
    """JAX platform of the environments, such as cpu, which leaves an accelerator to the agent."""

    on_device: Switch = PLAN.on_device
    """Make environments and learning one compiled program, which an accelerator runs without the host. For the agent
    ppo, in float32; collectors receive iterations only."""

    accept_changes: Switch = False
    """Continue although files or plugins that the run reads have changed since it began."""


def main(words: Sequence[str], program: str) -> int:
    """Parse the words after the verb, run it, and return the exit status."""
    flags = name_flags()
    found = look_for(words, [*(one.flag for one in flags), "--base-dir", "--settings"], lists=["--collectors"])
    _check_learns(found.agent)
    saved = _saved(found.base_dir, found.settings)
    plan = PLAN if saved is None else saved.plan
    names = plan.collectors if found.collectors is None else found.collectors
    collectors = ("collector_options", *_collector_options(names, plan.collector_options))
    choices = {} if saved is None else {"agent": saved.settings.agent, **saved.settings.task}
    ours = {field.name for field in fields(RunArguments)} - {one.field for one in flags} - {*LENGTHS, collectors[0]}
    known = {} if saved is None else {**vars(saved.plan), **vars(saved.settings)}
    defaults = {name: value for name, value in known.items() if name in ours}
    arguments_type = fitted(RunArguments, flags, found, choices, defaults, more=[collectors])
    return train_agent(parse_flight(arguments_type, words, program, COLLECTORS))


def _check_learns(agent: str | None) -> None:
    if agent is not None and agent.endswith(EXPORTED_SUFFIX):
        raise UserError(
            f"{agent} is an exported agent, which does not learn."
            f" To train on from one with Perciatelli44's network: --agent finetune_perciatelli --agent.start {agent}"
        )


def _collector_options(names: Sequence[str], saved: Mapping[str, Any]) -> tuple[Any, Any]:
    """A dataclass with a field for each collector that has options, as a flag's type, and its default."""
    types = {name: COLLECTORS.get(name).options_type for name in dict.fromkeys(names)}
    types = {name: kind for name, kind in types.items() if kind is not NoOptions}
    fields = [(options_field(name), kind, dataclasses.field(default=kind())) for name, kind in types.items()]
    kind = dataclasses.make_dataclass("CollectorOptions", fields, frozen=True)
    try:
        values = {options_field(name): options_from_json(one, saved.get(name, {})) for name, one in types.items()}
    except ValueError as error:
        raise UserError(f"The collectors of the run cannot be made: {error} Give --collectors.") from None
    return Annotated[kind, tyro.conf.arg(name="collector")], kind(**values)


def _saved(base_dir: str | Path | None, settings: str | Path | None) -> RunRecord | None:
    """What is known of the run of --settings, or of the one in the folder; None if there is neither."""
    if settings is not None:
        return read_record(Path(settings).expanduser())
    folder = None if base_dir is None else Path(base_dir).expanduser()
    return read_record(folder) if folder is not None and (folder / SETTINGS_FILE).is_file() else None


def train_agent(arguments: RunArguments) -> int:
    """Train the agent to the end of the run and return the exit status.

    Raises:
        UserError: a flag has an unusable value, or the folder holds another run.
        UnknownNameError: there is no such collector.
        LockedError: another process trains in the folder.
    """
    options = {name: getattr(arguments.collector_options, options_field(name), None) for name in arguments.collectors}
    constructors = create_collector_constructors(arguments.collectors, options)
    settings, plan = _settings(arguments), _plan(arguments, options)
    if plan.on_device:
        _check_on_device(arguments)
    folder = arguments.base_dir
    _make_folder(folder)
    with locked(folder), StopRequests() as signals:
        there = read_record(folder) if (folder / SETTINGS_FILE).exists() else None
        if there and (found := differences(there.settings.to_json(), settings.to_json())):
            raise UserError(
                f"{folder} holds another run{listing(found)} Give its flags to continue it, or another --base-dir."
            )
        use_compilation_cache(programs=True)
        parts, window = make_parts(settings.task), make_window(arguments)
        if window and settings.num_envs > 1:
            raise UserError("--renderer shows one environment: leave out --num-envs.")
        content = content_digests(settings, parts["wind_field"])
        if there and not arguments.accept_changes and (found := content_differences(there.content, content)):
            raise UserError(
                f"{folder} holds a run of other content{listing(found)} Give --accept-changes to continue it, or"
                " another --base-dir."
            )
        agent = _make_agent(settings, plan, parts["observation"].observation_space.shape)
        write_record(folder, RunRecord(settings, plan, content))
        try:
            is_over = _train(arguments, settings, plan, agent, {**parts}, window, constructors, signals)
        except KeyboardInterrupt:
            is_over = False
    if is_over:
        print(f"Trained: {folder}")
        return 0
    print(f"\nStopped. {_what_is_kept(folder)}", file=sys.stderr)
    return signals.status


def _what_is_kept(folder: Path) -> str:
    """What a stopped run continues from, in a sentence or two."""
    unfinished = [path for path in (folder / UNFINISHED_FOLDER).glob("*") if path.name.isdecimal()]
    kept = unfinished or list((folder / CHECKPOINTS_FOLDER).glob("[!.]*"))
    if not kept:
        return f"There was no checkpoint yet, so nothing is kept: `ble-train run --base-dir {folder}` begins anew."
    place = max(unfinished, key=lambda path: int(path.name)) if unfinished else folder / CHECKPOINTS_FOLDER
    return f"`ble-train run --base-dir {folder}` continues from {place}."


def _settings(arguments: RunArguments) -> TrainingSettings:
    _check_counts(arguments, "episodes_per_iteration", "max_episode_length", "num_envs", "evaluation_episodes")
    try:
        check_seed(arguments.seed)
    except ValueError as error:
        raise UserError(f"--seed: {error}") from None
    settings = TrainingSettings(
        **common_settings(arguments),
        num_envs=arguments.num_envs,
        episodes_per_iteration=arguments.episodes_per_iteration,
        max_episode_length=arguments.max_episode_length,
    )
    try:
        settings.to_json()
    except ValueError as error:
        raise UserError(str(error)) from None
    return settings


def _plan(arguments: RunArguments, collector_options: Mapping[str, Any]) -> RunPlan:
    """The plan of the flags. The length is that of the flags, or of the run that continues, or the default."""
    given = {name: number for name in LENGTHS if (number := getattr(arguments, name)) is not None}
    if len(given) > 1:
        names = " and ".join(f"--{name.replace('_', '-')}" for name in given)
        raise UserError(f"Give one length of the run, not {names}.")
    _check_counts(arguments, *(given.keys() - {"num_hours"}))
    if arguments.num_hours is not None and not 0.0 < arguments.num_hours < float("inf"):
        raise UserError(f"--num-hours must be positive, got {arguments.num_hours}.")
    for name in ("evaluation_period", "checkpoint_minutes"):
        if not getattr(arguments, name) >= 0:
            raise UserError(f"--{name.replace('_', '-')} must be 0 or more, got {getattr(arguments, name)}.")
    saved = _saved(arguments.base_dir, arguments.settings)
    try:
        options = {name: options_to_json(one) for name, one in collector_options.items() if one is not None}
    except ValueError as error:
        raise UserError(str(error)) from None
    return RunPlan(
        **(given or (saved.plan.length if saved else {})),
        evaluation_period=arguments.evaluation_period,
        evaluation_episodes=arguments.evaluation_episodes,
        checkpoint_minutes=arguments.checkpoint_minutes,
        collectors=arguments.collectors,
        collector_options=options,
        env_device=arguments.env_device,
        on_device=arguments.on_device,
    )


def _check_counts(arguments: RunArguments, *names: str) -> None:
    from ble_env.checks import check_counts  # Here, since it imports numpy.

    try:
        check_counts(**{f"--{name.replace('_', '-')}": getattr(arguments, name) for name in names})
    except ValueError as error:
        raise UserError(f"{error}.") from None


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"Cannot make the folder {folder}: {error.strerror or error}. Choose another.") from None


def _make_agent(settings: TrainingSettings, plan: RunPlan, observation_shape: tuple[int, ...]) -> "Agent":
    from ble_train.algorithms.ppo_agent import PpoAgent
    from ble_train.learner import Learner

    agent = make_agent(settings, observation_shape)
    if settings.num_envs > 1 and not isinstance(agent, Learner):
        raise UserError(
            f"The agent {settings.agent.name!r} learns from one environment at a time: leave out --num-envs."
        )
    if plan.on_device and not isinstance(agent, PpoAgent):
        raise UserError(f"The agent {settings.agent.name!r} cannot be trained with --on-device; ppo can.")
    return agent


def _check_on_device(arguments: RunArguments) -> None:
    """Check that no flag is given that --on-device excludes.

    Raises:
        UserError: one is; the message says which.
    """
    if arguments.precision != "float32":
        raise UserError(f"--on-device trains in float32: leave out --precision {arguments.precision}.")
    if arguments.env_device is not None:
        raise UserError(f"--on-device flies where it learns: leave out --env-device {arguments.env_device}.")
    if arguments.renderer is not None:
        raise UserError(f"--on-device shows no environment: leave out --renderer {arguments.renderer}.")


def _train(
    arguments: RunArguments,
    settings: TrainingSettings,
    plan: RunPlan,
    agent: "Agent",
    parts: dict[str, Any],
    window: dict[str, Any],
    constructors: Any,
    signals: StopRequests,
) -> bool:
    """Train; returns whether the run is over, and not only stopped."""
    from rich.console import Console

    from ble_env import BalloonEnv, BalloonGymnaxEnv, BalloonVectorEnv
    from ble_train.learner import Learner, learning_scope
    from ble_train.loops.classic import run_training_loop
    from ble_train.loops.compiled import run_compiled_training_loop
    from ble_train.loops.lanes import run_lane_training_loop
    from ble_train.loops.runs import RunLength
    from ble_train.progress import TrainingProgress
    from ble_train.validation import Validation, validation_suite

    length = RunLength(**plan.length)
    steps_per_iteration = settings.episodes_per_iteration * settings.max_episode_length
    progress = TrainingProgress(Console(stderr=True), length, steps_per_iteration)
    keywords: Any = {**parts, "precision": settings.precision, "device": plan.env_device}
    validation = Validation(
        arguments.base_dir,
        agent,
        BalloonEnv(**keywords),
        validation_suite(plan.evaluation_episodes, settings.max_episode_length),
        period=plan.evaluation_period,
        length=length,
        seed=settings.seed,
        title=f"{settings.agent.name}: {arguments.base_dir.name}",
    )

    def validate(after: Any, where: Any) -> None:
        if signals.requested:  # The next process makes up for it.
            return
        signals.at_once = True
        with progress.doing("validating"):
            point = after(where)
        if point is not None:
            progress.evaluated(point)
        signals.at_once = False

    def started(start: "StartPoint") -> None:
        progress.begins(start)
        for line in _start_lines(start, length):
            progress.print(line)
        validate(validation.at_start, start)

    def iteration_done(record: Any) -> None:
        progress.iteration_done(agent.take_metrics() if isinstance(agent, Learner) else {})
        validate(validation.after, record)

    loop: Any = {
        "base_dir": arguments.base_dir,
        "agent": agent,
        "collector_constructors": constructors,
        "num_iterations": None,
        **plan.length,
        "episodes_per_iteration": settings.episodes_per_iteration,
        "max_episode_length": settings.max_episode_length,
        "seed": settings.seed,
        "checkpoint_minutes": plan.checkpoint_minutes,
        "should_stop": lambda: signals.requested,
        "on_start": started,
        "on_episode": progress.episode_done,
        "on_iteration": iteration_done,
    }
    with progress:
        if plan.on_device:
            with learning_scope():
                env = BalloonGymnaxEnv(**parts)
            return run_compiled_training_loop(env=env, num_envs=settings.num_envs, **loop)
        if settings.num_envs == 1:
            return run_training_loop(env=BalloonEnv(**keywords, **window), **loop)
        envs = BalloonVectorEnv(settings.num_envs, max_episode_steps=settings.max_episode_length, **keywords)
        return run_lane_training_loop(envs=envs, **loop)


def _start_lines(start: "StartPoint", length: "RunLength") -> list[str]:
    """Where a process begins, and whether anything is left to do."""
    lines = []
    if start.checkpoint is not None:
        lines.append(
            f"Continues with iteration {start.iteration}, after {start.num_episodes} episodes, {start.env_steps} steps"
            f" and {start.seconds / 3600:.2f} hours, from {start.checkpoint}."
        )
    if start.is_over:
        flag = next(f"--{name.replace('_', '-')}" for name in LENGTHS if getattr(length, name) is not None)
        lines.append(f"The run has its length of {length}. To train on, give a larger {flag}.")
    return lines
