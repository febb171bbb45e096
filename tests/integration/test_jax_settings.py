"""JAX set up by someone else: the same episodes, actions and updates to the last digit, or a clear refusal.

`tests/support/jax_settings.py` is the program that flies and learns, in a process of its own for each set-up.
"""

import functools
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent.parent / "support" / "jax_settings.py"
QUICK = "single", "functional", "agents", "dqn", "sarsa"
ALL = "single", "generative", "vector", "functional", "evaluation", "agents", "qr_dqn", "dqn", "ppo", "sarsa"
RANDOM_NUMBERS = {
    "JAX_DEFAULT_PRNG_IMPL": "rbg",
    "JAX_THREEFRY_PARTITIONABLE": "0",
    "JAX_ENABLE_CUSTOM_PRNG": "1",
    "JAX_RANDOM_SEED_OFFSET": "3",
}
CHECKS = {
    "JAX_NUMPY_DTYPE_PROMOTION": "strict",
    "JAX_NUMPY_RANK_PROMOTION": "raise",
    "JAX_EXPLICIT_X64_DTYPES": "error",
    "JAX_LEGACY_PRNG_KEY": "error",
    "JAX_DEBUG_KEY_REUSE": "1",
    "JAX_DEBUG_NANS": "1",
    "JAX_DEBUG_INFS": "1",
    "JAX_TRANSFER_GUARD": "disallow",
}
DEVICES = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2", "BLE_DEFAULT_DEVICE": "1"}
TOGETHER = {**RANDOM_NUMBERS, **CHECKS, "JAX_ENABLE_X64": "1"}
FURTHER = {
    "other values": {
        "JAX_DEFAULT_PRNG_IMPL": "unsafe_rbg",
        "JAX_THREEFRY_PARTITIONABLE": "0",
        "JAX_LEGACY_PRNG_KEY": "warn",
        "JAX_EXPLICIT_X64_DTYPES": "allow",
        "JAX_DEFAULT_MATMUL_PRECISION": "highest",
    },
    "64 bits alone": {"JAX_ENABLE_X64": "1"},
    "checks of JAX itself": {
        "JAX_CHECK_TRACER_LEAKS": "1",
        "JAX_ENABLE_CHECKS": "1",
        "JAX_CPU_ENABLE_ASYNC_DISPATCH": "0",
    },
    "logs": {"JAX_LOG_COMPILES": "1", "JAX_TRANSFER_GUARD": "log", "JAX_EXPLAIN_CACHE_MISSES": "1"},
}
"""Settings that exclude some of `TOGETHER`, or could hide what these show."""


def summaries(settings: Mapping[str, str], parts: Sequence[str]) -> dict:
    """What the program prints under settings of JAX."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("JAX_ENABLE", "XLA_"))}
    done = subprocess.run(
        [sys.executable, str(PROGRAM), *parts],
        env={**environment, "JAX_PLATFORMS": "cpu", **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@functools.cache
def by_default(parts: tuple[str, ...]) -> dict:
    return summaries({}, parts)


def test_settings_of_all_kinds_together_change_nothing():
    found = summaries(TOGETHER, QUICK)
    assert found == by_default(QUICK)


@pytest.mark.long
@pytest.mark.parametrize("settings", [TOGETHER, DEVICES], ids=["together", "devices"])
def test_settings_change_no_environment_evaluation_or_learner(settings):
    found = summaries(settings, ALL)
    assert found == by_default(ALL)


@pytest.mark.long
@pytest.mark.parametrize("settings", FURTHER.values(), ids=FURTHER)
def test_further_settings_change_nothing(settings):
    found = summaries(settings, QUICK)
    assert found == by_default(QUICK)


@pytest.mark.long
def test_without_compilation_the_flight_is_the_same_but_for_rounding():
    parts = "one_step", "sarsa"
    found, expected = summaries({"JAX_DISABLE_JIT": "1"}, parts), by_default(parts)
    for part in parts:
        assert found[part].get("sum") == pytest.approx(expected[part]["sum"], rel=1e-4), found[part]


FLY = "from ble_env import BalloonEnv; BalloonEnv(wind_field='simple')"


@pytest.mark.long
@pytest.mark.parametrize("platform", ["cuda", "tpu", "nonsense"])
def test_a_platform_that_does_not_start_is_named_in_one_line(platform):
    environment = {**os.environ, "JAX_PLATFORMS": platform}
    done = subprocess.run([sys.executable, "-c", FLY], env=environment, capture_output=True, text=True, check=False)
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ble_env.host.devices.PlatformError: JAX cannot start the platform ")
    assert repr(platform) in last and "JAX_PLATFORMS=cpu" in last


@pytest.mark.parametrize(
    "command",
    [
        "ble-eval run --agent random --seeds 1 --output-dir",
        pytest.param("ble-train run --agent ppo --base-dir", marks=pytest.mark.long),
    ],
)
def test_command_lines_say_so_without_a_traceback(command, tmp_path):
    program, *words = command.split()
    done = subprocess.run(
        [str(Path(sys.executable).with_name(program)), *words, str(tmp_path / "run")],
        env={**os.environ, "JAX_PLATFORMS": "cuda"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1 and "JAX_PLATFORMS=cpu" in done.stderr
