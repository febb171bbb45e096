"""Show what rounding does to a flight: fly it from start pressures that differ by some 1e-13 of their size.

    uv run benchmarks/rounding.py --agent perciatelli44 --seed 3

In slow descents the benchmark's Euler stride amplifies rounding; a flight with many of them depends on the last digits.
"""

import argparse
import dataclasses

import jax

from ble_agents import AgentMode, create_agent
from ble_env import BalloonEnv
from ble_sim.constants import EPISODE_STEPS

PERTURBATIONS = (0.0, 1e-13, -1e-13, 3e-13, -3e-13, 1e-12, -1e-12)


def main() -> None:
    """Print reward and TWR50 by perturbation."""
    parser = argparse.ArgumentParser(description="Show what rounding does to a flight.")
    parser.add_argument("--agent", default="perciatelli44")
    parser.add_argument("--seed", type=int, default=3)
    arguments = parser.parse_args()
    agent = create_agent(arguments.agent, seed=0)
    agent.set_mode(AgentMode.EVAL)
    env = BalloonEnv(precision="float64")
    print("perturbation    reward    TWR50")
    for perturbation in PERTURBATIONS:
        env.reset(seed=arguments.seed)
        snapshot = env.get_snapshot()
        with jax.enable_x64(True):
            pressure = snapshot.state.balloon.pressure * (1.0 + perturbation)
            balloon = dataclasses.replace(snapshot.state.balloon, pressure=pressure)
            snapshot = snapshot._replace(state=dataclasses.replace(snapshot.state, balloon=balloon))
        observation, _ = env.set_snapshot(snapshot)
        agent.reseed(0)
        action = agent.begin_episode(observation)
        rewards, inside, is_over = [], 0, False
        while not is_over and len(rewards) < EPISODE_STEPS:
            observation, reward, is_over, _, info = env.step(action)
            if not is_over:
                action = agent.step(reward, observation)
            rewards.append(reward)
            inside += info["inside_radius"]
        agent.end_episode(rewards[-1], is_over)
        print(f"{perturbation:12.0e} {sum(rewards):9.3f} {inside / len(rewards):8.4f}", flush=True)


if __name__ == "__main__":
    main()
