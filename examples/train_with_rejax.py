# /// script
# requires-python = ">=3.11"
# dependencies = ["ble-env", "gymnax>=1", "rejax==0.1.3"]
#
# [tool.uv.sources]
# ble-env = { path = "../packages/ble-env", editable = true }
# ///
# pyright: reportMissingImports=false
"""PPO from a public JAX trainer, rejax, on the functional environment: rollouts and updates in one compiled loop.

After each round of training the pool of episodes is refreshed, which brings new winds, and the policy is evaluated in
episodes that it is not trained on.

uv run examples/train_with_rejax.py --rounds 8
"""

import argparse
import time
from typing import Any

import jax
import jax.numpy as jnp
from gymnax.wrappers.compat import LegacyStepAPIWrapper
from rejax import PPO
from rejax.evaluate import evaluate

from ble_env import BalloonGymnaxEnv


class RejaxEnv(LegacyStepAPIWrapper):
    """gymnax's adapter to the values of its old `step`, which rejax expects. Copies that rejax makes are shared."""

    def __deepcopy__(self, memo: dict) -> "RejaxEnv":
        return self


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=6, help="rounds of training, with an evaluation after each")
    parser.add_argument("--updates", type=int, default=16, help="updates of the policy in a round")
    parser.add_argument("--num-envs", type=int, default=64, help="environments flown side by side")
    parser.add_argument("--num-steps", type=int, default=32, help="steps of each environment for an update")
    parser.add_argument("--episode-steps", type=int, default=240, help="time limit, 3 minutes each")
    parser.add_argument("--pool", type=int, default=192, help="episodes to train on at a time")
    parser.add_argument("--evaluations", type=int, default=32, help="episodes to evaluate on")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    pool_key, test_key, init_key, rounds_key = jax.random.split(jax.random.key(arguments.seed), 4)

    balloon = BalloonGymnaxEnv()
    env = RejaxEnv(balloon)
    params = balloon.make_params(pool_key, arguments.pool, max_steps_in_episode=arguments.episode_steps)
    unseen = balloon.make_params(test_key, arguments.evaluations, max_steps_in_episode=arguments.episode_steps)
    steps_per_round = arguments.updates * arguments.num_envs * arguments.num_steps
    ppo = PPO.create(
        env=env,
        env_params=params,
        num_envs=arguments.num_envs,
        num_steps=arguments.num_steps,
        num_epochs=4,
        num_minibatches=8,
        learning_rate=3e-4,
        max_grad_norm=0.5,
        gamma=0.98,
        ent_coef=0.01,
        normalize_rewards=True,
        total_timesteps=steps_per_round,
        eval_freq=steps_per_round,
        skip_initial_evaluation=True,
        agent_kwargs={"hidden_layer_sizes": (128, 128), "activation": "tanh"},
    ).replace(eval_callback=lambda *_: ())

    @jax.jit
    def train(state: Any, params: Any) -> Any:
        return ppo.replace(env_params=params).train(train_state=state)[0]

    @jax.jit
    def fly(state: Any, key: jax.Array, params: Any) -> jax.Array:
        _, returns = evaluate(ppo.make_act(state), key, env, params, arguments.evaluations, arguments.episode_steps)
        return returns.mean() / arguments.episode_steps

    state = ppo.init_state(init_key)
    # rejax starts these two as integers. As floats they have the types of later rounds, and `train` is compiled once.
    statistics = state.rew_rms_state.replace(mean=jnp.float32(0.0), var=jnp.float32(1.0))
    state = state.replace(rew_rms_state=statistics)
    # One new episode for each that ended.
    num_ended = min(steps_per_round // arguments.episode_steps, arguments.pool - arguments.num_envs)
    print(f"untrained: reward {fly(state, test_key, unseen):.3f} a step")
    for i, key in enumerate(jax.random.split(rounds_key, arguments.rounds)):
        start = time.perf_counter()
        state = jax.block_until_ready(train(state, params))
        rate = steps_per_round / (time.perf_counter() - start)
        params = balloon.refresh(key, state.env_state, params, num_ended)
        reward = fly(state, test_key, unseen)
        print(f"{(i + 1) * steps_per_round} steps: reward {reward:.3f} a step, {rate:.0f} steps trained a second")


if __name__ == "__main__":
    main()
