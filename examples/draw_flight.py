"""A flight as a picture and as a film. It needs ble-agents and ble-env[video].

uv run examples/draw_flight.py --agent tradewind --seed 395 --steps 960 --film
"""

import argparse
from pathlib import Path

import gymnasium
from gymnasium.wrappers import RecordVideo

from ble_agents import agent_names, create_agent, fly_episode
from ble_env import MatplotlibOptions
from ble_env.rendering.flight_picture import OffScreen
from ble_env.rendering.matplotlib_renderer import MatplotlibRenderer
from ble_sim.constants import SECONDS_PER_HOUR, STATION_KEEPING_RADIUS_KM, STEP_SECONDS


def draw(name: str, seed: int, steps: int, theme: str, film: bool, folder: Path) -> Path:
    """Fly an episode and write its picture to a PNG, and with `film` to an MP4 with a picture for each step."""
    look = {"theme": theme, "hours": steps * STEP_SECONDS / SECONDS_PER_HOUR}
    renderer = MatplotlibRenderer(STATION_KEEPING_RADIUS_KM, MatplotlibOptions(**look), name)
    env = gymnasium.make(
        "ble_env:BalloonLearningEnvironment-v0", max_episode_steps=steps, render_mode="rgb_array", renderer=renderer
    )
    if film:
        env = RecordVideo(env, str(folder), name_prefix=f"{name}_{seed}", episode_trigger=lambda _: True)
    agent = create_agent(name, seed=0)
    agent.set_mode("eval")
    fly_episode(agent, env, seed=seed)
    env.close()
    picture = folder / f"{name}_{seed}.png"
    large = OffScreen([name], STATION_KEEPING_RADIUS_KM, MatplotlibOptions(dpi=112, **look))
    large.save(picture, [renderer.track])
    return picture


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agent", choices=agent_names(), default="station_seeker", help="the agent")
    parser.add_argument("--seed", type=int, default=0, help="seed of the episode")
    parser.add_argument("--steps", type=int, default=40, help="steps to fly, 3 minutes each")
    parser.add_argument("--theme", choices=("light", "dark"), default="light", help="dark on white, or light on black")
    parser.add_argument("--film", action="store_true", help="write an MP4 as well")
    arguments = parser.parse_args()
    folder = Path("flights")
    folder.mkdir(exist_ok=True)
    print(draw(arguments.agent, arguments.seed, arguments.steps, arguments.theme, arguments.film, folder))
