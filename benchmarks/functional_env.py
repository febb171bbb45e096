"""Time scanned rollouts of `ble_env.BalloonGymnaxEnv`, and what the ends of episodes cost.

    uv run benchmarks/functional_env.py [--batch-sizes 64 256] [--steps 32] [--episodes 128]

Random actions, one compiled `jax.lax.scan` over a vmapped step. The rows differ in the next episode:

    none      there is none: flights only, the lowest cost
    pool      `BalloonGymnaxEnv.step`: the first state of an episode out of a pool that was sampled ahead
    sampled   gymnax's own rule: one is sampled for every environment at every step, and mostly discarded

Times are medians after compilation. CPU is the time of all cores together, which other work on the machine disturbs
less. The last line is the time to fill and to refresh the pool.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from ble_env import BalloonGymnaxEnv, EnvParams, core
from ble_sim.constants import EPISODE_STEPS
from ble_sim.scenario import Params

ENV = BalloonGymnaxEnv()
PARAMS = ENV.task.make_params()
REPEATS = 5

Step = Callable[..., tuple[Any, jax.Array]]
"""(shared, key, state, action) -> (state, observation), of one environment."""


def fly(params: EnvParams, key: jax.Array, state: Any, action: jax.Array) -> tuple[Any, jax.Array]:
    """Fly a step; episodes do not end."""
    observation, state, *_ = ENV.step_env(key, state, action, params)
    return state, observation


def fly_pooled(params: EnvParams, key: jax.Array, state: Any, action: jax.Array) -> tuple[Any, jax.Array]:
    """Fly a step, and begin an episode out of the pool where one has ended."""
    observation, state, *_ = ENV.step(key, state, action, params)
    return state, observation


def begin_sampled(params: Params, key: jax.Array) -> tuple[Any, jax.Array]:
    """Sample an episode and begin it."""
    scenario, state, transition = core.reset(ENV.task, params, jax.random.bits(key, (2,), jnp.uint32))
    return (scenario, state, jnp.int32(0)), transition.observation


def fly_sampled(params: Params, key: jax.Array, state: Any, action: jax.Array) -> tuple[Any, jax.Array]:
    """Fly a step, and sample another episode where one has ended."""
    scenario, sim_state, num_steps = state
    sim_state, transition = core.step(ENV.task, scenario, sim_state, action)
    flown = (scenario, sim_state, num_steps + 1), transition.observation
    is_over = transition.terminated | (num_steps + 1 >= EPISODE_STEPS)
    return jax.tree.map(lambda new, old: jnp.where(is_over, new, old), begin_sampled(params, key), flown)


def measure(step: Step, shared: Any, state: Any, batch_size: int, num_steps: int) -> tuple[float, float, float]:
    """Seconds of compilation, and microseconds a step on the clock and of CPU."""

    @jax.jit
    def roll(shared: Any, state: Any) -> Any:
        def step_all(state: Any, key: jax.Array) -> tuple[Any, jax.Array]:
            actions = jax.random.randint(key, (batch_size,), 0, ENV.num_actions)
            keys = jax.random.split(key, batch_size)
            state, observations = jax.vmap(step, in_axes=(None, 0, 0, 0))(shared, keys, state, actions)
            return state, jnp.sum(observations)

        return jax.lax.scan(step_all, state, jax.random.split(jax.random.key(1), num_steps))

    compilation = seconds(roll, shared, state)[0]
    clock, cpu = zip(*(seconds(roll, shared, state) for _ in range(REPEATS)), strict=True)
    per_step = 1e6 / (batch_size * num_steps)
    return compilation, per_step * statistics.median(clock), per_step * statistics.median(cpu)


def seconds(function: Callable[..., Any], *arguments: Any) -> tuple[float, float]:
    """Seconds of a call, on the clock and of CPU."""
    clock, cpu = time.perf_counter(), time.process_time()
    jax.block_until_ready(function(*arguments))
    return time.perf_counter() - clock, time.process_time() - cpu


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Time scanned rollouts of the functional environment.")
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[64, 256])
    parser.add_argument("--steps", type=int, default=32, help="steps of a rollout")
    parser.add_argument("--episodes", type=int, default=128, help="episodes in the pool")
    arguments = parser.parse_args()

    params = ENV.make_params(jax.random.key(0), arguments.episodes)
    print(f"{'batch':>6} {'episodes':>9} {'compile s':>10} {'us/step':>8} {'CPU us/step':>12} {'steps/s':>8}")
    for batch_size in arguments.batch_sizes:
        keys = jax.random.split(jax.random.key(2), batch_size)
        _, pooled = jax.vmap(ENV.reset, in_axes=(0, None))(keys, params)
        sampled, _ = jax.jit(jax.vmap(begin_sampled, in_axes=(None, 0)))(PARAMS, keys)
        for label, step, shared, state in (
            ("none", fly, params, pooled),
            ("pool", fly_pooled, params, pooled),
            ("sampled", fly_sampled, PARAMS, sampled),
        ):
            compilation, clock, cpu = measure(step, shared, state, batch_size, arguments.steps)
            print(
                f"{batch_size:6} {label:>9} {compilation:10.1f} {clock:8.1f} {cpu:12.1f} {1e6 / clock:8.0f}", flush=True
            )

    fill = statistics.median(seconds(ENV.make_params, jax.random.key(i), arguments.episodes)[0] for i in range(REPEATS))
    _, one = ENV.begin(0, params)
    seconds(ENV.refresh, jax.random.key(0), one, params, 4)
    refresh = statistics.median(seconds(ENV.refresh, jax.random.key(i), one, params, 4)[0] for i in range(REPEATS))
    print(f"fill a pool of {arguments.episodes} episodes {1e3 * fill:.0f} ms, refresh 4 of them {1e3 * refresh:.0f} ms")


if __name__ == "__main__":
    main()
