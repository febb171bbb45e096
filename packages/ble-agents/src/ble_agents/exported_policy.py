"""Trained agents as plain files: arrays, and a description of their network.

A file is a .npz archive of float32 arrays, named by their path in the parameters, and of one string, the description as
JSON. It names a kind of network that is installed (`ble_register_networks`); reading the file executes no code in it.
"""

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

from ble_agents.networks.network import Network
from ble_agents.policy import NO_ACTION, Params, Policy, memoryless_policy
from ble_sim.files.atomic import write_arrays
from ble_sim.files.models import UNREADABLE_ARCHIVE
from ble_sim.keys import as_key, seed_data
from ble_sim.plugins import NoOptions
from ble_sim.plugins.hashable import require_hashable
from ble_sim.plugins.options import options_from_json, options_to_json
from ble_sim.plugins.registries import NETWORKS

FORMAT_VERSION = 1
_DESCRIPTION = "description"


class ExportedPolicyError(ValueError):
    """A file that does not hold an exported policy, or one that this version cannot read."""


@dataclass(frozen=True)
class Architecture:
    """A network without its parameters. Hashable, so static under `jax.jit`.

    Attributes:
        kind: registered name of the network.
        observation_shape: shape of an observation.
        num_actions: number of actions.
        options: of the network, an instance of its registration's `options_type`.

    Raises:
        UnhashableError: the options cannot be hashed; a TypeError.
    """

    kind: str
    observation_shape: tuple[int, ...]
    num_actions: int
    options: Any = NoOptions()

    def __post_init__(self) -> None:
        require_hashable("the options of the network,", self.options)

    def network(self) -> Network:
        """The network.

        Raises:
            UnknownNameError: no network of this kind is installed.
            TypeError: the options are those of another network.
        """
        return NETWORKS.make(self.kind, self.num_actions, options=self.options)

    def preferences(self, params: Params, observation: jax.Array) -> jax.Array:
        """Preferences for the actions, float32[..., num_actions]; pure, differentiable and traceable by JAX."""
        network = self.network()
        return network.preferences(network.apply(params, observation))

    def greedy_action(self, params: Params, observation: jax.Array) -> jax.Array:
        """The action with the largest preference, the first on ties: int32[...]; `NO_ACTION` if that is not finite."""
        preferences = self.preferences(params, observation)
        best = jnp.argmax(preferences, axis=-1).astype(jnp.int32)
        return jnp.where(jnp.isfinite(preferences.max(axis=-1)), best, NO_ACTION)


@dataclass(frozen=True)
class ExportedPolicy:
    """A network with its parameters, a pytree of float32 arrays."""

    architecture: Architecture
    params: Params

    def policy(self) -> Policy:
        """The greedy policy as pure functions. Policies of equal architectures share their compiled code."""
        return memoryless_policy(self.params, _greedy(self.architecture))


@functools.cache
def _greedy(architecture: Architecture) -> Callable[[Params, jax.Array], jax.Array]:
    # Bound methods of equal architectures are not equal; what this returns is.
    return architecture.greedy_action


def save_policy(path: str | os.PathLike[str], exported: ExportedPolicy) -> None:
    """Write an exported policy: the whole file, or nothing.

    Raises:
        ValueError: a parameter is not finite.
        OSError: the file cannot be written.
    """
    architecture = exported.architecture
    description = {"format": FORMAT_VERSION, **vars(architecture), "options": options_to_json(architecture.options)}
    arrays = {name: np.asarray(leaf, np.float32) for name, leaf in _named_leaves(exported.params).items()}
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ValueError(f"{path} is not written: the parameters {name} are not finite, so they fly no balloon.")
    write_arrays(Path(path).expanduser(), {_DESCRIPTION: np.array(json.dumps(description)), **arrays})


def load_policy(file: str | os.PathLike[str] | Traversable) -> ExportedPolicy:
    """Read an exported policy that `save_policy` wrote.

    Args:
        file: a path, or a file of `importlib.resources.files(package)`.

    Raises:
        ExportedPolicyError: the file is not there, is damaged, holds something else or numbers that are not finite,
            names a network that is not installed, or has another format.
    """
    file = Path(file).expanduser() if isinstance(file, str | os.PathLike) else file
    arrays = _read_arrays(file)
    if _DESCRIPTION not in arrays:
        found = ", ".join(f"{name} {list(array.shape)}" for name, array in sorted(arrays.items())[:8]) or "nothing"
        more = f" and {len(arrays) - 8} more" if len(arrays) > 8 else ""
        raise ExportedPolicyError(
            f"{file} holds no exported agent but other arrays: {found}{more}. `ble-train export RUN --output FILE` and"
            " ble_agents.save_policy make the file of an agent."
        )
    try:
        description = json.loads(str(arrays.pop(_DESCRIPTION)))
        version = description.pop("format")
        shape = tuple(description.pop("observation_shape"))
        options = options_from_json(NETWORKS.get(description["kind"]).options_type, description.pop("options"))
        architecture = Architecture(observation_shape=shape, options=options, **description)
        network = architecture.network()
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"its description has no {error}" if type(error) is KeyError else str(error)
        raise ExportedPolicyError(f"{file} does not hold an exported policy: {reason}.") from error
    if version != FORMAT_VERSION:
        raise ExportedPolicyError(f"{file} has format {version}, not {FORMAT_VERSION}: it needs another ble-agents.")
    return ExportedPolicy(architecture, _params(network, shape, arrays, str(file)))


def _read_arrays(file: Path | Traversable) -> dict[str, np.ndarray]:
    """The arrays in the file by name."""
    if not file.is_file():
        what = "is a folder" if file.is_dir() else "does not exist"
        raise ExportedPolicyError(f"The file of an exported agent {file} {what}.")
    try:
        with file.open("rb") as stream:
            archive = np.load(stream, allow_pickle=False)
            if isinstance(archive, np.ndarray):
                raise ValueError("it is a single array (.npy)")
            return {name: archive[name] for name in archive.files}
    except PermissionError:
        raise ExportedPolicyError(f"The file of an exported agent {file} may not be read.") from None
    except UNREADABLE_ARCHIVE as error:
        is_foreign = isinstance(error, EOFError) or "pickle" in str(error)
        reason = "it is no .npz archive of plain arrays" if is_foreign else str(error)
        raise ExportedPolicyError(f"{file} does not hold an exported policy: {reason}.") from error


def _params(network: Network, shape: tuple[int, ...], arrays: Mapping[str, np.ndarray], file: str) -> Params:
    """The arrays in the structure that the network takes."""
    like = jax.eval_shape(network.init, as_key(seed_data(0)), jax.ShapeDtypeStruct(shape, jnp.float32))
    expected = _named_leaves(like)
    for name in sorted(expected.keys() | arrays.keys()):
        there, here = (getattr(group.get(name), "shape", None) for group in (arrays, expected))
        if there != here:
            raise ExportedPolicyError(f"{file} is damaged: array {name} has shape {there} instead of {here}.")
        if not np.isfinite(arrays[name]).all():
            raise ExportedPolicyError(f"{file} cannot be flown: array {name} has values that are not finite.")
    return jax.tree.unflatten(jax.tree.structure(like), [arrays[name] for name in expected])


def _named_leaves(params: Params) -> dict[str, Any]:
    leaves = jax.tree_util.tree_leaves_with_path(params)
    return {jax.tree_util.keystr(path, simple=True, separator="."): leaf for path, leaf in leaves}
