"""Flying the episodes of a suite side by side: tiles of them in compiled steps, on every core and device.

An agent takes part that offers its policy as pure functions. An episode's flight depends on its seed alone, not on
which others are flown, in what order, or on how many devices: tiles have one size, and every episode has random
streams of its own.
"""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import numpy as np

from ble_agents.policy import Policy, flights_side_by_side, start_stream
from ble_env.core import Task
from ble_env.diagnostics import Diagnostics
from ble_env.host.devices import Device, num_cores
from ble_env.host.seeding import first_episode_keys
from ble_env.host.tile import Tile
from ble_eval.results.records import EvaluationResult, FlightPathPoint
from ble_sim.balloon.vehicle import Vehicle
from ble_sim.state import BalloonStatus

TILE_SIZE = 64
"""How many flights a compiled step takes: a network's weights are read from memory once for all of them."""

REPORT_PERIOD = 40
"""Steps between two reports of progress, and two looks at whether all flights of a tile have ended."""

_FIELD = {name: index for index, name in enumerate(Diagnostics._fields)}


class _StopError(Exception):
    """The evaluation is given up."""


def fly_in_lockstep(
    policy: Policy,
    task: Task,
    vehicle: Vehicle,
    precision: str,
    seeds: Sequence[int],
    max_steps: int,
    *,
    agent_seeds: Sequence[int],
    keep_paths: bool,
    device: Device | None = None,
    on_steps: Callable[[int, int], None] = lambda steps, inside: None,
    tile_size: int = TILE_SIZE,
) -> Iterator[EvaluationResult]:
    """Fly one episode for each seed and yield their results as they are finished.

    Args:
        policy: what flies; it computes in float64 where it asks for it, as `PolicyAgent` does.
        task, vehicle, precision: what is flown.
        seeds: of the episodes.
        max_steps: of an episode.
        agent_seeds: of the policy's random draws, one for each episode.
        keep_paths: whether the results hold the flight paths.
        device: where to fly; all local devices if None.
        on_steps: called now and then with the number of steps flown since the last call, and how many of them ended
            within the radius.
        tile_size: how many fly in one compiled step.
    """
    devices = jax.local_devices() if device is None else [device]
    workers = max(len(devices), num_cores() if devices[0].platform == "cpu" else 1)
    chunks: queue.SimpleQueue[slice] = queue.SimpleQueue()
    starts = range(0, len(seeds), tile_size)
    for start in starts:
        chunks.put(slice(start, start + tile_size))
    events: queue.SimpleQueue[Any] = queue.SimpleQueue()
    stop = threading.Event()

    def report(steps: int, inside: int) -> None:
        if stop.is_set():
            raise _StopError
        events.put((steps, inside))

    compiled = {device: _Compilation() for device in devices}

    def work(device: Device) -> None:
        try:
            compiled[device].ensure(policy, device, lambda: Tile(task, vehicle, precision, tile_size, device))
            tile = None
            while True:
                try:
                    chunk = chunks.get_nowait()
                except queue.Empty:
                    return
                tile = tile or Tile(task, vehicle, precision, tile_size, device)
                flights = _fly_tile(tile, policy, seeds[chunk], agent_seeds[chunk], max_steps, report, keep_paths)
                for result in flights:
                    events.put(result)
        except _StopError:
            return
        except BaseException as error:
            events.put(error)

    with ThreadPoolExecutor(workers) as pool:
        try:
            for worker in range(min(workers, len(starts))):
                pool.submit(work, devices[worker % len(devices)])
            unfinished = len(seeds)
            while unfinished:
                event = events.get()
                if isinstance(event, BaseException):
                    raise event
                if isinstance(event, tuple):
                    on_steps(*event)
                else:
                    unfinished -= 1
                    yield event
        finally:
            stop.set()


class _Compilation:
    """Compiles what flies on a device: once, while its other workers wait, and on two cores."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_done = False

    def ensure(self, policy: Policy, device: Device, make_tile: Callable[[], Tile]) -> None:
        """Return when everything is compiled."""
        begin, proceed = flights_side_by_side(policy.init, policy.step)

        def compile_beginning() -> None:
            tile = make_tile()
            outcome = tile.reset([], np.zeros((0, 2), np.uint32))
            with jax.enable_x64(True):
                begin(policy.params, np.zeros((tile.size, 2), np.uint32), outcome.observation)

        def compile_going_on() -> None:
            # With arrays on the device, as they come back from there: others would be compiled anew.
            tile = make_tile()
            outcome = tile.step(jax.device_put(np.ones(tile.size, np.int32), device))
            with jax.enable_x64(True):
                streams = np.zeros((tile.size, 2), np.uint32)
                shapes = jax.eval_shape(begin, policy.params, streams, outcome.observation)[:2]
                zeros = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)
                proceed(policy.params, *jax.device_put(zeros, device), outcome.observation, outcome.reward)

        with self._lock:
            if not self._is_done:
                with ThreadPoolExecutor(2) as pool:
                    for done in [pool.submit(compile_beginning), pool.submit(compile_going_on)]:
                        done.result()
                self._is_done = True


def _fly_tile(
    tile: Tile,
    policy: Policy,
    seeds: Sequence[int],
    agent_seeds: Sequence[int],
    max_steps: int,
    report: Callable[[int, int], None],
    keep_paths: bool,
) -> list[EvaluationResult]:
    begin, proceed = flights_side_by_side(policy.init, policy.step)
    padding = [0] * (tile.size - len(seeds))
    streams = np.array([start_stream(seed) for seed in [*agent_seeds, *padding]])
    outcome = tile.reset(range(len(seeds)), first_episode_keys(seeds))
    with jax.enable_x64(True):
        streams, carry, actions = begin(policy.params, streams, outcome.observation)

    rewards, telemetry = [], []
    is_over = np.zeros(len(seeds), bool)
    for step in range(1, max_steps + 1):
        outcome = tile.step(actions)
        with jax.enable_x64(True):
            streams, carry, actions = proceed(policy.params, streams, carry, outcome.observation, outcome.reward)
        rewards.append(outcome.reward)
        telemetry.append(outcome.telemetry)
        if step % REPORT_PERIOD == 0 or step == max_steps:
            recent = np.asarray(telemetry[-(step % REPORT_PERIOD or REPORT_PERIOD) :])[:, : len(seeds)]
            ended = np.cumsum(recent[..., _FIELD["status"]] != BalloonStatus.OK, axis=0)
            flown = ~is_over & (ended <= 1)
            report(int(flown.sum()), int((flown & (recent[..., _FIELD["inside_radius"]] > 0)).sum()))
            is_over |= ended[-1] > 0
            if is_over.all():
                break
    flown_rewards = np.asarray(rewards, np.float64)
    flown_telemetry = np.asarray(telemetry)
    return [
        _result(seed, flown_rewards[:, lane], flown_telemetry[:, lane], keep_paths) for lane, seed in enumerate(seeds)
    ]


def _result(seed: int, rewards: np.ndarray, telemetry: np.ndarray, keep_path: bool) -> EvaluationResult:
    """The result of one flight from what was told after each step: rewards [steps] and telemetry [steps, fields].

    After a failure a flight stands still in its lane; what was told from then on is left out.
    """
    status = telemetry[:, _FIELD["status"]].astype(int)
    failures = np.flatnonzero(status != BalloonStatus.OK)
    steps = int(failures[0]) + 1 if failures.size else len(status)
    last_status = status[steps - 1]
    flight = Diagnostics._make(telemetry[:steps].T.astype(np.float64))
    path = zip(
        flight.x / 1000,
        flight.y / 1000,
        flight.pressure,
        flight.superpressure,
        flight.elapsed,
        flight.battery,
        strict=True,
    )
    return EvaluationResult(
        seed=seed,
        cumulative_reward=sum(rewards[:steps].tolist()),
        time_within_radius=int(flight.inside_radius.sum()) / steps,
        out_of_power=bool(last_status == BalloonStatus.OUT_OF_POWER),
        envelope_burst=bool(last_status == BalloonStatus.BURST),
        zeropressure=bool(last_status == BalloonStatus.ZEROPRESSURE),
        final_timestep=steps,
        flight_path=tuple(FlightPathPoint(*map(float, point)) for point in path) if keep_path else (),
    )
