"""Many environments at once for Stable-Baselines3, which is no requirement of this package.

envs = gymnasium.make_vec("ble_env:BalloonLearningEnvironment-v0", 64, autoreset_mode="SameStep", device="cpu")
model = PPO("MlpPolicy", sb3_vec_env(envs))
"""

import functools
import importlib
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv


def sb3_vec_env(envs: "VectorEnv[Any, Any, Any]") -> Any:
    """A vector of Gymnasium as a `stable_baselines3.common.vec_env.VecEnv`.

    Stable-Baselines3 resets within the step that ends an episode. So do the environments. Where an episode ended, the
    info is the last one of the episode, with the last observation as `terminal_observation`, and `TimeLimit.truncated`.
    Other infos are empty: hundreds of dictionaries a step would cost more than the flight.

    Args:
        envs: environments with the autoreset mode SAME_STEP.

    Raises:
        ValueError: they have another autoreset mode.
        ImportError: Stable-Baselines3 is not installed.
    """
    if envs.metadata.get("autoreset_mode") != AutoresetMode.SAME_STEP:
        raise ValueError("Stable-Baselines3 needs environments that are made with autoreset_mode='SameStep'.")
    try:
        vec_env = importlib.import_module("stable_baselines3.common.vec_env")
    except ModuleNotFoundError as error:
        raise ImportError(f"{error}: pip install stable-baselines3") from error
    return _adapter(vec_env.VecEnv)(envs)


@functools.cache
def _adapter(base: type) -> type:
    return type("Sb3VecEnv", (_VecEnvMethods, base), {})


class _VecEnvMethods:
    """The methods of a `VecEnv`, around a vector of Gymnasium."""

    num_envs: int

    def __init__(self, envs: "VectorEnv[Any, Any, Any]") -> None:
        self.envs = envs
        super().__init__(envs.num_envs, envs.single_observation_space, envs.single_action_space)  # type: ignore[call-arg]

    def reset(self) -> np.ndarray:
        base: Any = self
        seeds = None if None in base._seeds else base._seeds
        options = base._options[0]
        if any(one != options for one in base._options):
            raise NotImplementedError("The environments are reset together, with the same options.")
        base._reset_seeds()
        base._reset_options()
        return self.envs.reset(seed=seeds, options=options or None)[0]

    def step_async(self, actions: np.ndarray) -> None:
        self.actions = actions

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        observations, rewards, terminated, truncated, infos = self.envs.step(self.actions)
        is_over = np.asarray(terminated) | np.asarray(truncated)
        reported: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for i in np.flatnonzero(is_over):
            last = infos.get("final_info", {})
            reported[i] = {key: values[i] for key, values in last.items() if not key.startswith("_")}
            # At a time limit the return continues; its estimate needs the observation before the reset.
            reported[i]["TimeLimit.truncated"] = bool(truncated[i] and not terminated[i])
            reported[i]["terminal_observation"] = infos["final_obs"][i]
        return observations, np.asarray(rewards, np.float32), is_over, reported

    def close(self) -> None:
        self.envs.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        return [getattr(self.envs, attr_name) for _ in self._rows(indices)]

    def get_images(self) -> list[Any]:
        return list(self.envs.render() or ())

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        raise NotImplementedError("The environments are stepped together and have no attributes of their own.")

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list[Any]:
        raise NotImplementedError("The environments are stepped together and have no methods of their own.")

    def env_is_wrapped(self, wrapper_class: type, indices: Any = None) -> list[bool]:
        return [False for _ in self._rows(indices)]

    def _rows(self, indices: Any) -> Any:
        base: Any = self
        return base._get_indices(indices)
