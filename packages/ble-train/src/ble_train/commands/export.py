"""`ble-train export`: writes a trained agent as a file of plain arrays, which flies without ble-train."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from ble_agents.create import EXPORTED_SUFFIX
from ble_eval.command_line.construction import make_agent
from ble_eval.command_line.errors import making
from ble_eval.command_line.parsing import parse_words
from ble_eval.errors import UserError
from ble_eval.trained import chosen_checkpoint
from ble_sim.plugins.registries import OBSERVATIONS
from ble_train.run_settings import read_record


@dataclass(frozen=True)
class ExportArguments:
    """Write the agent of a training run as plain arrays: `ble-eval run --agent FILE` flies it, without ble-train."""

    run: Annotated[Path, tyro.conf.Positional]
    """The run's folder."""

    output: Annotated[Path, tyro.conf.arg(metavar="FILE")]
    """The file to write, NAME.npz."""

    iteration: Annotated[int | None, tyro.conf.arg(metavar="INT", help_behavior_hint="(default: the best)")] = None
    """The checkpoint to export, by its number. The default is the best of the validations, or the newest if there were
    none, as for `ble-eval run --checkpoint`."""


def main(words: Sequence[str], program: str) -> int:
    """Parse the words after the verb, run it, and return the exit status."""
    return export_agent(parse_words(ExportArguments, words, program))


def export_agent(arguments: ExportArguments) -> int:
    """Write the file and return the exit status.

    Raises:
        UserError: there is no such checkpoint, or the agent cannot be exported.
    """
    if arguments.output.suffix != EXPORTED_SUFFIX:
        raise UserError(f"An exported agent is a file NAME{EXPORTED_SUFFIX}, not {arguments.output}.")
    settings = read_record(arguments.run).settings
    chosen = chosen_checkpoint(arguments.run, arguments.iteration)

    from ble_agents import AgentMode
    from ble_agents.exported_policy import save_policy
    from ble_sim.balloon.vehicle import Vehicle

    name, choice = settings.agent.name, settings.task["observation"]
    with making(f"the observation {choice.name!r}"):
        observation = OBSERVATIONS.make(choice.name, Vehicle(), options=choice.options)
    agent = make_agent(settings, observation.observation_space.shape)
    agent.set_mode(AgentMode.EVAL)
    with making(f"the agent {name!r}"):
        agent.load_checkpoint(str(chosen.folder), chosen.number)
    policy = agent.exported_policy()
    if policy is None:
        raise UserError(f"The agent {name!r} cannot be exported: it has no Agent.exported_policy.")
    with making(str(arguments.output)):
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        save_policy(arguments.output, policy)
    print(f"{name} of {chosen}: {arguments.output}")
    return 0
