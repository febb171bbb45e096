"""What must not depend on how JAX is set up: short flights, an evaluation, and learning, each as a digest.

Run as a program it prints, as JSON, the digests of the parts that its arguments name. JAX's environment variables set
JAX up, and BLE_DEFAULT_DEVICE, the number of a device, makes this the default by `jax.config.update`.
"""

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

import jax
import numpy as np

from ble_agents import create_agent
from ble_env import BalloonEnv, BalloonGymnaxEnv, BalloonVectorEnv
from ble_eval import EvaluationSuite, eval_agent
from ble_sim.precision import precision_scope
from ble_train.algorithms.dqn import DqnAgent
from ble_train.algorithms.options import DqnOptions, MlpOptions, PpoOptions, QuantileOptions
from ble_train.algorithms.ppo_agent import PpoAgent
from ble_train.algorithms.qr_dqn import QuantileAgent
from ble_train.algorithms.sarsa import MlpAgent
from ble_train.learner import LaneStep


def single(wind_field: str = "simple", precision: str = "float32", actions: Iterable[int] = (0, 1, 2)) -> Iterable[Any]:
    """A flight of one environment."""
    env = BalloonEnv(wind_field=wind_field, precision=precision, seed=5)
    yield env.reset(options={"x": 1000})[0]
    for action in actions:
        observation, reward, *_ = env.step(action)
        yield observation, reward
    env.set_snapshot(env.get_snapshot())
    yield env.step(1)[0]


def one_step() -> Iterable[Any]:
    """A flight of one step."""
    return single(actions=())


def generative() -> Iterable[Any]:
    """The same in the benchmark's winds, with 64 bits."""
    return single("generative", "float64")


def vector() -> Iterable[Any]:
    """Two environments."""
    env = BalloonVectorEnv(2, wind_field="simple", seed=5, max_episode_steps=2)
    yield env.reset()[0]
    for _ in range(4):
        yield env.step(np.array([0, 2]))[:4]
    env.set_state(env.get_state())
    env.close()


def functional() -> Iterable[Any]:
    """The functional environment, with new episodes in its pool. Keys and actions are the caller's to make."""
    with precision_scope("float32"):
        env = BalloonGymnaxEnv(wind_field="simple")
        with jax.transfer_guard("allow"), jax.threefry_partitionable(True):
            seed = jax.random.wrap_key_data(np.array([0, 3], np.uint32), impl="threefry2x32")
            make_key, reset_key, step_key, refresh_key = jax.random.split(seed, 4)
            action = jax.device_put(np.int32(2))
        params = env.make_params(make_key, 4)
        observation, state = env.reset(reset_key, params)
        yield observation
        observation, state, reward, *_ = env.step(step_key, state, action, params)
        yield observation, reward
        params = env.refresh(refresh_key, state, params, 2)
        yield params.pool.observations


def evaluation() -> Iterable[Any]:
    """Episodes side by side, of an agent that draws and of the published one."""
    for agent in ("random_walk", "perciatelli44"):
        env = BalloonEnv(wind_field="simple")
        results = eval_agent(create_agent(agent, 3, (1099,), seed=0), env, EvaluationSuite([1, 2], 3), tile_size=2)
        yield [(result.cumulative_reward, result.flight_path.x[-1], result.flight_path.y[-1]) for result in results]


def agents() -> Iterable[Any]:
    """Actions of agents, one by one."""
    random = np.random.RandomState(0)
    for name in ("random", "random_walk", "station_seeker", "perciatelli44"):
        agent = create_agent(name, 3, (1099,), seed=3)
        yield [agent.begin_episode(random.rand(1099)), *(agent.step(0.5, random.rand(1099)) for _ in range(4))]


def _learning(agent: Any, size: int, steps: int) -> Iterable[Any]:
    random = np.random.RandomState(0)
    agent.start_lanes(2)
    for step in range(steps):
        lanes = LaneStep(
            random.rand(2, size).astype(np.float32),
            random.rand(2).astype(np.float32),
            np.array([step == 9, False]),
            np.zeros(2, bool),
            np.array([step in (0, 10), step == 0]),
        )
        yield agent.step_lanes(lanes)
    agent.set_learned_state(agent.learned_state())
    agent.set_working_state(agent.working_state())
    yield agent.exported_policy().params


_REPLAY = {"batch_size": 4, "min_replay_history": 4, "replay_capacity": 100, "hidden_sizes": (8,), "n_step": 2}


def qr_dqn() -> Iterable[Any]:
    """Updates of QR-DQN, with priorities and exploration by a random walk."""
    options = QuantileOptions(**_REPLAY, num_quantiles=3, learning_rate=1e-3, learning_rate_decay_steps=100)
    return _learning(QuantileAgent(3, (1099,), seed=1, options=options), 1099, 16)


def dqn() -> Iterable[Any]:
    """Updates of DQN."""
    options = DqnOptions(**_REPLAY, learning_rate=1e-3, epsilon=0.5)
    return _learning(DqnAgent(3, (4,), seed=1, options=options), 4, 16)


def ppo() -> Iterable[Any]:
    """Updates of PPO, with both of its networks."""
    short = {"rollout_steps": 4, "minibatch_size": 4, "epochs": 2}
    levels = PpoOptions(**short, network_options='{"level_sizes": [4, 4], "summary_sizes": [8]}')
    yield from _learning(PpoAgent(3, (1099,), seed=1, options=levels), 1099, 10)
    mlp = PpoOptions(**short, network="actor_critic_mlp", network_options='{"hidden_sizes": [4]}')
    yield from _learning(PpoAgent(3, (4,), seed=1, options=mlp), 4, 10)


def sarsa() -> Iterable[Any]:
    """Updates of SARSA."""
    random = np.random.RandomState(0)
    agent = MlpAgent(3, (4,), seed=1, options=MlpOptions(hidden_sizes=(8,)))
    yield agent.begin_episode(random.rand(4))
    yield [agent.step(0.5, random.rand(4)) for _ in range(4)], agent.exported_policy().params


PARTS: dict[str, Callable[[], Iterable[Any]]] = {
    part.__name__: part
    for part in (single, one_step, generative, vector, functional, evaluation, agents, qr_dqn, dqn, ppo, sarsa)
}


def numbers_of(part: str) -> np.ndarray:
    """All numbers of a part, float64[n]."""
    leaves = jax.tree.leaves(list(PARTS[part]()))
    with jax.transfer_guard("allow"):
        return np.concatenate([np.asarray(leaf, np.float64).ravel() for leaf in leaves])


def summary_of(part: str) -> dict[str, Any]:
    """The digest of a part's numbers and their sum, or its error."""
    try:
        numbers = numbers_of(part)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"}
    return {"digest": hashlib.sha256(numbers.tobytes()).hexdigest(), "sum": numbers.sum()}


def main(parts: list[str]) -> None:
    """Print the summaries of parts."""
    if os.environ.get("BLE_DEFAULT_DEVICE"):
        jax.config.update("jax_default_device", jax.devices()[int(os.environ["BLE_DEFAULT_DEVICE"])])
    print(json.dumps({part: summary_of(part) for part in parts}))


if __name__ == "__main__":
    main(sys.argv[1:])
