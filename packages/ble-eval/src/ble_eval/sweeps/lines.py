"""The flags of the command lines that `ble_eval.sweeps.words` makes, and what each of them names."""

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import tyro

from ble_agents.create import agent_label
from ble_env.task_parts import Choice
from ble_eval.builtins import EPISODE_STEPS
from ble_eval.command_line.flags import (
    AgentArguments,
    NameFlag,
    common_settings,
    fitted,
    look_for,
    parse_flight,
    task_choices,
)
from ble_eval.command_line.parsing import Switch
from ble_eval.errors import UserError
from ble_eval.settings import SEEDS_FOLDER, EvaluationSettings
from ble_eval.sweeps.words import SWEPT, Combination
from ble_eval.trained import ChosenCheckpoint, chosen_checkpoint, trained_with
from ble_sim.plugins import NoOptions
from ble_sim.plugins.registry import Registry
from ble_sim.seeds import check_seed


@dataclass(frozen=True, kw_only=True)
class CheckpointArguments(AgentArguments):
    """Flags of the verbs that fly agents which may have been trained."""

    checkpoint: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")] = None
    """The folder of a training run, or of checkpoints, to load the agent from. The agent has its options. Without
    --checkpoint-idx it is the best of the run's validations, or the newest if there were none; `ble-train export` takes
    the same."""

    checkpoint_idx: Annotated[int | None, tyro.conf.arg(metavar="INT", help_behavior_hint="(default: the best)")] = None
    """Number of the checkpoint to load."""

    untrained: Switch = False
    """Fly an agent that learns as it is before any training. Without this it needs --checkpoint."""


@dataclass(frozen=True, kw_only=True)
class SeedArguments(CheckpointArguments):
    """Flags of the verbs that show one seed."""

    seed: int = 0
    """Of the episode: start, winds and forecast."""

    agent_seed: int = 0
    """Of the agents' randomness, as --seed of `ble-eval run`."""

    steps: int = EPISODE_STEPS
    """Agent steps of 3 minutes until the end."""


ArgumentsT = TypeVar("ArgumentsT", bound=CheckpointArguments)


def parse_line(
    arguments_type: type[ArgumentsT],
    flags: Iterable[NameFlag],
    line: Combination,
    program: str,
    *registries: Registry[Any],
) -> ArgumentsT:
    """The flags of a command line.

    Args:
        arguments_type: the dataclass.
        flags: what is chosen by name.
        line: the command line.
        program: the command with the verb.
        registries: see `parse_flight`.

    Raises:
        SystemExit: after --help, and with status 2 when the words cannot be parsed.
        UserError: a flag is unknown; of several lines the message names the one.
    """
    flags = [dataclasses.replace(one, takes="WORD [WORD ...]") if one.flag in SWEPT else one for one in flags]
    found = look_for(line.words, [*(one.flag for one in flags), "--checkpoint"])
    saved = {} if found.checkpoint is None else trained_with(Path(found.checkpoint))
    if saved and found.agent not in (None, saved["agent"].name):
        saved = {}  # `checkpoint_of` refuses it.
    try:
        return parse_flight(fitted(arguments_type, flags, found, saved), line.words, program, *registries)
    except UserError as error:
        if not line.varied:
            raise
        raise UserError(f"{line}: {error}") from error


def checkpoint_of(arguments: CheckpointArguments) -> ChosenCheckpoint | None:
    """The checkpoint to load; None without --checkpoint.

    Raises:
        UserError: it is of another agent or observation, or the flags do not go together.
    """
    if arguments.checkpoint is None:
        if arguments.checkpoint_idx is not None:
            raise UserError("--checkpoint-idx goes with --checkpoint.")
        return None
    if arguments.untrained:
        raise UserError("Give a checkpoint or --untrained, not both.")
    trained = trained_with(arguments.checkpoint)
    if trained and trained["agent"].name != arguments.agent:
        raise UserError(f"{arguments.checkpoint} is of the agent {trained['agent'].name!r}, not {arguments.agent!r}.")
    observation = task_choices(arguments)["observation"]
    if trained and trained["observation"] != observation:
        there, here = (one.name for one in (trained["observation"], observation))
        other = "with other options of it" if there == here else f"not {here!r}"
        raise UserError(f"{arguments.checkpoint} was trained with the observation {there!r}, {other}.")
    return chosen_checkpoint(arguments.checkpoint, arguments.checkpoint_idx)


def check_seed_arguments(arguments: SeedArguments, *counts: str) -> None:
    """Check the seeds and the steps, and other fields that count something.

    Raises:
        UserError: a value is not allowed.
    """
    try:
        check_seed(arguments.seed)
        check_seed(arguments.agent_seed)
    except ValueError as error:
        raise UserError(str(error)) from error
    for name in ("steps", *counts):
        if getattr(arguments, name) < 1:
            raise UserError(f"--{name} must be at least 1, not {getattr(arguments, name)}.")


def seed_settings(arguments: SeedArguments, chosen: ChosenCheckpoint | None) -> EvaluationSettings:
    """The settings of `ble-eval run` that fly the same episode with the same agent.

    Args:
        arguments: the flags.
        chosen: the checkpoint of the agent; None if it has none.
    """
    return EvaluationSettings(
        **common_settings(dataclasses.replace(arguments, seed=arguments.agent_seed)),
        suite=Choice(SEEDS_FOLDER, NoOptions()),
        max_episode_length=arguments.steps,
        num_shards=1,
        shard_idx=0,
        checkpoint_dir=None if chosen is None else str(chosen.folder),
        checkpoint_idx=None if chosen is None else chosen.number,
        untrained=arguments.untrained,
        flight_paths=True,
        seeds=[arguments.seed],
    )


def names_alone(agents: Sequence[str], numbers: Sequence[int | None]) -> list[str]:
    """What each flight would be called without the others: the agent, with the number of its checkpoint."""
    return [
        agent_label(agent) + ("" if number is None else f"_{number}")
        for agent, number in zip(agents, numbers, strict=True)
    ]
