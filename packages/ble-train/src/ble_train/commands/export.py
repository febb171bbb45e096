"""`ble-train export`: writes a trained agent as a file of plain arrays, which flies without ble-train."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from ble_agents.create import EXPORTED_SUFFIX
from ble_eval.command_line.construction import make_agent
from ble_eval.command_line.errors import making
from ble_eval.errors import UserError
from ble_eval.trained import CHECKPOINTS_FOLDER
from ble_sim.plugins.registries import OBSERVATIONS
from ble_train.run_settings import read_settings


@dataclass(frozen=True)
class ExportArguments:
    """Write the agent of a training run as plain arrays: `ble-eval run --agent FILE` flies it, without ble-train."""

    run: Annotated[Path, tyro.conf.Positional]
    """The run's folder."""

    output: Annotated[Path, tyro.conf.arg(metavar="FILE")]
    """The file to write, NAME.npz."""

    iteration: Annotated[int | None, tyro.conf.arg(metavar="INT", help_behavior_hint="(default: the best)")] = None
    """The checkpoint to export. The default is the best of the validations, or the newest if there were none."""


def main(words: Sequence[str], program: str) -> int:
    """Parse the words after the verb, run it, and return the exit status."""
    return export_agent(tyro.cli(ExportArguments, args=words, prog=program))


def export_agent(arguments: ExportArguments) -> int:
    """Write the file and return the exit status.

    Raises:
        UserError: there is no such checkpoint, or the agent cannot be exported.
    """
    if arguments.output.suffix != EXPORTED_SUFFIX:
        raise UserError(f"An exported agent is a file NAME{EXPORTED_SUFFIX}, not {arguments.output}.")
    settings, _ = read_settings(arguments.run)

    from ble_agents import AgentMode
    from ble_agents.exported_policy import save_policy
    from ble_sim.balloon.vehicle import Vehicle
    from ble_train.checkpoints import Checkpoints
    from ble_train.validation import BEST_FOLDER

    name, choice = settings.agent.name, settings.task["observation"]
    with making(f"the observation {choice.name!r}"):
        observation = OBSERVATIONS.make(choice.name, Vehicle(), options=choice.options)
    agent = make_agent(settings, observation.observation_space.shape)
    agent.set_mode(AgentMode.EVAL)
    folder = arguments.run / CHECKPOINTS_FOLDER
    if arguments.iteration is None and Checkpoints(arguments.run / BEST_FOLDER).iterations():
        folder = arguments.run / BEST_FOLDER
    iteration = arguments.iteration
    try:
        if iteration is None:
            iteration = agent.reload_latest_checkpoint(str(folder))
        else:
            agent.load_checkpoint(str(folder), iteration)
    except ValueError as error:
        raise UserError(str(error)) from error
    if iteration < 0:
        raise UserError(f"{arguments.run} has no checkpoint yet.")
    policy = agent.exported_policy()
    if policy is None:
        raise UserError(f"The agent {name!r} cannot be exported: it has no Agent.exported_policy.")
    save_policy(arguments.output, policy)
    print(f"{name} after iteration {iteration} of {arguments.run}: {arguments.output}")
    return 0
