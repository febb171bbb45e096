# /// script
# requires-python = ">=3.11"
# dependencies = ["ble-agents", "minari[hdf5]==0.5.4", "pillow"]
#
# [tool.uv.sources]
# ble-agents = { path = "../../packages/ble-agents", editable = true }
# ///
# pyright: reportMissingImports=false
"""Flights of an agent as a Minari dataset for offline learning: recorded, and read back.

uv run examples/frameworks/minari_dataset.py --episodes 100 --steps 960 --folder datasets
"""

import argparse
import os
from pathlib import Path
from typing import Any

import gymnasium
import minari
import numpy as np

from ble_agents import create_agent, fly_episode
from ble_env import ENV_ID


class Measurements(minari.StepDataCallback):
    """Keeps some numbers of each `info`."""

    def __call__(self, *args: Any, info: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        keys = ("distance", "altitude", "battery", "inside_radius", "wind_u", "wind_v")
        numbers = {key: np.asarray(info[key]) for key in keys}
        return super().__call__(*args, info=numbers, **kwargs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agent", default="station_seeker", help="name of an installed agent")
    parser.add_argument("--episodes", type=int, default=2)
    parser.add_argument("--steps", type=int, default=40, help="steps of an episode, 3 minutes each")
    parser.add_argument("--folder", type=Path, default=Path("minari_datasets"), help="folder of Minari's datasets")
    parser.add_argument("--dataset", default="balloon/station-seeker-v0", help="name of the dataset, which must be new")
    arguments = parser.parse_args()
    os.environ["MINARI_DATASETS_PATH"] = str(arguments.folder.absolute())

    balloon = gymnasium.make(f"ble_env:{ENV_ID}", max_episode_steps=arguments.steps)
    collector = minari.DataCollector(balloon, step_data_callback=Measurements, record_infos=True)
    agent = create_agent(arguments.agent, seed=0)
    agent.set_mode("eval")
    for seed in range(arguments.episodes):
        fly_episode(agent, collector, seed=seed)
    collector.create_dataset(
        arguments.dataset,
        algorithm_name=agent.get_name(),
        description="Station-keeping with a stratospheric balloon, seeds from 0 on",
        requirements=["ble-env"],
    )
    collector.close()

    dataset = minari.load_dataset(arguments.dataset)
    print(f"{dataset.id}: {dataset.total_episodes} episodes, {dataset.total_steps} steps, in {arguments.folder}")
    for episode in dataset:
        inside = episode.infos["inside_radius"][1:].mean()
        print(f"episode {episode.id}: reward {episode.rewards.sum():.2f}, {inside:.0%} of the time within 50 km")
    # The environment in which it was recorded, made from the dataset. This needs `ble_env` imported.
    env = dataset.recover_environment()
    observation, _ = env.reset(seed=0)
    print(f"episode 0 begins as it was recorded: {np.array_equal(observation, dataset[0].observations[0])}")


if __name__ == "__main__":
    main()
