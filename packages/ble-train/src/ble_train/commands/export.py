"""`ble-train export`: writes a trained agent as a plain file that anyone can fly."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from ble_eval.command_line.errors import UserError
from ble_train.run_settings import read_settings

SUFFIX = ".npz"


@dataclass(frozen=True)
class ExportArguments:
    """Write the agent of a training run as plain arrays: `ble-eval run --agent FILE` flies it, without ble-train."""

    run: Annotated[Path, tyro.conf.Positional]
    """The run's folder."""

    output: Annotated[Path, tyro.conf.arg(metavar="FILE")]
    """The file to write, NAME.npz."""

    iteration: Annotated[int | None, tyro.conf.arg(metavar="INT", help_behavior_hint="(default: the best)")] = None
    """The checkpoint to export; otherwise the best of the evaluations, or the newest where there were none."""


def export(arguments: ExportArguments) -> int:
    """Does what the arguments say and returns the exit status.

    Raises:
        UserError: there is no such checkpoint, or the agent cannot be exported.
    """
    if arguments.output.suffix != SUFFIX:
        raise UserError(f"An exported agent is a file NAME{SUFFIX}, not {arguments.output}.")
    settings = read_settings(arguments.run)

    from ble_agents import AgentMode, create_agent
    from ble_agents.exported_policy import save_policy
    from ble_env.plugins import make_observation
    from ble_sim.balloon.vehicle import Vehicle
    from ble_train.checkpoints import Checkpoints
    from ble_train.validation import BEST_FOLDER

    features = make_observation(settings.observation, Vehicle(), settings.observation_options)
    shape = features.observation_space.shape
    agent = create_agent(settings.agent, observation_shape=shape, seed=settings.seed, options=settings.agent_options)
    agent.set_mode(AgentMode.EVAL)
    folder = arguments.run / "checkpoints"
    if arguments.iteration is None and Checkpoints(arguments.run / BEST_FOLDER).iterations():
        folder = arguments.run / BEST_FOLDER
    try:
        iteration = arguments.iteration
        if iteration is None:
            iteration = agent.reload_latest_checkpoint(str(folder))
        else:
            agent.load_checkpoint(str(folder), iteration)
    except ValueError as error:
        raise UserError(str(error)) from error
    if iteration < 0:
        raise UserError(f"{arguments.run} has no checkpoint yet.")
    frozen = agent.exported_policy()
    if frozen is None:
        raise UserError(f"The agent {settings.agent!r} cannot be exported: it has no Agent.exported_policy.")
    save_policy(arguments.output, frozen)
    print(f"{settings.agent} after iteration {iteration} of {arguments.run}: {arguments.output}")
    return 0
