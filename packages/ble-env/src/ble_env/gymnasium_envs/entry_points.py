"""What `gymnasium.make_vec` calls."""

from typing import Any

from ble_env.gymnasium_envs.vector import BalloonVectorEnv
from ble_sim.constants import EPISODE_STEPS


def make_balloons(
    num_envs: int = 1,
    *,
    max_episode_steps: int | None = None,
    disable_env_checker: bool | None = None,
    **arguments: Any,
) -> BalloonVectorEnv:
    """Make environments from the arguments that `gymnasium.make` takes, with the same meaning.

    `gymnasium.make` acts on some arguments itself; `gymnasium.make_vec` hands all of them on.

    Args:
        num_envs: how many environments.
        max_episode_steps: time limit; 960 if None, and no limit if -1.
        disable_env_checker: of no effect: the checker of `gymnasium.make` is for single environments.
        arguments: those of `BalloonVectorEnv`.
    """
    limit = EPISODE_STEPS if max_episode_steps is None else max_episode_steps
    return BalloonVectorEnv(num_envs, max_episode_steps=None if limit == -1 else limit, **arguments)
