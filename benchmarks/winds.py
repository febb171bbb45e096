"""What is known about the winds of the benchmark: the figures and pictures of docs/concepts/winds.md.

uv run benchmarks/winds.py --folder docs/images
"""

import argparse
import io
import itertools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ble_sim.files.compilation_cache import use_compilation_cache

use_compilation_cache()  # Before jax is imported: the second run starts in seconds.

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from PIL import Image  # noqa: E402

from ble_agents import EpisodeStep, EpisodeWatcher, create_agent  # noqa: E402
from ble_env import BalloonEnv  # noqa: E402
from ble_env.host.seeding import first_episode_keys  # noqa: E402
from ble_env.host.snapshot import Snapshot  # noqa: E402
from ble_eval import EvaluationSuite, eval_agent, read_result_sets  # noqa: E402
from ble_eval.winds.drift import least_drift  # noqa: E402
from ble_eval.winds.series import Moment, moment_of, moments_at_station  # noqa: E402
from ble_sim.constants import SECONDS_PER_HOUR  # noqa: E402
from ble_sim.flight import initial_state  # noqa: E402
from ble_sim.scenario import draw, sample_scenario  # noqa: E402
from ble_sim.wind.noise import wind_noise  # noqa: E402

HOURS = np.arange(0, 49, 6)
CHUNK = 50
"""Episodes that are sampled at once."""
STEPS_OF_A_DAY = 480
BLUE, ORANGE, GREEN, GREY = "#0072b2", "#d55e00", "#009e73", "#777777"


def columns_at_station(env: BalloonEnv, num_seeds: int) -> Moment:
    """The winds at the stations of the first seeds at `HOURS`: arrays [seeds, hours, ...]."""
    elapsed = jnp.asarray(HOURS * SECONDS_PER_HOUR, jnp.int32)
    params = env.task.make_params(env.vehicle)

    @jax.jit
    @jax.vmap
    def columns(key):
        scenario = sample_scenario(env.task.wind_field, params, key)
        return moments_at_station(env.task.wind_field, scenario, initial_state(env.task.wind_field, scenario), elapsed)

    keys = first_episode_keys(range(num_seeds))
    chunks = [jax.device_get(columns(keys[start : start + CHUNK])) for start in range(0, num_seeds, CHUNK)]
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *chunks)


def error_correlations(num_seeds: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The autocorrelation of the forecast error along each axis, and the deviation of each component (printed).

    Returns:
        For each axis the distances [n] and the correlations of u and v: float[2, n].
    """
    steps = np.linspace(0.0, 1.0, 41)
    axes = {"east [km]": (0, 500e3, 1e3), "north [km]": (1, 500e3, 1e3), "pressure [Pa]": (2, 3000.0, 1.0)}
    axes |= {"time [h]": (3, 36.0 * SECONDS_PER_HOUR, SECONDS_PER_HOUR)}
    point = np.array([0.0, 0.0, 8000.0, 6.0 * SECONDS_PER_HOUR])
    points = np.concatenate([point + np.outer(steps, np.eye(4)[axis] * far) for axis, far, _ in axes.values()])

    @jax.jit
    @jax.vmap
    def errors(key):
        noise = draw(key).noise
        return jnp.stack(jax.vmap(lambda place: wind_noise(noise, *place))(jnp.asarray(points, jnp.float32)), axis=-1)

    keys = first_episode_keys(range(num_seeds))
    found = np.concatenate([np.asarray(errors(keys[i : i + 200])) for i in range(0, num_seeds, 200)]).astype(float)
    print(f"forecast error, {num_seeds} seeds: standard deviation of u {found[..., 0].std():.3f} m/s,", end=" ")
    print(f"of v {found[..., 1].std():.3f} m/s, mean speed {np.hypot(*np.moveaxis(found, -1, 0)).mean():.3f} m/s")
    result = {}
    for number, (name, (_, far, unit)) in enumerate(axes.items()):
        part = found[:, number * len(steps) : (number + 1) * len(steps)]
        products = (part[:, :1] * part).mean(axis=0) / np.sqrt((part[:, :1] ** 2).mean(0) * (part**2).mean(0))
        distances = steps * far / unit
        lengths = [_first_below(distances, products[:, i], np.exp(-1.0)) for i in range(2)]
        print(f"  along {name:<14} correlation 1/e at {lengths[0]} (u) and {lengths[1]} (v)")
        result[name] = distances, products.T
    return result


def _first_below(distances: np.ndarray, values: np.ndarray, bound: float) -> str:
    below = np.flatnonzero(values < bound)
    if not len(below):
        return f"more than {distances[-1]:g}"
    i = below[0]
    share = (values[i - 1] - bound) / (values[i - 1] - values[i])
    return f"{distances[i - 1] + share * (distances[i] - distances[i - 1]):.3g}"


def speeds_by_level(moments: Moment) -> np.ndarray:
    """Prints and returns quantiles of the wind's speed at the levels: float[5, levels] for 5, 25, 50, 75, 95 %."""
    quantiles = {}
    for kind, winds in (("forecast", moments.column.forecast), ("wind", moments.column.wind)):
        speeds = np.hypot(winds[..., 0], winds[..., 1]).reshape(-1, winds.shape[-2])
        quantiles[kind] = np.percentile(speeds, (5, 25, 50, 75, 95), axis=0)
    pressure, heights = moments.column.pressure[0, 0], moments.column.height[:, 0].mean(axis=0)
    print("speed of the wind at the station [m/s], quantiles 5, 25, 50, 75, 95 %")
    for level in range(0, len(pressure), 20):
        values = "  ".join(f"{value:5.1f}" for value in quantiles["wind"][:, level])
        print(f"  {pressure[level] / 100:4.0f} hPa {heights[level] / 1000:5.1f} km  {values}")
    return quantiles["wind"]


def drifts(moments: Any) -> dict[str, np.ndarray]:
    """Prints and returns the least drift of the forecast and the wind: float[seeds, hours], m/s."""
    pressure = moments.column.pressure
    reach = (pressure >= moments.lowest_pressure[..., None]) & (pressure <= moments.highest_pressure[..., None])
    found = {
        "forecast": least_drift(moments.column.forecast, reach),
        "wind": least_drift(moments.column.wind, reach),
    }
    print(f"levels within reach: {moments.lowest_pressure.mean() / 100:.0f} to", end=" ")
    print(f"{moments.highest_pressure.mean() / 100:.0f} hPa on average")
    for kind, values in found.items():
        zero = values <= 0.0
        print(
            f"least drift of the {kind}: 0 at {zero.mean():.1%} of the times, at all times in {zero.all(1).mean():.1%}"
            f" of the seeds, at none in {(~zero).all(1).mean():.1%}; median {np.median(values):.2f},"
            f" 95 % {np.percentile(values, 95):.1f} m/s; above 1 m/s at {(values > 1.0).mean():.1%}"
        )
    return found


def twr_by_drift(drift: np.ndarray) -> list[tuple[str, float, int]]:
    """TWR50 of StationSeeker in classes of the share of times with drift 0; prints them."""
    (results,) = read_result_sets(["station_seeker"], "medium_eval")
    share = (drift[: len(results.seeds)] <= 0.0).mean(axis=1)
    twr = np.array([one.time_within_radius for one in results.results[: len(share)]])
    order = np.corrcoef(np.argsort(np.argsort(share)), np.argsort(np.argsort(twr)))[0, 1]
    print(f"rank correlation of TWR50 of station_seeker with the share of times with drift 0: {order:.2f}")
    classes = []
    for low, high, name in ((0, 0.01, "never"), (0.01, 0.5, "up to half"), (0.5, 0.99, "more"), (0.99, 2, "always")):
        chosen = (share >= low) & (share < high)
        classes.append((name, float(twr[chosen].mean()), int(chosen.sum())))
        print(f"  {name}: TWR50 {twr[chosen].mean():.3f} of {chosen.sum()} seeds")
    return classes


class AfterADay(EpisodeWatcher):
    """Keeps the columns at the balloon and at the station after a day of flight."""

    def __init__(self, env: BalloonEnv) -> None:
        self._env = env
        self.moments: dict[bool, list[Moment]] = {False: [], True: []}

    def step(self, seed: int, step: EpisodeStep, snapshot: Callable[[], Snapshot]) -> None:
        if step.step + 1 == STEPS_OF_A_DAY and not step.terminated:
            now = snapshot()
            for at_station, kept in self.moments.items():
                kept.append(jax.device_get(moment_of(self._env.task.wind_field, *now, at_station)))


def belief_after_a_day(env: BalloonEnv, num_flights: int) -> tuple[np.ndarray, Mapping[str, np.ndarray]]:
    """Errors of the forecast and the belief over the distance in pressure from the balloon, after a day of flights.

    Returns:
        The distances [n] in Pa, and root mean squares [n] in m/s of each component, by name.
    """
    seen = AfterADay(env)
    suite = EvaluationSuite(list(range(num_flights)), STEPS_OF_A_DAY)
    eval_agent(create_agent("station_seeker", seed=0), env, suite, watcher=seen, calculate_flight_path=False)
    edges = np.array([-50.0, 50, 150, 300, 500, 800, 1200, 1800, 2500, 3500])
    result = {}
    for at_station, kept in seen.moments.items():
        moments = jax.tree.map(lambda *leaves: np.stack(leaves), *kept)
        pressure = moments.column.pressure
        reach = (pressure >= moments.lowest_pressure[:, None]) & (pressure <= moments.highest_pressure[:, None])
        away = np.where(reach, np.abs(pressure - moments.balloon_pressure[:, None]), np.nan)
        where = "station" if at_station else "balloon"
        misses = {kind: moments.column.wind - getattr(moments.column, kind) for kind in ("forecast", "predicted")}
        print(f"after a day of {len(kept)} flights, at the {where}, within reach:", end=" ")
        print(", ".join(f"{kind} off by {_rms(miss[reach]):.2f} m/s" for kind, miss in misses.items()))
        classes = [(away >= low) & (away < high) for low, high in itertools.pairwise(edges)]
        for kind, miss in misses.items():
            result[f"{kind}, {where}"] = np.array([_rms(miss[chosen]) for chosen in classes])
        stated = np.sqrt(12.96 * moments.column.uncertainty)
        result[f"stated, {where}"] = np.array([stated[chosen].mean() for chosen in classes])
    distances = np.maximum((edges[1:] + edges[:-1]) / 2.0, 0.0)
    for i, distance in enumerate(distances):
        print(f"  {distance:5.0f} Pa away: " + ", ".join(f"{name} {values[i]:.2f}" for name, values in result.items()))
    return distances, result


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values)))) if values.size else np.nan


def draw_speeds(moments: Moment, quantiles: np.ndarray, drift: Mapping[str, np.ndarray], classes: Any) -> Figure:
    """Speeds by level, and what they allow."""
    figure = _figure()
    levels, shares, scores = figure.subplots(1, 3, width_ratios=(1.15, 1.15, 1))
    pressure = moments.column.pressure[0, 0] / 100
    levels.fill_betweenx(pressure, quantiles[0], quantiles[4], color=BLUE, alpha=0.15, label="5 to 95 %", linewidth=0)
    levels.fill_betweenx(pressure, quantiles[1], quantiles[3], color=BLUE, alpha=0.35, label="25 to 75 %", linewidth=0)
    levels.plot(quantiles[2], pressure, color=BLUE, label="median")
    for reach, place in ((moments.lowest_pressure, "bottom"), (moments.highest_pressure, "top")):
        level = float(np.mean(reach)) / 100
        levels.axhline(level, color=GREY, linewidth=1, linestyle=":")
        text = "highest" if place == "bottom" else "lowest"
        levels.text(quantiles[4].max(), level, f"{text} within reach", ha="right", va=place, fontsize=8, color=GREY)
    levels.set(ylim=(140, 50), xlim=(0, None), xlabel="speed of the wind [m/s]", ylabel="pressure [hPa]")
    levels.legend(fontsize=8, loc="center right")
    _title(levels, "Speeds at the station")
    for kind, color in (("forecast", ORANGE), ("wind", "black")):
        values = np.sort(drift[kind].ravel())
        shares.plot(values, np.arange(1, len(values) + 1) / len(values), color=color, label=f"{kind}")
    shares.set(
        xlim=(-0.2, 10), ylim=(0, 1), xlabel="least mean drift [m/s]", ylabel="share of seeds and times with less"
    )
    shares.legend(fontsize=8, loc="lower right")
    shares.grid(alpha=0.3)
    _title(shares, "How often a balloon can stay")
    names = [f"{name}\n({number})" for name, _, number in classes]
    scores.bar(names, [score for _, score, _ in classes], color=GREEN)
    scores.set(ylim=(0, 1), ylabel="TWR50 of station_seeker", xlabel="when the drift can be 0 (seeds)")
    _title(scores, "The score in these winds")
    return figure


def draw_error(correlations: Mapping[str, Any], distances: np.ndarray, errors: Mapping[str, np.ndarray]) -> Figure:
    """How the forecast error varies, and what the model knows of it after a day."""
    figure = _figure()
    panels = figure.subplots(1, 4, width_ratios=(1, 1, 1, 1.5))
    pairs = {
        "distance [km]": ("east [km]", "north [km]"),
        "pressure [Pa]": ("pressure [Pa]",),
        "time [h]": ("time [h]",),
    }
    for axes, (label, names) in zip(panels, pairs.items(), strict=False):
        for name, style in zip(names, ("-", "--"), strict=False):
            way, values = correlations[name]
            suffix = f" along {name.partition(' ')[0]}" if len(names) > 1 else ""
            for component, value, color in zip("uv", values, (BLUE, ORANGE), strict=True):
                axes.plot(way, value, style, color=color, label=f"{component}{suffix}")
        axes.axhline(np.exp(-1.0), color=GREY, linewidth=0.8, linestyle=":")
        axes.set(ylim=(-0.2, 1.02), xlim=(0, way[-1]), xlabel=label)
        axes.legend(fontsize=7.5, loc="upper right")
        axes.grid(alpha=0.3)
        _title(axes, f"Correlation over {label.partition(' ')[0]}")
    panels[0].set_ylabel("correlation of the error; dotted: 1/e")
    axes = panels[3]
    axes.plot(distances, errors["forecast, balloon"], color=ORANGE, linestyle="--", label="forecast alone")
    axes.plot(distances, errors["predicted, balloon"], color=BLUE, marker="o", markersize=4, label="belief")
    axes.plot(distances, errors["stated, balloon"], color=GREY, linestyle=":", label="as the belief states")
    axes.set(ylim=(0, None), xlim=(0, distances[-1]), xlabel="pressure away from the balloon [Pa]")
    axes.set_ylabel("error of a component [m/s]")
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    _title(axes, "After a day of measurements")
    return figure


def _figure() -> Figure:
    return Figure(figsize=(11.0, 3.9), dpi=100, layout="constrained")


def _title(axes: Axes, text: str) -> None:
    axes.set_title(text, loc="left", fontsize=10)


def save(figure: Figure, file: Path) -> None:
    """Save as a PNG of 64 colours."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    picture = Image.open(buffer).convert("RGB").quantize(64, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    picture.save(file, optimize=True)
    print(f"picture: {file} ({file.stat().st_size / 1000:.0f} kB)")


def main() -> None:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=1000, help="episodes whose winds are sampled")
    parser.add_argument("--flights", type=int, default=64, help="flights of a day for the belief")
    parser.add_argument("--folder", type=Path, default=Path("pictures"), help="where the pictures go")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    env = BalloonEnv()
    correlations = error_correlations(4 * arguments.seeds)
    moments = columns_at_station(env, arguments.seeds)
    quantiles = speeds_by_level(moments)
    drift = drifts(moments)
    classes = twr_by_drift(drift["wind"])
    save(draw_speeds(moments, quantiles, drift, classes), arguments.folder / "winds-speeds.png")
    distances, errors = belief_after_a_day(env, arguments.flights)
    save(draw_error(correlations, distances, errors), arguments.folder / "winds-error.png")


if __name__ == "__main__":
    main()
