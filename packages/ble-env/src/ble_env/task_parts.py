"""The parts of a task as command lines choose them: by name, with options.

A record of choices (parsed flags, a saved configuration) has two fields for each part: its name, such as `wind_field`,
and its options, `wind_field_options`. Nothing here imports jax before a part is made.
"""

import contextlib
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from ble_env.plugins import OBSERVATIONS, RENDERERS, REWARDS, make_observation, make_renderer, make_reward
from ble_eval.command_line.errors import UserError
from ble_sim.plugins.registry import Registry
from ble_sim.wind.registry import WIND_FIELDS, make_wind_field

TASK_PARTS: Mapping[str, Registry[Any]] = MappingProxyType(
    {"wind_field": WIND_FIELDS, "observation": OBSERVATIONS, "reward": REWARDS}
)
"""What there is of each part, by the arguments of `BalloonEnv`."""

BENCHMARK_PARTS: Mapping[str, str] = MappingProxyType(
    {"wind_field": "generative", "observation": "perciatelli", "reward": "station_keeping"}
)
"""Names of the benchmark's own parts."""


def options_field(part: str) -> str:
    """The field of a record with the options of a part."""
    return f"{part}_options"


def part_flag(part: str) -> str:
    """The flag that chooses a part."""
    return "--" + part.replace("_", "-")


def make_task_parts(choices: Any) -> dict[str, Any]:
    """Make the parts that a record of choices names: arguments of `BalloonEnv`.

    Raises:
        UserError: one cannot be made; the message says which and why.
        UnknownNameError: there is no part of that name.
    """
    from ble_sim.balloon.vehicle import Vehicle

    makers = {
        "wind_field": make_wind_field,
        "observation": lambda name, options: make_observation(name, Vehicle(), options),
        "reward": make_reward,
    }
    made = {}
    for part, registry in TASK_PARTS.items():
        name = getattr(choices, part)
        registry.get(name)
        with _told_to_the_user(registry, name):
            made[part] = makers[part](name, getattr(choices, options_field(part)))
    return made


def make_window(choices: Any) -> dict[str, Any]:
    """The arguments of `BalloonEnv` that show flights, if a record of choices has a `renderer`.

    Raises:
        UserError: it cannot be made, or has no window; the message says why.
        UnknownNameError: there is none of that name.
    """
    if choices.renderer is None:
        return {}
    if choices.render_period < 1:
        raise UserError(f"--render-period must be at least 1, not {choices.render_period}.")
    RENDERERS.get(choices.renderer)
    with _told_to_the_user(RENDERERS, choices.renderer):
        renderer = make_renderer(choices.renderer, options=choices.renderer_options)
    if "human" not in renderer.render_modes:
        modes = ", ".join(renderer.render_modes)
        raise UserError(f"The renderer {choices.renderer!r} has no window: its modes are {modes}, and not human.")
    return {"render_mode": "human", "renderer": renderer, "render_period": choices.render_period}


@contextlib.contextmanager
def _told_to_the_user(registry: Registry[Any], name: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, OSError, ImportError) as error:
        raise UserError(f"Cannot make the {registry.kind} {name!r}: {error}") from error


def part_origins(choices: Any) -> dict[str, str]:
    """Where the parts come from that a record of choices names: "distribution version" by kind."""
    return {registry.kind: registry.origin(getattr(choices, part)) for part, registry in TASK_PARTS.items()}
