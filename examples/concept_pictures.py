"""The pictures of docs/concepts, drawn from flights of this machine. It needs ble-agents and ble-env[render].

uv run examples/concept_pictures.py observation reward --folder pictures
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ble_sim.files.compilation_cache import use_compilation_cache

use_compilation_cache()  # Before jax is imported: the second run starts in seconds.

import gymnasium  # noqa: E402
import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.cm import ScalarMappable  # noqa: E402
from matplotlib.collections import LineCollection  # noqa: E402
from matplotlib.colors import Normalize  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

from ble_agents import create_agent, fly_episode  # noqa: E402
from ble_env import FIRST_WIND_FEATURE, named_features  # noqa: E402
from ble_env.observation.layout import CENTER_LEVEL, Feature, wind_column  # noqa: E402
from ble_sim.balloon.safety import MIN_ALTITUDE, SUPERPRESSURE_BUFFER  # noqa: E402
from ble_sim.constants import METERS_PER_FOOT  # noqa: E402
from ble_sim.sky.atmosphere import height_at_pressure, pressure_at_height  # noqa: E402
from ble_sim.wind.field import forecast_and_error  # noqa: E402

BLUE, RED, ORANGE, GREEN, GREY = "#1f77b4", "#d62728", "#e67e00", "#2a8c4a", "#777777"
HOURS = 1 / 3600
KM = 1 / 1000


def fly(seed: int, agent: str = "station_seeker", steps: int = 960, **arguments: Any) -> tuple[Any, list, np.ndarray]:
    """Fly an episode.

    Returns:
        The environment, its infos after each step, and the observations float32[steps, 1099].
    """
    env = gymnasium.make("ble_env:BalloonLearningEnvironment-v0", max_episode_steps=steps, **arguments)
    kept = []
    fly_episode(create_agent(agent, seed=0), env, seed=seed, on_step=kept.append)
    return env.unwrapped, [step.info for step in kept], np.stack([step.observation for step in kept])


def column(infos: list, name: str) -> np.ndarray:
    """One measurement of all steps."""
    return np.array([info[name] for info in infos], float)


def station_keeping() -> Figure:
    """A flight, and the wind over its station."""
    env, infos, _ = fly(seed=5, agent="tradewind")
    scenario = env.get_snapshot().scenario
    x, y, altitude, hours = (
        column(infos, "x") * KM,
        column(infos, "y") * KM,
        column(infos, "altitude") * KM,
        column(infos, "time_elapsed") * HOURS,
    )
    scale, colors = Normalize(15.2, 19.4), "plasma"
    figure = new_figure(9.6, 7.4)
    grid = figure.add_gridspec(3, 2, width_ratios=(1.25, 1), height_ratios=(2.1, 1, 1))

    plan = figure.add_subplot(grid[0, 0])
    colored_line(plan, x, y, altitude, scale, colors)
    draw_station(plan)
    plan.plot(x[0], y[0], "o", color="black", markersize=5)
    plan.annotate("start", (x[0], y[0]), (-6, -14), textcoords="offset points")
    plan.plot(x[-1], y[-1], "s", color="black", markersize=5)
    plan.annotate("after 48 h", (x[-1], y[-1]), (6, -14), textcoords="offset points")
    plan.set(xlabel="east of the station [km]", ylabel="north of the station [km]", aspect="equal")
    plan.set_title("The flight from above", loc="left", fontsize=10)
    plan.margins(0.08)

    winds = figure.add_subplot(grid[0, 1])
    heights = np.arange(15_500.0, 19_001.0, 500.0)
    for place, hour in enumerate((0, 24, 47)):
        u, v = wind_over_station(env, scenario, heights, hour)
        arrows = winds.quiver(
            np.full_like(heights, place), heights * KM, u, v, heights * KM,
            cmap=colors, norm=scale, pivot="mid", angles="uv", scale=70.0, width=0.011,
        )  # fmt: skip
    winds.quiverkey(arrows, 0.9, 0.96, 10.0, "10 m/s", labelpos="W", color=GREY)
    winds.set(xlim=(-0.6, 2.6), xticks=(0, 1, 2), xticklabels=("at the start", "after 24 h", "after 47 h"))
    winds.set(ylabel="altitude [km]", ylim=(15.2, 19.7))
    winds.set_title("The wind over the station\n(an arrow that points up blows north)", loc="left", fontsize=10)

    distance = np.hypot(x, y)
    below = figure.add_subplot(grid[1, :])
    below.axhspan(0, 50, color=GREEN, alpha=0.18, linewidth=0)
    below.plot(hours, distance, color="black")
    inside = column(infos, "inside_radius").mean()
    below.set_title(f"Within 50 km (green) in {inside:.0%} of the time: that is TWR50", loc="left", fontsize=10)
    below.set(ylabel="distance [km]", xlim=(0, 48), ylim=(0, None), xticks=range(0, 49, 6), xticklabels=[])

    high = figure.add_subplot(grid[2, :])
    highest, lowest = (altitude_of(scenario, column(infos, f"{end}_pressure")) for end in ("lowest", "highest"))
    high.fill_between(hours, lowest, highest, color=GREY, alpha=0.2, linewidth=0)
    colored_line(high, hours, altitude, altitude, scale, colors)
    high.set(xlabel="hours since the start", ylabel="altitude [km]", xlim=(0, 48), ylim=(15, None))
    high.set_xticks(range(0, 49, 6))
    high.set_title("What the agent decides: the altitude, within reach (grey)", loc="left", fontsize=10)
    figure.colorbar(ScalarMappable(scale, colors), ax=[plan, winds], label="altitude [km]", fraction=0.04, pad=0.02)
    return figure


def observation() -> Figure:
    """One observation, with the names of its numbers."""
    _, _, observations = fly(seed=23, agent="tradewind", steps=300)
    seen = observations[-1]
    features = named_features(seen)
    encoded, levels = wind_column(seen), np.arange(len(features.bearing))
    figure = new_figure(9.6, 6.6)
    grid = figure.add_gridspec(1, 4, width_ratios=(1.5, 1, 1, 1))

    balloon = figure.add_subplot(grid[0])
    names = [feature.name.lower().replace("_", " ") for feature in Feature]
    values = seen[:FIRST_WIND_FEATURE]
    physical = {
        Feature.PRESSURE: f"{features.pressure:.0f} Pa",
        Feature.BATTERY: f"{features.battery:.0%}",
        Feature.SOLAR_ELEVATION: f"{features.solar_elevation:.0f}°",
        Feature.DISTANCE: f"{features.distance:.0f} km",
        Feature.POWER_TO_USE: f"{features.power_to_use:.0f} W",
    }
    balloon.barh(range(len(values)), values, color=BLUE, alpha=0.55)
    balloon.axvline(0, color="black", linewidth=0.8)
    for feature, value in zip(Feature, values, strict=True):
        text = f"{value:.2f}" + (f" = {physical[feature]}" if feature in physical else "")
        balloon.text(max(value, 0) + 0.04, feature, text, va="center", fontsize=8.5)
    balloon.set(yticks=range(len(names)), yticklabels=[f"{name}  {i:2}" for i, name in enumerate(names)])
    balloon.set(xlim=(-1.05, 2.5), xticks=(-1, 0, 1), ylim=(len(names) - 0.4, -0.6), xlabel="value")
    balloon.set_title("numbers 0 to 15:\nthe balloon", fontsize=10)

    titles = "uncertainty", "bearing", "magnitude"
    ends = "0: as measured\n1: as forecast", "0: to the station\n1: away from it", "0: calm\n0.5: 30 m/s"
    shown = levels[features.reachable]
    top, bottom = shown.min() - 12, shown.max() + 12
    axes = [figure.add_subplot(grid[i]) for i in (1, 2, 3)]
    for i, (one, title, meaning) in enumerate(zip(axes, titles, ends, strict=True)):
        for is_reachable, color in ((True, BLUE), (False, GREY)):
            part = features.reachable == is_reachable
            one.plot(np.where(part, encoded[:, i], np.nan), levels, ".", markersize=3, color=color)
        one.axhline(CENTER_LEVEL, color=RED, linewidth=1)
        one.set(xlim=(-0.05, 1.05), ylim=(bottom, top), xlabel=meaning)
        one.set_title(f"16 + 3 * level{f' + {i}' if i else ''}:\n{title}", fontsize=10)
        one.grid(alpha=0.3)
        if i:
            one.set_yticklabels([])
    axes[0].set_ylabel("level: 50 Pa each, higher altitudes above")
    axes[2].text(0.98, CENTER_LEVEL - 1, f"the balloon:\nlevel {CENTER_LEVEL}", color=RED, ha="right", fontsize=9)
    axes[1].text(0.9, top + 1, "out of reach:\n0, 1, 1", color=GREY, ha="right", va="top", fontsize=9)
    right = axes[2].twinx()
    right.set(ylim=(bottom, top), ylabel="pressure of the level [Pa]")
    ticks = axes[0].get_yticks()
    ticks = ticks[(ticks >= top) & (ticks <= bottom)]
    center = 50 * round(features.pressure / 50)
    right.set_yticks(ticks, [f"{center + 50 * (tick - CENTER_LEVEL):.0f}" for tick in ticks])
    return figure


def reward() -> Figure:
    """The benchmark's reward over the distance."""
    distance = np.linspace(0, 400, 2001)
    rewards = np.where(distance <= 50, 1.0, 0.4 * 2.0 ** (-(distance - 50) / 100))
    rewards[np.searchsorted(distance, 50, side="right")] = np.nan  # The jump is no line.
    figure = new_figure(9.6, 3.9)
    axes = figure.add_subplot()
    axes.axvspan(0, 50, color=GREEN, alpha=0.13, linewidth=0)
    axes.text(25, 0.06, "within\n50 km", color=GREEN, ha="center")
    for factor, color, label in (
        (1.0, BLUE, "ascending, staying, or with excess energy"),
        (0.95, ORANGE, "commanded to descend, compressor at 100 W or held back: 0.95 of it"),
        (0.65, RED, "commanded to descend, compressor at 300 W or more: 0.65 of it"),
    ):
        axes.plot(distance, factor * rewards, color=color, linewidth=2, label=label)
    for place, value in ((50, 0.4), (150, 0.2), (250, 0.1), (350, 0.05)):
        axes.plot(place, value, "o", color=BLUE, markersize=5)
        axes.annotate(f"{value} at {place} km", (place, value), (2, 8), textcoords="offset points", color=BLUE)
    axes.set(xlabel="distance from the station [km]", ylabel="reward of a step", xlim=(0, 400), ylim=(0, 1.06))
    axes.legend(loc="upper right")
    axes.grid(alpha=0.3)
    return figure


def safety_layers() -> Figure:
    """A flight in which each safety layer acts."""
    limit = 2050.0
    _, infos, observations = fly(seed=36, vehicle={"safety_max_superpressure": limit})
    hours = column(infos, "time_elapsed") * HOURS
    figure = new_figure(9.6, 8.4)
    battery, pressure, altitude, actions = figure.subplots(4, 1, sharex=True, height_ratios=(1, 1, 1, 0.55))

    day = column(infos, "solar_power") > 0
    for axes in (battery, pressure, altitude, actions):
        axes.fill_between(hours, 0, 1, ~day, transform=axes.get_xaxis_transform(), color="#20304d", alpha=0.10, lw=0)

    battery.plot(hours, 100 * column(infos, "battery"), color="black")
    battery.axhline(5, color=ORANGE, linestyle="--", linewidth=1)
    battery.text(14, 7, "5 %: by day the layer ends here", color=ORANGE, fontsize=9)
    battery.set(ylabel="battery [%]", ylim=(0, 105))
    battery.set_title("power layer (orange): no descent if the battery would not last the night (grey)", loc="left")

    pressure.plot(hours, column(infos, "superpressure"), color="black")
    for value, text, side in (
        (SUPERPRESSURE_BUFFER, "250 Pa: no descent", "bottom"),
        (SUPERPRESSURE_BUFFER - 100, "150 Pa: must ascend", "top"),
        (limit - SUPERPRESSURE_BUFFER, f"{limit - 250:.0f} Pa: no descent", "top"),
        (limit - SUPERPRESSURE_BUFFER + 100, f"{limit - 150:.0f} Pa: must ascend", "bottom"),
    ):
        pressure.axhline(value, color=RED, linestyle="--", linewidth=1)
        pressure.text(0.3, value, text, color=RED, fontsize=9, va=side)
    pressure.set(ylabel="superpressure [Pa]", ylim=(-150, 2300))
    title = f"envelope layer (red): not near 0, not near the limit, which is {limit:.0f} Pa here and else 2380 Pa"
    pressure.set_title(title, loc="left")

    height = column(infos, "altitude") * KM
    altitude.plot(hours, height, color="black")
    for value, text, side in (
        (MIN_ALTITUDE, "50 000 ft: must ascend", "top"),
        (MIN_ALTITUDE + 500 * METERS_PER_FOOT, "50 500 ft: no descent", "bottom"),
    ):
        altitude.axhline(value * KM, color=BLUE, linestyle="--", linewidth=1)
        altitude.text(12, value * KM, text, color=BLUE, fontsize=9, va=side)
    altitude.set(ylabel="altitude [km]", ylim=(14.6, None))
    altitude.set_title("altitude layer (blue): not below 50 000 ft", loc="left")

    for axes, name, color in (
        (battery, "paused_power", ORANGE),
        (pressure, "paused_envelope", RED),
        (altitude, "paused_altitude", BLUE),
    ):
        paused = column(infos, name) > 0
        axes.fill_between(hours, 0, 1, paused, transform=axes.get_xaxis_transform(), color=color, alpha=0.30, lw=0)
    # The agent's command is in its observation, and what took effect in info.
    commands = np.array([named_features(seen).last_command for seen in observations])
    effective = column(infos, "effective_action")
    actions.plot(hours, commands, ".", color=GREY, markersize=6, label="commanded")
    actions.plot(hours, effective, ".", color="black", markersize=2.5, label="took effect")
    actions.set(xlabel="hours since the start", xlim=(0, 48), xticks=range(0, 49, 6), ylim=(-0.5, 2.5))
    actions.set(yticks=(0, 1, 2), yticklabels=("down", "stay", "up"))
    actions.set_title("the agent's actions, and those that took effect", loc="left")
    actions.legend(loc="lower right", bbox_to_anchor=(1, 1), fontsize=8, ncols=2, frameon=False)
    return figure


PICTURES: dict[str, Callable[[], Figure]] = {
    "station-keeping": station_keeping,
    "observation": observation,
    "reward": reward,
    "safety-layers": safety_layers,
}


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of a size in inches, white so that it also reads on a dark page."""
    return Figure(figsize=(width, height), dpi=100, layout="constrained", facecolor="white")


def colored_line(axes: Axes, x: np.ndarray, y: np.ndarray, values: np.ndarray, scale: Normalize, colors: str) -> None:
    """A line whose colour follows values."""
    points = np.stack([x, y], axis=-1)
    line = LineCollection(list(np.stack([points[:-1], points[1:]], axis=1)), cmap=colors, norm=scale, linewidths=2)
    line.set_array(values[1:])
    axes.add_collection(line)
    axes.autoscale_view()


def draw_station(axes: Axes) -> None:
    """The station, and the circle of 50 km."""
    angle = np.linspace(0, 2 * np.pi, 181)
    axes.fill(50 * np.cos(angle), 50 * np.sin(angle), color=GREEN, alpha=0.18, linewidth=0)
    axes.plot(50 * np.cos(angle), 50 * np.sin(angle), color=GREEN, linewidth=1)
    axes.plot(0, 0, "x", color="black", markersize=8, markeredgewidth=2)
    axes.annotate("station", (0, 0), (6, 6), textcoords="offset points")


def altitude_of(scenario: Any, pressures: np.ndarray) -> np.ndarray:
    """Altitudes [km] of pressures [Pa]."""
    return np.asarray(height_at_pressure(scenario.atmosphere, jnp.asarray(pressures, jnp.float32))) * KM


def wind_over_station(env: Any, scenario: Any, heights: np.ndarray, hour: float) -> tuple[np.ndarray, np.ndarray]:
    """The wind (u, v) [m/s] at heights [m] over the station: the forecast and its error."""
    zero, elapsed = jnp.float32(0), jnp.int32(3600 * hour)

    def wind(pressure: jax.Array) -> tuple[jax.Array, jax.Array]:
        (u, v), (u_error, v_error) = forecast_and_error(
            env.task.wind_field, scenario.forecast, scenario.noise, zero, zero, pressure, elapsed
        )
        return u + u_error, v + v_error

    u, v = jax.vmap(wind)(pressure_at_height(scenario.atmosphere, jnp.asarray(heights, jnp.float32)))
    return np.asarray(u), np.asarray(v)


def save(figure: Figure, file: Path) -> None:
    """Write a PNG of few colours, a third of the size."""
    from PIL import Image

    figure.savefig(file)
    Image.open(file).convert("RGB").quantize(192, dither=Image.Dither.NONE).save(file, optimize=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(PICTURES)}; all by default")
    parser.add_argument("--folder", type=Path, default=Path("pictures"), help="where the pictures go")
    arguments = parser.parse_args()
    for unknown in set(arguments.names) - set(PICTURES):
        parser.error(f"there is no picture {unknown!r}: give some of {', '.join(PICTURES)}")
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name in arguments.names or PICTURES:
        file = arguments.folder / f"concept-{name}.png"
        save(PICTURES[name](), file)
        print(file)
