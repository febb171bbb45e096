"""Models of Stable-Baselines3 as agents. Only loading a model imports that package, which is no requirement of ours.

results = eval_agent(Sb3Policy(PPO.load("ppo.zip")), BalloonEnv(), get_eval_suite("small_eval"))

ble-eval run --agent ble_agents.sb3:Sb3Agent --agent.file ppo.zip --agent.algorithm PPO
"""

import pkgutil
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from ble_agents.batch_policy import BatchPolicyAgent
from ble_agents.options import Sb3Options


class Sb3Policy:
    """A model as a `BatchPolicy`, with its memory if it is recurrent.

    Args:
        model: of Stable-Baselines3, or anything with its method `predict`.
        deterministic: whether to take the most probable action instead of drawing one.
    """

    def __init__(self, model: Any, *, deterministic: bool = True) -> None:
        if not callable(getattr(model, "predict", None)):
            raise TypeError(f"A model of Stable-Baselines3 has a method predict, and {type(model).__name__} has none.")
        self._model = model
        self._deterministic = deterministic
        self._memory: Any = None
        self._begins = np.ones(0, bool)

    def begin_episodes(self, begins: np.ndarray) -> None:
        """Forget the rows where an episode begins."""
        if begins.shape != self._begins.shape:
            self._memory = None
        self._begins = begins

    def __call__(self, observations: np.ndarray) -> np.ndarray:
        """The actions, int[batch]."""
        actions, self._memory = self._model.predict(
            observations, state=self._memory, episode_start=self._begins, deterministic=self._deterministic
        )
        return actions


class Sb3Agent(BatchPolicyAgent):
    """The agent in a file that `model.save` of Stable-Baselines3 wrote. Loading such a file runs code in it.

    Args:
        num_actions: number of actions.
        observation_shape: shape of the observations.
        seed: of the draws of a model that is not deterministic; None leaves them to the model.
        options: the options.

    Raises:
        ValueError: the file or the algorithm is missing, or the model is for other actions or observations.
        ImportError: Stable-Baselines3 is not installed.
    """

    options_type: ClassVar[type] = Sb3Options

    def __init__(
        self,
        num_actions: int,
        observation_shape: Sequence[int],
        *,
        seed: int | None = None,
        options: Sb3Options = Sb3Options(),
    ) -> None:
        self._model = load_model(options)
        spaces = self._model.action_space, self._model.observation_space
        expected = num_actions, tuple(observation_shape)
        trained_for = getattr(spaces[0], "n", None), spaces[1].shape
        if trained_for != expected:
            raise ValueError(
                f"{options.file} was trained for {trained_for[0]} actions and observations of shape {trained_for[1]},"
                f" not for {expected[0]} and {expected[1]}."
            )
        super().__init__(num_actions, observation_shape, Sb3Policy(self._model, deterministic=options.deterministic))
        if seed is not None:
            self.reseed(seed)

    def reseed(self, seed: int) -> None:
        """Restart the model's random draws."""
        self._model.set_random_seed(seed)


def load_model(options: Sb3Options) -> Any:
    """The model in a file.

    Raises:
        ValueError: the file is missing, or there is no such algorithm.
        ImportError: the package of the algorithm is not installed.
    """
    file = options.file.expanduser()
    if not file.is_file():
        raise ValueError(f"There is no file {file}. --agent.file names a model that was saved by Stable-Baselines3.")
    place = options.algorithm if ":" in options.algorithm else f"stable_baselines3:{options.algorithm}"
    package = place.partition(":")[0]
    try:
        algorithm: Any = pkgutil.resolve_name(place)
    except ModuleNotFoundError as error:
        raise ImportError(f"{error}: pip install {package.replace('_', '-')}") from error
    except AttributeError:
        raise ValueError(f"{package} has no algorithm {place.partition(':')[2]!r}, such as PPO or DQN.") from None
    return algorithm.load(file)
