"""What the models would lose in float16, and what more compression would save.

    uv run benchmarks/model_sizes.py

Greedy actions are compared on flights of the agents themselves.
"""

import lzma
import zlib
from importlib import resources

import jax
import numpy as np

from ble_agents.agents import perciatelli44
from ble_agents.exported_policy import ExportedPolicy, load_policy
from ble_env import BalloonVectorEnv
from ble_sim.constants import EPISODE_STEPS
from ble_sim.wind.fields import decoder

NUM_FLIGHTS = 16
FIRST_SEED = 100
NUM_FIELDS = 32
LATENTS = 64
MEGABYTE = 1e6


def main() -> None:
    """Print the changes of each model, and its sizes."""
    policies = {
        name: load_policy(resources.files("ble_agents") / "data" / f"{name}.npz") for name in ("tradewind", "windward")
    }
    policies["perciatelli44"] = ExportedPolicy(perciatelli44.ARCHITECTURE, perciatelli44.load_params())
    for name, policy in policies.items():
        print(f"{name}: {_changed_actions(policy)}")
        print(f"  {_sizes(policy.params)}")
    print(f"tradewind as differences from perciatelli44: {_differences(policies)}")
    print(f"wind decoder: {_changed_winds()}")
    print(f"  {_sizes(decoder.load_decoder())}")


def _in_float16(params):
    return jax.tree.map(lambda array: np.asarray(array, np.float16).astype(np.float32), params)


def _changed_actions(policy: ExportedPolicy) -> str:
    preferences = jax.jit(jax.vmap(policy.architecture.preferences, in_axes=(None, 0)))
    rounded = _in_float16(policy.params)
    env = BalloonVectorEnv(NUM_FLIGHTS)
    observations, _ = env.reset(seed=list(range(FIRST_SEED, FIRST_SEED + NUM_FLIGHTS)))
    differences, changed, steps = 0.0, 0, EPISODE_STEPS - 1
    for _ in range(steps):
        here, there = (
            np.asarray(preferences(policy.params, observations)),
            np.asarray(preferences(rounded, observations)),
        )
        differences = max(differences, float(np.abs(here - there).max()))
        changed += int((here.argmax(-1) != there.argmax(-1)).sum())
        observations, *_ = env.step(here.argmax(-1))
    return f"{changed} of {NUM_FLIGHTS * steps} greedy actions change, values by up to {differences:.3f}"


def _changed_winds() -> str:
    params = decoder.load_decoder()
    decode = jax.jit(jax.vmap(decoder.decode, in_axes=(None, 0)))
    latents = jax.random.normal(jax.random.key(0, impl="threefry2x32"), (NUM_FIELDS, LATENTS))
    error = np.asarray(decode(params, latents)) - np.asarray(decode(_in_float16(params), latents))
    largest, typical = np.abs(error).max(), np.sqrt((error**2).mean())
    return f"winds change by up to {largest:.3f} m/s, {typical:.4f} m/s in the quadratic mean"


def _sizes(params) -> str:
    arrays = [np.asarray(leaf, np.float32) for leaf in jax.tree.leaves(params)]
    plain = b"".join(array.tobytes() for array in arrays)
    shuffled = b"".join(map(_shuffled, arrays))
    half = b"".join(array.astype(np.float16).tobytes() for array in arrays)
    return (
        f"MB: deflate {_deflated(plain)}, lzma {_megabytes(lzma.compress(plain))}, "
        f"deflate of sorted bytes {_deflated(shuffled)}, deflate in float16 {_deflated(half)}"
    )


def _differences(policies: dict[str, ExportedPolicy]) -> str:
    there, here = (jax.tree.leaves(policies[name].params) for name in ("perciatelli44", "tradewind"))
    there, here = (sorted(map(np.asarray, leaves), key=lambda leaf: leaf.shape) for leaves in (there, here))
    bits = [np.bitwise_xor(one.view(np.uint32), other.view(np.uint32)) for one, other in zip(there, here, strict=True)]
    return f"{_deflated(b''.join(map(_shuffled, bits)))} MB"


def _shuffled(array: np.ndarray) -> bytes:
    """First the first bytes of all numbers, then the second ones, ..."""
    return np.ascontiguousarray(array).view(np.uint8).reshape(-1, array.itemsize).T.tobytes()


def _deflated(content: bytes) -> str:
    return _megabytes(zlib.compress(content, 9))


def _megabytes(content: bytes) -> str:
    return f"{len(content) / MEGABYTE:.1f}"


if __name__ == "__main__":
    main()
