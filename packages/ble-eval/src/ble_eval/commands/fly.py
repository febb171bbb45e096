"""`ble-eval fly`: shows one flight of each agent over the same seed while it is flown."""

import dataclasses
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from ble_agents.create import find_agent
from ble_env.options import MatplotlibOptions
from ble_eval.command_line.errors import INTERRUPTED
from ble_eval.command_line.flags import agent_flags
from ble_eval.command_line.parsing import Switch
from ble_eval.errors import UserError
from ble_eval.settings import EvaluationSettings
from ble_eval.sweeps.lines import (
    SeedArguments,
    check_seed_arguments,
    checkpoint_of,
    names_alone,
    parse_line,
    seed_settings,
)
from ble_eval.sweeps.words import AGENT, Combination, combinations, result_names
from ble_sim.constants import SECONDS_PER_HOUR, STEP_SECONDS
from ble_sim.files.compilation_cache import use_compilation_cache

if TYPE_CHECKING:
    from rich.console import Console

    from ble_env.rendering.track import Track
    from ble_eval.fly.displays import Display
    from ble_eval.fly.flights import Flight
    from ble_eval.fly.output import Output

HOURS_PER_STEP = STEP_SECONDS / SECONDS_PER_HOUR
MAX_FLIGHTS = 8
"""As many as there are colours."""


@dataclass(frozen=True, kw_only=True)
class FlyArguments(SeedArguments):
    """Fly each agent once over the same seed, and show the flights in the terminal while they are flown.

    The flights are those of `ble-eval run --seeds SEED`. They are flown side by side, with one clock. Ctrl-C stops
    them; what was flown until then is in the table and in --output.

    --agent, --wind-field and --precision take several words, as those of `ble-eval run` do, and every combination is
    one flight.
    """

    speed: float = 4.0
    """Hours of flight that are shown in a second, in the terminal or the window; 0 for as fast as they are computed.
    Without a terminal they are not slowed down."""

    window: Switch = False
    """Show a picture in a window, and not a panel in the terminal. It needs matplotlib and a display, and stays until
    it is closed."""

    output: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="(default: nothing is written)")
    ] = None
    """File to write at the end: .png for a picture of the whole flights, .gif or .mp4 for a film. They need
    `pip install "ble-eval[video]"`."""

    every: int = 4
    """Agent steps between two frames of a film; its drawing takes most of the time."""

    fps: int = 20
    """Frames of a film in a second."""

    picture: MatplotlibOptions = MatplotlibOptions(dpi=100)


def main(words: Sequence[str], program: str) -> int:
    """Parse the words after the verb, run it, and return the exit status."""
    lines = combinations(words, joined=(AGENT,))
    return watch_flights(lines, [parse_line(FlyArguments, agent_flags(), line, program) for line in lines])


def watch_flights(lines: Sequence[Combination], arguments: Sequence[FlyArguments]) -> int:
    """Fly, show, write what is asked for, and return the exit status.

    Args:
        lines: the command lines, one for each flight.
        arguments: the flags of each.

    Raises:
        UserError: a flag has an unusable value, an agent cannot be made, or a library is missing.
        OSError: the output cannot be written.
    """
    from rich.console import Console

    from ble_env.rendering.track import Track
    from ble_eval.fly.outcomes import outcome_table
    from ble_eval.fly.output import Output

    common = arguments[0]
    _check(common, len(lines))
    options = dataclasses.replace(common.picture, hours=min(common.picture.hours, common.steps * HOURS_PER_STEP))
    output = None
    if common.output is not None:
        output = Output(common.output, common.every, common.fps, options)
    checkpoints = [checkpoint_of(one) for one in arguments]
    settings = [seed_settings(*pair) for pair in zip(arguments, checkpoints, strict=True)]
    numbers = [one.checkpoint_idx for one in settings]
    names = result_names(lines, names_alone([one.agent.name for one in settings], numbers), numbers)
    tracks = [Track(name) for name in names]
    console = Console(stderr=True)
    display = _display(common, options, console, tracks)
    shows_winds = options.winds and len(tracks) == 1 and (common.window or output is not None)
    flights: list[Flight] = []
    is_stopped = False
    use_compilation_cache(programs=True)
    try:
        with display:
            flights += _make_flights(settings, tracks, shows_winds=shows_winds)
            _fly(flights, common.speed if common.window or console.is_interactive else 0.0, display)
    except KeyboardInterrupt:
        is_stopped = True
    if not any(track.num_steps > 0 for track in tracks):
        print("\nStopped before the first step. Nothing is written.", file=sys.stderr)
        return INTERRUPTED
    display.end()
    title = f"seed {common.seed}, {common.precision}"
    information = [find_agent(one.agent.name).information_track.value for one in settings]
    Console().print(outcome_table(title, tracks, information, [flight.result for flight in flights]))
    if is_stopped:
        print("\nStopped." if output else "\nStopped. Nothing is written without --output.", file=sys.stderr)
    if output is not None and not _write(output, tracks, console):
        return INTERRUPTED
    if is_stopped:
        return INTERRUPTED
    display.hold()
    return 0


def _check(arguments: FlyArguments, number: int) -> None:
    """Raises a UserError for values that do not fit."""
    check_seed_arguments(arguments, "every", "fps")
    if number > MAX_FLIGHTS:
        raise UserError(f"{number} flights are more than there are colours: give at most {MAX_FLIGHTS}.")
    if not 0.0 <= arguments.speed < math.inf:
        raise UserError(f"--speed must be 0 or more hours in a second, not {arguments.speed:g}.")


def _display(
    arguments: FlyArguments, options: MatplotlibOptions, console: "Console", tracks: "Sequence[Track]"
) -> "Display":
    from ble_eval.fly.displays import LineDisplay, PanelDisplay, WindowDisplay

    if arguments.window:
        return WindowDisplay(console, tracks, arguments.steps, options)
    if console.is_interactive:
        hours = f"{arguments.steps * HOURS_PER_STEP:g} h"
        speed = f"{arguments.speed:g} h a second" if arguments.speed else "not slowed down"
        return PanelDisplay(console, tracks, f"seed {arguments.seed}, {arguments.precision}, {hours}, {speed}")
    return LineDisplay(console, tracks, arguments.steps)


def _make_flights(
    settings: Sequence[EvaluationSettings], tracks: "Sequence[Track]", *, shows_winds: bool
) -> "list[Flight]":
    from ble_eval.engines.local import LocalEngine
    from ble_eval.fly.flights import Flight

    engine = LocalEngine()
    pairs = zip(settings, tracks, strict=True)
    return [Flight(one, track, engine, shows_winds=shows_winds) for one, track in pairs]


def _fly(flights: "Sequence[Flight]", hours_per_second: float, display: "Display") -> None:
    from ble_eval.fly.flights import fly_together

    fly_together(flights, hours_per_second / HOURS_PER_STEP, display.show)


def _write(output: "Output", tracks: "Sequence[Track]", console: "Console") -> bool:
    """Write the output and say so; returns False if Ctrl-C stopped it."""
    try:
        print(output.write(tracks, console))
    except KeyboardInterrupt:
        print(f"\nStopped. {output.path} is not written.", file=sys.stderr)
        return False
    return True
