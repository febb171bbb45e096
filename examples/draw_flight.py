"""A flight as a picture and as a film. It needs ble-agents and ble-env[video].

uv run examples/draw_flight.py --agent tradewind --seed 395 --steps 960 --film
"""

import argparse
from pathlib import Path

import gymnasium
import numpy as np
from gymnasium.wrappers import RecordVideo
from matplotlib.image import imsave

from ble_agents import agent_names, create_agent, fly_episode


def draw(name: str, seed: int, steps: int, film: bool, folder: Path) -> Path:
    """Fly an episode and write its path to a PNG, and with `film` to an MP4 with a picture for each step."""
    renderer = {"name": "matplotlib", "options": {"dpi": 80}}
    env = gymnasium.make(
        "ble_env:BalloonLearningEnvironment-v0", max_episode_steps=steps, render_mode="rgb_array", renderer=renderer
    )
    if film:
        env = RecordVideo(env, str(folder), name_prefix=f"{name}_{seed}", episode_trigger=lambda _: True)
    agent = create_agent(name, seed=0)
    agent.set_mode("eval")
    fly_episode(agent, env, seed=seed)
    picture = folder / f"{name}_{seed}.png"
    frame = env.render()
    assert isinstance(frame, np.ndarray)
    imsave(picture, frame)
    env.close()
    return picture


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agent", choices=agent_names(), default="station_seeker", help="the agent")
    parser.add_argument("--seed", type=int, default=0, help="seed of the episode")
    parser.add_argument("--steps", type=int, default=40, help="steps to fly, 3 minutes each")
    parser.add_argument("--film", action="store_true", help="write an MP4 as well")
    arguments = parser.parse_args()
    folder = Path("flights")
    folder.mkdir(exist_ok=True)
    print(draw(arguments.agent, arguments.seed, arguments.steps, arguments.film, folder))
