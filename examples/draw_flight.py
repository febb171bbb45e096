"""A flight as a picture, and as a film: pip install ble-agents "ble-env[video]".

python examples/draw_flight.py --agent tradewind --seed 395 --steps 960 --film
"""

import argparse
from pathlib import Path

import gymnasium
import numpy as np
from gymnasium.wrappers import RecordVideo
from matplotlib.image import imsave

from ble_agents import agent_names, create_agent
from ble_env.options import MatplotlibOptions
from ble_env.plugins import make_renderer


def draw(name: str, seed: int, steps: int, film: bool, folder: Path) -> Path:
    """Fly an episode, and write its path to a PNG; with `film` also an MP4 with a picture for each step."""
    renderer = make_renderer("matplotlib", options=MatplotlibOptions(dpi=80))
    env = gymnasium.make(
        "ble_env:BalloonLearningEnvironment-v0", max_episode_steps=steps, render_mode="rgb_array", renderer=renderer
    )
    if film:
        env = RecordVideo(env, str(folder), name_prefix=f"{name}_{seed}", episode_trigger=lambda _: True)
    agent = create_agent(name, seed=0)
    agent.set_mode("eval")
    observation, _ = env.reset(seed=seed)
    action = agent.begin_episode(observation)
    terminated = truncated = False
    while not (terminated or truncated):
        observation, reward, terminated, truncated, _ = env.step(action)
        action = agent.step(float(reward), observation)
    picture = folder / f"{name}_{seed}.png"
    frame = env.render()
    assert isinstance(frame, np.ndarray)
    imsave(picture, frame)
    env.close()
    return picture


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agent", choices=agent_names(), default="station_seeker", help="who flies")
    parser.add_argument("--seed", type=int, default=0, help="of the episode")
    parser.add_argument("--steps", type=int, default=40, help="of 3 minutes each")
    parser.add_argument("--film", action="store_true", help="write an MP4, too")
    arguments = parser.parse_args()
    folder = Path("flights")
    folder.mkdir(exist_ok=True)
    print(draw(arguments.agent, arguments.seed, arguments.steps, arguments.film, folder))
