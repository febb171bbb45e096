"""Steps per second by what is computed, for batches of 1 to 1024 flights in both precisions.

    uv run benchmarks/throughput.py [--batches 1 32 256 1024] [--precisions float32 float64] [--seconds 2] [--parts]

Each row adds to the one above it: the physics in a held wind, the wind at the balloon, the Gaussian process, the
observation, and an agent that chooses the action. Batches are flown as in an evaluation, in tiles that the cores share.

"limit" estimates the largest number of steps per second of this machine: the arithmetic of a step, as XLA counts it
(the body of a loop times its turns), at the speed of a large matrix product, or the bytes of state and observation that
a step moves, at the speed of a large copy, whichever is slower. Small kernels and special functions do not reach these
speeds, so the limit is not a goal.

`--parts` measures the parts of a step each alone, in place of the rows: microseconds of processor time for a flight in
a full tile, after six hours, in which the window of measurements fills. The smallest mean of groups of calls, since
other work on a machine only adds to it. A group lasts a tenth of a second, because the system counts a running thread's
time from tick to tick.
"""

import argparse
import dataclasses
import functools
import resource
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ble_agents import create_agent
from ble_agents.flying.tiles import TILE_SIZE
from ble_agents.policy import policy_scope, start_stream, step_with_stream
from ble_env import Task, core, first_episode_keys
from ble_env.host.devices import num_cores
from ble_env.host.tile import Lanes, Tile
from ble_sim.balloon.altitude_control import compressor_curves
from ble_sim.balloon.vehicle import Vehicle
from ble_sim.conditions import conditions_at
from ble_sim.constants import STRIDES_PER_STEP
from ble_sim.flight import step, step_in_wind, stride
from ble_sim.precision import precision_scope
from ble_sim.scenario import sun_over
from ble_sim.sky.sun import next_sunrise_sunset
from ble_sim.wind.field import forecast_and_error, forecast_at
from ble_sim.wind.fields.grid import MIN_PRESSURE
from ble_sim.wind.forecast_error import CAPACITY, add_measurement, predict

TASK = Task()
CORES = num_cores()
LEVELS = 128  # As many as the observation predicts.
GROUP_SECONDS = 0.1
AGENTS = ("station_seeker", "perciatelli44")


def physics(scenario, state, action):
    """Only the flight, in the wind of its start."""
    balloon, safety, elapsed, _ = step_in_wind(scenario, state.balloon, state.safety, state.elapsed, state.wind, action)
    return state.__class__(balloon, safety, elapsed, state.wind, state.gp), balloon.pressure


def with_wind(scenario, state, action):
    """The flight, and the wind where it leads."""
    state, _ = physics(scenario, state, action)
    balloon = state.balloon
    place = balloon.x, balloon.y, balloon.pressure, state.elapsed
    forecast, error = forecast_and_error(TASK.wind_field, scenario.forecast, scenario.noise, *place)
    wind = jnp.stack(forecast) + jnp.stack(error)
    return state.__class__(balloon, state.safety, state.elapsed, wind, state.gp), balloon.pressure


def with_gp(scenario, state, action):
    """The simulator's whole step."""
    state = step(TASK.wind_field, scenario, state, action)
    return state, state.balloon.pressure


ROWS: dict[str, Callable[..., Any]] = {
    "physics": physics,
    "+ wind": with_wind,
    "+ wind GP": with_gp,
    "+ observation": functools.partial(core.step, TASK),
}


def per_lane_cost(function: Callable[..., Any], lanes: Lanes, size: int) -> tuple[float, float]:
    """Floating-point operations of one flight's step by XLA's count, and the bytes that it reads and writes."""
    actions = jnp.ones(size, jnp.int32)
    scenario, state = lanes.scenario, lanes.state

    def count(f: Callable[..., Any], *arguments: Any) -> float:
        analysis = jax.jit(jax.vmap(f)).lower(*arguments).compile().cost_analysis()
        assert analysis is not None
        return analysis["flops"] + analysis.get("transcendentals", 0.0)

    # XLA counts the body of a loop once.
    suns = jax.vmap(sun_over)(scenario, state.balloon.x, state.balloon.y, state.elapsed)
    curves = jax.vmap(lambda compressor: compressor_curves(compressor, suns.flux.dtype))(scenario.vehicle.compressor)
    strides = count(stride, scenario, curves, state.balloon, suns, suns.flux, state.wind) * (STRIDES_PER_STEP - 1)
    flops = (count(function, scenario, state, actions) + strides) / size
    if function in (physics, with_wind):  # They leave the Gaussian process alone.
        state = dataclasses.replace(state, gp=())
    moved = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves((state, state, lanes.transition)))
    return flops, moved / size


def machine_limits(dtype: Any) -> tuple[float, float]:
    """Floating-point operations and bytes per second of this machine, from a large product and a large copy."""
    a = jnp.ones((2048, 2048), dtype)
    product, copy = jax.jit(lambda a: a @ a), jax.jit(lambda a: a + 1)
    big = jnp.ones(1 << 25, dtype)

    def seconds(f: Callable[..., Any], x: jax.Array) -> float:
        f(x).block_until_ready()
        times = []
        for _ in range(5):
            start = time.perf_counter()
            f(x).block_until_ready()
            times.append(time.perf_counter() - start)
        return min(times)

    return 2 * 2048**3 / seconds(product, a), 2 * big.nbytes / seconds(copy, big)


def rate(run: Callable[[int], None], tiles: int, seconds: float) -> float:
    """Calls of `run(tile)` for every tile per second: the median of rounds that last `seconds` together."""
    with ThreadPoolExecutor(CORES) as pool:
        rounds = []
        end = time.perf_counter() + seconds
        while time.perf_counter() < end or len(rounds) < 3:
            start = time.perf_counter()
            list(pool.map(run, range(tiles)))
            rounds.append(time.perf_counter() - start)
    return 1.0 / statistics.median(rounds)


def measure(precision: str, batch: int, seconds: float, limits: tuple[float, float]) -> None:
    """Print the rows of one batch size."""
    size = min(TILE_SIZE, 1 << (batch - 1).bit_length())
    count = -(-batch // size)
    tiles = [Tile(TASK, Vehicle(), precision, size) for _ in range(count)]
    for index, tile in enumerate(tiles):
        tile.reset(range(size), first_episode_keys(range(index * size, (index + 1) * size)))
    actions = jnp.asarray(np.random.default_rng(0).integers(0, 3, size), jnp.int32)

    def report(label: str, compile_seconds: float, steps: float, cost: tuple[float, float] | None) -> None:
        limit = f"{min(limits[0] / cost[0], limits[1] / cost[1]):10.0f}" if cost else " " * 10
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        numbers = f"{steps * count * size:10.0f} {limit} {compile_seconds:9.1f} {memory:9.2f}"
        print(f"{precision} {batch:6d}  {label:20s} {numbers}", flush=True)

    for label, function in ROWS.items():
        with precision_scope(precision):
            compiled = jax.jit(jax.vmap(function))
            start = time.perf_counter()
            jax.block_until_ready(compiled(tiles[0].lanes.scenario, tiles[0].lanes.state, actions))
            compile_seconds = time.perf_counter() - start
            states = [tile.lanes.state for tile in tiles]
            cost = per_lane_cost(function, tiles[0].lanes, size)

        def run_row(index: int, compiled=compiled, states=states) -> None:
            with precision_scope(precision):
                states[index], out = compiled(tiles[index].lanes.scenario, states[index], actions)
                jax.block_until_ready(out)

        report(label, compile_seconds, rate(run_row, count, seconds), cost)

    for name in AGENTS:
        policy = create_agent(name).policy()
        assert policy is not None
        choose = jax.jit(jax.vmap(functools.partial(step_with_stream, policy.step), in_axes=(None, 0, 0, 0, 0)))
        streams = np.array([start_stream(seed) for seed in range(size)])

        def run_agent(index: int, choose=choose, policy=policy, streams=streams) -> None:
            transition = tiles[index].lanes.transition
            with policy_scope():
                _, _, chosen = choose(policy.params, streams, (), transition.observation, transition.reward)
            jax.block_until_ready(tiles[index].step(chosen))

        start = time.perf_counter()
        run_agent(0)
        report(f"+ {name}", time.perf_counter() - start, rate(run_agent, count, seconds), None)


def parts() -> dict[str, Callable[..., Any]]:
    """The parts of a step by name: functions of the scenario, the state, and the conditions there."""

    def place(state: Any) -> tuple[jax.Array, jax.Array]:
        return state.balloon.x, state.balloon.y

    def levels(state: Any, conditions: Any) -> jax.Array:
        lowest = jnp.maximum(conditions.lowest_pressure, MIN_PRESSURE)
        return lowest + 50.0 * jnp.arange(LEVELS, dtype=state.balloon.x.dtype)

    return {
        "whole step": lambda scenario, state, _: core.step(TASK, scenario, state, jnp.int32(0)),
        "physics": lambda scenario, state, _: physics(scenario, state, jnp.int32(0))[0].balloon,
        "wind at the balloon": lambda scenario, state, _: forecast_and_error(
            TASK.wind_field, scenario.forecast, scenario.noise, *place(state), state.balloon.pressure, state.elapsed
        ),
        "update of the GP": lambda _, state, __: add_measurement(
            state.gp, *place(state), state.balloon.pressure, state.elapsed, state.wind
        ),
        "conditions": lambda scenario, state, _: conditions_at(scenario, state),
        "observation": lambda scenario, state, at: TASK.observation(TASK.wind_field, scenario, state, at),
        "  prediction of the column": lambda _, state, at: predict(
            state.gp, *place(state), levels(state, at), state.elapsed
        ),
        "  forecast of the column": lambda scenario, state, at: forecast_at(
            TASK.wind_field, scenario.forecast, *place(state), levels(state, at), state.elapsed
        ),
        "  sunrise and sunset": lambda scenario, state, at: next_sunrise_sunset(
            at.latitude, at.longitude, scenario.start_time + state.elapsed
        ),
    }


def measure_parts(precision: str, seconds: float) -> None:
    """Print the processor time of each part of a step."""
    tile = Tile(TASK, Vehicle(), precision, TILE_SIZE)
    tile.reset(range(TILE_SIZE), first_episode_keys(range(TILE_SIZE)))
    generator = np.random.default_rng(0)
    for _ in range(CAPACITY):
        tile.step(generator.integers(0, 3, TILE_SIZE).astype(np.int32))
    scenario, state, _ = tile.lanes
    with precision_scope(precision):
        arguments = scenario, state, jax.vmap(conditions_at)(scenario, state)
        for label, part in parts().items():
            compiled = jax.jit(jax.vmap(part))
            jax.block_until_ready(compiled(*arguments))
            times = []
            end = time.perf_counter() + seconds
            while time.perf_counter() < end:
                start, calls, group_end = time.process_time(), 0, time.perf_counter() + GROUP_SECONDS
                while time.perf_counter() < group_end:
                    jax.block_until_ready(compiled(*arguments))
                    calls += 1
                times.append((time.process_time() - start) / calls)
            print(f"{precision} {label:28s} {min(times) / TILE_SIZE * 1e6:8.1f}", flush=True)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description="Steps per second by what is computed.")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8, 32, 64, 256, 1024])
    parser.add_argument("--precisions", nargs="+", default=["float32", "float64"], choices=["float32", "float64"])
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each row is measured")
    parser.add_argument("--parts", action="store_true", help="measure the parts of a step alone")
    arguments = parser.parse_args()
    if arguments.parts:
        print("precision part           microseconds of processor time for a flight's step")
        for precision in arguments.precisions:
            measure_parts(precision, arguments.seconds)
        return
    for precision in arguments.precisions:
        with precision_scope(precision):
            limits = machine_limits(jnp.dtype(precision))
        print(f"{CORES} cores, {precision}: {limits[0] / 1e9:.0f} GFLOP/s, {limits[1] / 1e9:.1f} GB/s")
        print("precision batch  computed                steps/s      limit compile s  peak GiB")
        for batch in arguments.batches:
            measure(precision, batch, arguments.seconds, limits)


if __name__ == "__main__":
    main()
