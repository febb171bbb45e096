"""Time the environment, training and an evaluation on an accelerator: the rows of the speed page's table.

    python3 benchmarks/accelerator.py [--parts environment scan ppo compiled quantile evaluation]
        [--batches 256 2048 16384] [--seconds-per-row 3] [--limit 220] [--output accelerator.json]

It computes on the first device of JAX's first platform. The programs of the environment are compiled side by side. Rows
are printed as a Markdown table while they are measured, and all of them are written as JSON.

    environment   `core.step` of a batch in one `jax.lax.scan`: "full" with the benchmark's observation of 128 levels,
                  "one level" with a column of one level, "simulator" without an observation
    scan          `BalloonGymnaxEnv.step`: a batch in one `jax.lax.scan`, with the next episodes out of a pool
    ppo           PPO in a `BalloonVectorEnv`, one tile for all lanes: steps of the environments a second, with learning
    compiled      PPO as `ble-train run --on-device` trains it: steps of the environments a second, with learning
    quantile      QR-DQN with given observations: updates a second; and in a `BalloonVectorEnv`: steps a second
    evaluation    agents as `eval_agent` flies them, in tiles of its size for the device; of a whole evaluation the JSON
                  has the score of each seed

A part that fails is reported in its row, and the others are measured.
"""

import argparse
import contextlib
import dataclasses
import functools
import itertools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ble_env import BalloonGymnaxEnv, BalloonVectorEnv, PerciatelliObservation, Task, core, first_episode_keys
from ble_sim import flight
from ble_sim.constants import EPISODE_STEPS
from ble_sim.files.atomic import write_json
from ble_sim.scenario import Params

PARTS = ("environment", "scan", "ppo", "compiled", "quantile", "evaluation")
MAX_SAMPLED = 1024
"""Episodes that are sampled for a batch; larger batches hold copies of them, which fly other actions."""
POOL_SIZE = 32
"""Episodes that the functional environment begins anew."""
MIN_CALLS = 2

Row = dict[str, Any]
Program = tuple[Row, Callable[..., Any], Callable[[], Any], int]
"""A row, (arguments) -> (arguments, number), what makes the first arguments, and the steps of a call."""


def simulator(task: Task, scenario: Any, state: Any, action: jax.Array) -> tuple[Any, jax.Array]:
    """A step without an observation."""
    state = flight.step(task.wind_field, scenario, state, action)
    return state, state.balloon.pressure


def whole(task: Task, scenario: Any, state: Any, action: jax.Array) -> tuple[Any, jax.Array]:
    """A step with reward and observation."""
    state, transition = core.step(task, scenario, state, action)
    return state, jnp.sum(transition.observation) + transition.reward


KINDS: dict[str, tuple[Callable[..., Any], Task]] = {
    "full": (whole, Task()),
    "one level": (whole, Task(observation=PerciatelliObservation(window=1))),
    "simulator": (simulator, Task()),
}


def environment_programs(batches: list[int], other_batches: list[int], steps: int) -> Iterator[Program]:
    """The environment by batch and by what is observed."""
    begin = jax.jit(jax.vmap(lambda params, key: core.reset(Task(), params, key)[:2], in_axes=(None, 0)))

    def first(batch: int) -> Any:
        number = min(batch, MAX_SAMPLED)
        params: Params = Task().make_params()
        flights = begin(params, jnp.asarray(first_episode_keys(range(number))))
        place = jnp.arange(batch) % number
        scenario, state = jax.tree.map(lambda leaf: leaf[place], flights)
        return scenario, (state, jax.random.key(0))

    def roll(step: Callable[..., Any], batch: int, scenario: Any, carry: Any) -> Any:
        def step_all(carry: Any, _: None) -> tuple[Any, jax.Array]:
            state, key = carry
            key, own = jax.random.split(key)
            actions = jax.random.randint(own, (batch,), 0, 3, jnp.int32)
            state, number = jax.vmap(step)(scenario, state, actions)
            return (state, key), jnp.sum(number)

        carry, numbers = jax.lax.scan(step_all, carry, length=steps)
        return carry, jnp.sum(numbers)

    measured = [("full", batch) for batch in batches]
    measured += itertools.product([kind for kind in KINDS if kind != "full"], other_batches)
    for kind, batch in measured:
        step, task = KINDS[kind]
        row = {"part": "environment", "what": kind, "batch": batch, "unit": "steps/s"}
        rolled = functools.partial(roll, functools.partial(step, task), batch)
        yield row, rolled, functools.partial(first, batch), steps * batch


def scan_programs(batches: list[int], steps: int) -> Iterator[Program]:
    """The functional environment, whose episodes end and begin."""
    env = BalloonGymnaxEnv()

    def roll(batch: int, params: Any, carry: Any) -> Any:
        def step_all(carry: Any, _: None) -> tuple[Any, jax.Array]:
            state, key = carry
            key, own, action_key = jax.random.split(key, 3)
            actions = jax.random.randint(action_key, (batch,), 0, env.num_actions, jnp.int32)
            keys = jax.random.split(own, batch)
            stepped = jax.vmap(env.step, in_axes=(0, 0, 0, None))(keys, state, actions, params)
            observation, state, reward = stepped[:3]
            return (state, key), jnp.sum(observation) + jnp.sum(reward)

        carry, numbers = jax.lax.scan(step_all, carry, length=steps)
        return carry, jnp.sum(numbers)

    pool = env.make_params(jax.random.key(0), POOL_SIZE)

    def first(batch: int) -> Any:
        keys = jax.random.split(jax.random.key(1), batch)
        _, state = jax.vmap(env.reset, in_axes=(0, None))(keys, pool)
        return pool, (state, jax.random.key(2))

    for batch in batches:
        row = {"part": "scan", "what": "BalloonGymnaxEnv", "batch": batch, "unit": "steps/s"}
        yield row, functools.partial(roll, batch), functools.partial(first, batch), steps * batch


def compiled(program: Program) -> tuple[Any, float]:
    """The compiled program, and the seconds that its compilation took."""
    _, function, make_first, _ = program
    shapes = jax.eval_shape(make_first)
    start = time.perf_counter()
    lowered: Any = jax.jit(function, donate_argnums=1).lower(*shapes)
    return lowered.compile(), time.perf_counter() - start


def run_program(program: Program, compiling: "Future[tuple[Any, float]]", seconds: float) -> Row:
    """Measure a program for some seconds."""
    row, _, make_first, steps = program
    function, compilation = compiling.result()
    fixed, carry = make_first()
    carry, _ = jax.block_until_ready(function(fixed, carry))
    calls, start = 0, time.perf_counter()
    while calls < MIN_CALLS or time.perf_counter() - start < seconds:
        carry, _ = jax.block_until_ready(function(fixed, carry))
        calls += 1
    return row | {"rate": calls * steps / (time.perf_counter() - start), "compile_seconds": compilation}


class FlownLanes:
    """A vector environment in one tile, and its transitions as a learner takes them."""

    def __init__(self, lanes: int) -> None:
        from ble_train.learner import LaneStep

        self._make_step = LaneStep
        self._lanes = lanes
        self._envs = BalloonVectorEnv(lanes, seed=0, tile_size=lanes)
        observation, _ = self._envs.reset()
        no = np.zeros(lanes, bool)
        self.transitions = LaneStep(observation, np.zeros(lanes, np.float32), no, no, np.ones(lanes, bool))
        self._ended = no

    def step(self, actions: np.ndarray) -> None:
        """Make a step in all of them."""
        observation, reward, terminated, truncated, _ = self._envs.step(actions)
        self.transitions = self._make_step(observation, reward.astype(np.float32), terminated, truncated, self._ended)
        self._ended = terminated | truncated


def train(agent: Any, environments: FlownLanes, warm_up: int, seconds: float, period: int = 1) -> float:
    """Steps of a learner a second, after `warm_up` steps of all lanes; whole periods are measured."""
    steps, start = -warm_up, time.perf_counter()
    lanes = len(environments.transitions.reward)
    while steps <= 0 or steps % period or time.perf_counter() - start < seconds:
        environments.step(agent.step_lanes(environments.transitions))
        steps += 1
        if steps == 0:
            start = time.perf_counter()
    return steps * lanes / (time.perf_counter() - start)


def ppo_rows(lanes: int, seconds: float) -> Iterator[Row]:
    """PPO with the options that it has by default."""
    from ble_train.algorithms.ppo_agent import PpoAgent

    agent = PpoAgent(3, (1099,), seed=0)
    agent.start_lanes(lanes)
    start = time.perf_counter()
    environments = FlownLanes(lanes)
    period = agent.options.rollout_steps
    first = time.perf_counter() - start
    rate = train(agent, environments, period + 2, seconds, period)
    yield {"part": "ppo", "what": "steps with learning", "batch": lanes, "unit": "steps/s", "rate": rate} | {
        "compile_seconds": first
    }


def compiled_rows(lanes: int, rollout_steps: int, minibatch_size: int, seconds: float) -> Iterator[Row]:
    """PPO whose environments and learning are one program, with Windward's network."""
    from ble_train.algorithms.options import PpoOptions
    from ble_train.algorithms.ppo_agent import PpoAgent

    network = '{"level_sizes": [64, 64]}'
    options = PpoOptions(network_options=network, rollout_steps=rollout_steps, minibatch_size=minibatch_size)
    agent = PpoAgent(3, (1099,), seed=0, options=options)
    env = BalloonGymnaxEnv()
    begun = time.perf_counter()
    flying = agent.begin_compiled(env, lanes, 0, EPISODE_STEPS)
    for _ in range(2):
        flying, _ = agent.fly_and_learn(env, flying)
    compilation = time.perf_counter() - begun
    rounds, start = 0, time.perf_counter()
    while rounds < MIN_CALLS or time.perf_counter() - start < seconds:
        flying, _ = agent.fly_and_learn(env, flying)
        rounds += 1
    rate = rounds * lanes * rollout_steps / (time.perf_counter() - start)
    what = f"steps with learning, rollouts of {rollout_steps}, minibatches of {minibatch_size}"
    yield {"part": "compiled", "what": what, "batch": lanes, "unit": "steps/s", "rate": rate} | {
        "compile_seconds": compilation
    }


def quantile_rows(lanes: int, hidden: list[int], capacity: int, seconds: float) -> Iterator[Row]:
    """QR-DQN: updates from given observations, and steps with the environments."""
    from ble_train.algorithms.options import QuantileOptions
    from ble_train.algorithms.qr_dqn import QuantileAgent
    from ble_train.learner import LaneStep

    options = dataclasses.replace(QuantileOptions(), hidden_sizes=tuple(hidden), replay_capacity=capacity)
    agent = QuantileAgent(3, (1099,), seed=0, options=options)
    agent.start_lanes(lanes)
    no = np.zeros(lanes, bool)
    observation = np.random.default_rng(0).random((lanes, 1099), np.float32)
    given = LaneStep(observation, np.ones(lanes, np.float32), no, no, no)
    begun = time.perf_counter()
    for _ in range(options.min_replay_history // lanes + options.n_step + 3):
        agent.step_lanes(given)
    compilation = time.perf_counter() - begun
    steps, start = 0, time.perf_counter()
    while not steps or time.perf_counter() - start < seconds:
        agent.step_lanes(given)  # The next choice of actions waits for the updates.
        steps += 1
    rate = steps * lanes / options.update_period / (time.perf_counter() - start)
    name = f"QR-DQN {len(hidden)} x {hidden[0]}, batch {options.batch_size}"
    row = {"part": "quantile", "batch": lanes, "compile_seconds": compilation}
    yield row | {"what": f"{name}: updates", "unit": "updates/s", "rate": rate}
    rate = train(agent, FlownLanes(lanes), 3, seconds)
    yield row | {"what": f"{name}: steps with learning", "unit": "steps/s", "rate": rate}


class _TimeIsOverError(Exception):
    """The row has been measured for long enough."""


def evaluation_rows(agent: str, episodes: int, seconds: float) -> Iterator[Row]:
    """An evaluation: its steps a second after the first report, until its end or until the time is over."""
    import gymnasium

    from ble_agents import create_agent
    from ble_eval.eval_lib import eval_agent
    from ble_eval.results.records import EvaluationResult
    from ble_eval.suites.suite import EvaluationSuite

    env = gymnasium.make("ble_env:BalloonLearningEnvironment-v0")
    reports: list[tuple[float, int]] = []

    def report(steps: int, inside: int) -> None:
        reports.append((time.perf_counter(), steps))
        if reports[-1][0] - reports[0][0] > seconds and len(reports) > MIN_CALLS:
            raise _TimeIsOverError

    start = time.perf_counter()
    results: list[EvaluationResult] = []
    with contextlib.suppress(_TimeIsOverError):
        suite = EvaluationSuite(list(range(episodes)), 960)
        results = eval_agent(create_agent(agent), env, suite, on_steps=report)
    begun = reports[0][0] - start
    rate = sum(steps for _, steps in reports[1:]) / (reports[-1][0] - reports[0][0])
    what = f"{agent}, {'whole' if results else 'begun'}, {reports[-1][0] - start:.1f} s"
    yield {"part": "evaluation", "what": what, "batch": episodes, "unit": "steps/s", "rate": rate} | {
        "compile_seconds": begun,
        "scores": {result.seed: result.time_within_radius for result in results},
    }


def line(row: Row) -> str:
    """A row of the Markdown table."""
    if "error" in row:
        return f"| {row['part']} | {row['what']} | {row['batch']} | {row['error']} | | |"
    rate, compilation = f"{row['rate']:,.0f}".replace(",", " "), f"{row['compile_seconds']:.1f}"
    return f"| {row['part']} | {row['what']} | {row['batch']} | {rate} | {row['unit']} | {compilation} |"


def short(error: Exception) -> str:
    """What went wrong, in one line of a table."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:160]}".replace("|", "/")


def main() -> None:
    """Measure, print and write the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=PARTS)
    parser.add_argument("--batches", type=int, nargs="+", default=[256, 2048, 16384, 65536])
    parser.add_argument("--other-batches", type=int, nargs="+", default=[16384], help="of the other two environments")
    parser.add_argument("--scan-batches", type=int, nargs="+", default=[2048, 16384])
    parser.add_argument("--steps", type=int, default=16, help="steps of a scan, which are one call")
    parser.add_argument("--ppo-lanes", type=int, nargs="+", default=[256, 2048])
    parser.add_argument("--compiled-lanes", type=int, nargs="+", default=[16384])
    parser.add_argument("--rollout-steps", type=int, default=32, help="of the compiled PPO")
    parser.add_argument("--minibatch-size", type=int, default=32768, help="of the compiled PPO")
    parser.add_argument("--quantile-lanes", type=int, default=128)
    parser.add_argument("--hidden-sizes", type=int, nargs="+", default=[600] * 7)
    parser.add_argument("--capacity", type=int, default=200_000, help="capacity of QR-DQN's replay memory")
    parser.add_argument("--agents", nargs="+", default=["station_seeker", "column_planner", "planner"])
    parser.add_argument("--episodes", type=int, default=1024, help="of an evaluation")
    parser.add_argument("--seconds-per-row", type=float, default=3.0)
    parser.add_argument("--limit", type=float, default=220.0, help="seconds after which no further row is begun")
    parser.add_argument("--output", type=Path, default=Path("accelerator.json"))
    arguments = parser.parse_args()
    began, seconds = time.perf_counter(), arguments.seconds_per_row
    device = jax.devices()[0]
    result: dict[str, Any] = {"device": device.device_kind, "platform": device.platform, "jax": jax.__version__}
    result["rows"] = []

    programs: list[Program] = []
    if "environment" in arguments.parts:
        programs += environment_programs(arguments.batches, arguments.other_batches, arguments.steps)
    if "scan" in arguments.parts:
        programs += scan_programs(arguments.scan_batches, arguments.steps)

    def add(row: Row) -> None:
        result["rows"].append(row)
        print(line(row), flush=True)
        result["seconds"] = time.perf_counter() - began
        write_json(arguments.output, result, indent=1)

    def attempt(row: Row, rows: Callable[[], Iterator[Row]]) -> None:
        if time.perf_counter() - began > arguments.limit:
            add(row | {"error": f"not begun within {arguments.limit:g} s"})
            return
        try:
            for each in rows():
                add(each)
        except Exception as error:  # An accelerator may lack memory for one row and have it for the next.
            add(row | {"error": short(error)})

    print(f"{device.device_kind}, jax {jax.__version__}, float32, {seconds:g} s a row\n")
    print("| part | what | batch | rate | unit | compile s |\n|---|---|---|---|---|---|", flush=True)
    with ThreadPoolExecutor() as pool:
        compiling = [pool.submit(compiled, program) for program in programs]
        for program, future in zip(programs, compiling, strict=True):
            attempt(program[0], lambda program=program, future=future: iter([run_program(program, future, seconds)]))
            if time.perf_counter() - began > arguments.limit:
                pool.shutdown(wait=False, cancel_futures=True)
    for part, batch, rows in (
        *(("ppo", lanes, functools.partial(ppo_rows, lanes, seconds)) for lanes in arguments.ppo_lanes),
        *(
            (
                "compiled",
                lanes,
                functools.partial(compiled_rows, lanes, arguments.rollout_steps, arguments.minibatch_size, seconds),
            )
            for lanes in arguments.compiled_lanes
        ),
        (
            "quantile",
            arguments.quantile_lanes,
            lambda: quantile_rows(arguments.quantile_lanes, arguments.hidden_sizes, arguments.capacity, seconds),
        ),
        *(
            ("evaluation", arguments.episodes, functools.partial(evaluation_rows, agent, arguments.episodes, seconds))
            for agent in arguments.agents
        ),
    ):
        if part in arguments.parts:
            attempt({"part": part, "what": "", "batch": batch}, rows)
    print(f"\n{result.get('seconds', 0.0):.0f} s; the rows are in {arguments.output}")


if __name__ == "__main__":
    main()
