"""Constructs what the flags of a flight choose."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ble_env import task_parts
from ble_env.task_parts import Choice
from ble_eval.command_line.errors import making
from ble_eval.command_line.flags import FlightArguments
from ble_eval.errors import UserError
from ble_eval.settings import RunSettings
from ble_sim.constants import STATION_KEEPING_RADIUS_KM
from ble_sim.plugins.registries import RENDERERS

if TYPE_CHECKING:
    from ble_agents import Agent


def make_agent(settings: RunSettings, observation_shape: Sequence[int]) -> "Agent":
    """Construct the agent of a run.

    Raises:
        UserError: it cannot be made; the message names it and the reason.
    """
    from ble_agents import create_agent

    agent = settings.agent
    with making(f"the agent {agent.name!r}"):
        return create_agent(agent.name, observation_shape=observation_shape, seed=settings.seed, options=agent.options)


def make_parts(choices: Mapping[str, Choice]) -> dict[str, Any]:
    """Construct the parts of a task: arguments of `BalloonEnv`.

    Args:
        choices: for each part of `ble_env.task_parts.TASK_PARTS`, by its argument.

    Raises:
        UserError: one cannot be made; the message names it and the reason.
        PlatformError: JAX starts no platform.
    """
    from ble_env.host.devices import local_devices  # Here, since it imports jax.

    local_devices()
    try:
        return task_parts.make_task_parts(choices)
    except ValueError as error:
        raise UserError(str(error)) from error


def make_window(arguments: FlightArguments) -> dict[str, Any]:
    """The arguments of `BalloonEnv` that show episodes in a window; none without a renderer.

    Raises:
        UserError: the renderer cannot be made, or has no window.
        UnknownNameError: no renderer has the name.
    """
    name = arguments.renderer
    if name is None:
        return {}
    if arguments.render_period < 1:
        raise UserError(f"--render-period must be at least 1, not {arguments.render_period}.")
    RENDERERS.get(name)

    with making(f"the renderer {name!r}"):
        renderer = RENDERERS.make(name, STATION_KEEPING_RADIUS_KM, options=arguments.renderer_options)
    if "human" not in renderer.render_modes:
        modes = ", ".join(renderer.render_modes)
        raise UserError(f"The renderer {name!r} has no window: its modes are {modes}, and not human.")
    return {"render_mode": "human", "renderer": renderer, "render_period": arguments.render_period}
