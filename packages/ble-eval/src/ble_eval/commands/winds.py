"""`ble-eval winds`: shows the winds of a seed by level and time: forecast, truth and belief."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from ble_eval.command_line.construction import make_parts
from ble_eval.command_line.flags import NameFlag, agent_flags, task_choices
from ble_eval.errors import UserError
from ble_eval.sweeps.lines import (
    SeedArguments,
    check_seed_arguments,
    checkpoint_of,
    names_alone,
    parse_line,
    seed_settings,
)
from ble_eval.sweeps.words import combinations
from ble_eval.trained import ChosenCheckpoint
from ble_sim.constants import STEP_SECONDS
from ble_sim.files.compilation_cache import use_compilation_cache

if TYPE_CHECKING:
    from rich.console import Console

    from ble_eval.pictures.film import OutputFile
    from ble_eval.winds.series import WindSeries


@dataclass(frozen=True, kw_only=True)
class WindsArguments(SeedArguments):
    """Show the winds of a seed by level and time: the forecast, the truth, and the belief that measurements allow.

    Without an agent the winds are those at the station, and the belief is that of the first measurement. With an agent
    they are those above and below its balloon, or with --place station those at the station, and the belief at each
    moment is that of the flight until then.

    Without --output a picture is written into the working folder, and a table is printed.
    """

    place: Annotated[
        Literal["station", "flight"] | None,
        tyro.conf.arg(help_behavior_hint="(default: flight with an agent, else station)"),
    ] = None
    """Where the column of air is: at the station, or at the agent's balloon."""

    every: int = 5
    """Agent steps from one moment to the next; each is a frame of a film."""

    output: Annotated[
        Path | None,
        tyro.conf.arg(metavar="FILE", help_behavior_hint="(default: winds-SEED.png or winds-SEED-AGENT.png)"),
    ] = None
    """File to write: .png for a picture, .gif or .mp4 for a film. They need `pip install "ble-eval[video]"`."""

    theme: Literal["light", "dark"] = "light"
    """Dark on white, or light on black."""

    fps: int = 12
    """Frames of a film in a second."""


def main(words: Sequence[str], program: str) -> int:
    """Parse the words after the verb, run it, and return the exit status."""
    lines = combinations(words)
    if len(lines) > 1:
        raise UserError(
            f"`{program}` shows the winds of one flight, and {len(lines)} are named. Give --agent, --wind-field and"
            " --precision one word each."
        )
    agent, *parts = agent_flags()
    hint = "(default: none, the winds at the station)"
    agent = dataclasses.replace(agent, required=False, hint=hint, summary="The agent along whose flight the winds are.")
    flags: list[NameFlag] = [agent, *parts]
    return show(parse_line(WindsArguments, flags, lines[0], program))


def show(arguments: WindsArguments) -> int:
    """Compute the winds, write the picture or film, and return the exit status.

    Raises:
        UserError: a flag has an unusable value, an agent cannot be made, or a library is missing.
        OSError: the output cannot be written.
    """
    from rich.console import Console

    from ble_eval.pictures.film import OutputFile

    _check(arguments)
    chosen = None if arguments.agent is None else checkpoint_of(arguments)
    name = None if arguments.agent is None else names_alone([arguments.agent], [chosen and chosen.number])[0]
    output = OutputFile(arguments.output or Path(f"winds-{arguments.seed}{f'-{name}' if name else ''}.png"))
    use_compilation_cache(programs=True)
    console = Console(stderr=True)
    series = _at_station(arguments, console) if name is None else _of_flight(arguments, chosen, name, console)
    if arguments.output is None:
        from ble_eval.winds.table import wind_table

        Console().print(wind_table(series))
    print(_written(series, output, arguments, console))
    return 0


def _check(arguments: WindsArguments) -> None:
    """Raises a UserError for values that do not fit."""
    check_seed_arguments(arguments, "every", "fps")
    if arguments.every > arguments.steps:
        raise UserError(f"--every is {arguments.every}, more than the {arguments.steps} agent steps of --steps.")
    if arguments.agent is not None:
        return
    if arguments.place == "flight":
        raise UserError("--place flight needs an agent. Give --agent NAME.")
    if arguments.checkpoint is not None or arguments.checkpoint_idx is not None or arguments.untrained:
        raise UserError("--checkpoint, --checkpoint-idx and --untrained go with an agent. Give --agent NAME.")


def _at_station(arguments: WindsArguments, console: "Console") -> "WindSeries":
    from ble_eval.engines.local import make_environment
    from ble_eval.winds.series import station_series

    env = make_environment(make_parts(task_choices(arguments)), arguments.precision)
    with console.status("computing the winds; compiling takes a minute the first time"):
        title = f"Winds at the station, seed {arguments.seed}{_field(arguments)}"
        return station_series(env, arguments.seed, arguments.steps, arguments.every, title)


def _of_flight(
    arguments: WindsArguments, chosen: ChosenCheckpoint | None, name: str, console: "Console"
) -> "WindSeries":
    from ble_eval.command_line.progress import ProgressDisplay
    from ble_eval.engines.local import LocalEngine
    from ble_eval.winds.series import FlightWinds, flight_series

    settings = seed_settings(arguments, chosen)
    engine = LocalEngine()
    env, agent = engine.environment(settings), engine.agent(settings)
    at_station = arguments.place == "station"
    where = "at the station in the flight" if at_station else "along the flight"
    title = f"Winds {where} of {name}, seed {arguments.seed}{_field(arguments)}"
    with ProgressDisplay(console, "flying", arguments.steps) as progress:

        def on_step(steps: int) -> None:
            progress.show(steps, f"{steps * STEP_SECONDS / 3600:.1f} h", f"{steps}/{arguments.steps} steps")

        winds = FlightWinds(env, arguments.every, at_station=at_station, on_step=on_step)
        return flight_series(agent, env, arguments.seed, arguments.steps, arguments.agent_seed, winds, title)


def _field(arguments: WindsArguments) -> str:
    """The wind field for the title, if it is not the benchmark's."""
    choice = task_choices(arguments)["wind_field"]
    return "" if choice.name == "generative" and choice.options == type(choice.options)() else f", {choice.name}"


def _written(series: "WindSeries", output: "OutputFile", arguments: WindsArguments, console: "Console") -> str:
    """Write the picture or film, and say what it is."""
    from ble_eval.winds.picture import WindFilm, save_picture

    if not output.is_film:
        return output.write_picture(lambda path: save_picture(series, path, arguments.theme))
    film = WindFilm(series, arguments.theme)
    number = len(series.hours)
    return output.write_film((film.draw(moment) for moment in range(number)), number, arguments.fps, console)
