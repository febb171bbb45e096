"""Trained agents as plain files: arrays, and a description of the network that they belong to.

A file is a .npz archive of float32 arrays, named by their path in the parameters, and of one string, the description as
JSON. Reading it executes no code that it brings.
"""

import dataclasses
import functools
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from ble_agents.networks.levels import LevelNetwork
from ble_agents.networks.quantile import MLP, QuantileNetwork, expected_returns
from ble_agents.policy import Params, Policy, memoryless_policy
from ble_sim.files.atomic import replacing
from ble_sim.files.models import UNREADABLE_ARCHIVE
from ble_sim.plugins.registry import unknown_name

FORMAT_VERSION = 1
_DESCRIPTION = "description"


class ExportedPolicyError(ValueError):
    """A file does not hold a trained agent, or one that this version does not know."""


@dataclass(frozen=True)
class Architecture:
    """A network and how an action follows from what it says.

    Attributes:
        kind: one of `KINDS`.
        observation_shape: of the observations that it takes.
        num_actions: how many actions it chooses among.
        options: of the network, by name; values are numbers, strings, or tuples of them.
    """

    kind: str
    observation_shape: tuple[int, ...]
    num_actions: int
    options: tuple[tuple[str, Any], ...] = ()

    def network(self) -> nn.Module:
        """The network.

        Raises:
            ExportedPolicyError: there is no such kind, or it takes other options.
        """
        if self.kind not in KINDS:
            raise ExportedPolicyError(str(unknown_name("kind of network", self.kind, KINDS)))
        try:
            return KINDS[self.kind].network(self.num_actions, **dict(self.options))
        except TypeError as error:
            raise ExportedPolicyError(f"A network of the kind {self.kind!r} takes other options: {error}.") from None

    def preferences(self, params: Params, observation: jax.Array) -> jax.Array:
        """How much each action is wanted, float32[..., num_actions]; pure, differentiable and traceable."""
        output: Any = self.network().apply(params, observation)
        return KINDS[self.kind].preferences(output)

    def greedy_action(self, params: Params, observation: jax.Array) -> jax.Array:
        """The action that is wanted most, the first on ties: int32[...]."""
        return jnp.argmax(self.preferences(params, observation), axis=-1).astype(jnp.int32)


@dataclass(frozen=True)
class _Kind:
    network: Callable[..., nn.Module]
    preferences: Callable[[Any], jax.Array]


KINDS: Mapping[str, _Kind] = {
    "quantile": _Kind(QuantileNetwork, expected_returns),
    "q_values": _Kind(lambda num_actions, **options: MLP(output_size=num_actions, **options), lambda output: output),
    "levels": _Kind(lambda num_actions, **options: LevelNetwork(**options), lambda output: output.logits),
}
"""What a description can name. Names are for ever: files hold them."""


@dataclass(frozen=True)
class ExportedPolicy:
    """A network with its parameters, as a pytree of float32 arrays."""

    architecture: Architecture
    params: Params

    def policy(self) -> Policy:
        """The greedy policy as pure functions; those of equal architectures share their compiled code."""
        return memoryless_policy(self.params, _greedy(self.architecture))


@functools.cache
def _greedy(architecture: Architecture) -> Callable[[Params, jax.Array], jax.Array]:
    """One function for equal architectures, as bound methods are not."""
    return architecture.greedy_action


def save_policy(path: str | os.PathLike[str], frozen: ExportedPolicy) -> None:
    """Write a trained agent, whole or not at all.

    Raises:
        OSError: the file cannot be written.
    """
    description = {"format": FORMAT_VERSION, **dataclasses.asdict(frozen.architecture)}
    description["options"] = dict(frozen.architecture.options)
    arrays: dict[str, Any] = {name: np.asarray(leaf, np.float32) for name, leaf in _named_leaves(frozen.params).items()}
    with replacing(Path(path)) as temporary, temporary.open("wb") as file:
        np.savez(file, **{_DESCRIPTION: np.array(json.dumps(description))}, **arrays)


def load_policy(file: str | os.PathLike[str] | Traversable) -> ExportedPolicy:
    """Read a trained agent that `save_policy` wrote.

    Args:
        file: a path, or a file of `importlib.resources.files(package)`.

    Raises:
        ExportedPolicyError: the file is not there, is damaged, or does not hold a trained agent of this version.
    """
    file = Path(file) if isinstance(file, str | os.PathLike) else file
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        description = json.loads(str(arrays.pop(_DESCRIPTION)))
        version = description.pop("format")
        options = {name: _frozen(value) for name, value in description.pop("options").items()}
        shape = tuple(description.pop("observation_shape"))
        architecture = Architecture(observation_shape=shape, options=tuple(options.items()), **description)
    except UNREADABLE_ARCHIVE as error:
        raise ExportedPolicyError(f"{file} does not hold a trained agent: {error}.") from error
    if version != FORMAT_VERSION:
        raise ExportedPolicyError(f"{file} has format {version}, not {FORMAT_VERSION}: it needs another ble-agents.")
    return ExportedPolicy(architecture, _params(architecture, arrays, str(file)))


def _params(architecture: Architecture, arrays: Mapping[str, np.ndarray], file: str) -> Params:
    """The arrays in the structure that the network takes."""
    observation = jax.ShapeDtypeStruct(architecture.observation_shape, jnp.float32)
    like = jax.eval_shape(architecture.network().init, jax.random.key(0), observation)
    expected = _named_leaves(like)
    for name in expected.keys() | arrays.keys():
        there, here = (getattr(group.get(name), "shape", None) for group in (arrays, expected))
        if there != here:
            raise ExportedPolicyError(f"{file} is damaged: array {name} has shape {there} instead of {here}.")
    return jax.tree.unflatten(jax.tree.structure(like), [arrays[name] for name in expected])


def _named_leaves(params: Params) -> dict[str, Any]:
    leaves = jax.tree_util.tree_leaves_with_path(params)
    return {jax.tree_util.keystr(path, simple=True, separator="."): leaf for path, leaf in leaves}


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
