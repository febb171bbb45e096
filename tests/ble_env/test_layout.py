"""Observations of the original by name, against the states that it recorded with them."""

import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ble_env.observation.layout import (
    CENTER_LEVEL,
    FIRST_WIND_FEATURE,
    NUM_FEATURES,
    NUM_RELATIVE_LEVELS,
    UNREACHABLE,
    Feature,
    NamedFeatures,
    named_features,
)

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def recorded() -> dict[str, np.ndarray]:
    with np.load(DATA / "observations.npz") as archive:
        return dict(archive)


@pytest.fixture(scope="module")
def named(recorded) -> NamedFeatures:
    return named_features(recorded["obs"])


def test_the_layout_has_the_sizes_of_the_benchmark():
    assert (NUM_FEATURES, NUM_RELATIVE_LEVELS, CENTER_LEVEL, FIRST_WIND_FEATURE) == (1099, 361, 180, 16)
    assert Feature.PRESSURE_RATIO == FIRST_WIND_FEATURE - 1


def test_balloon_features_are_the_recorded_state_in_its_units(recorded, named):
    heading = np.arctan2(-recorded["x"], -recorded["y"])
    np.testing.assert_allclose(named.pressure, recorded["pressure"], atol=2e-3)
    np.testing.assert_allclose(named.battery, recorded["battery_soc"], atol=1e-7)
    np.testing.assert_allclose(named.distance, np.hypot(recorded["x"], recorded["y"]) / 1000, atol=1e-3)
    np.testing.assert_allclose(named.sin_heading, np.sin(heading), atol=1e-6)
    np.testing.assert_allclose(named.cos_heading, np.cos(heading), atol=1e-6)
    np.testing.assert_allclose(named.pressure_ratio, recorded["pressure_ratio"], rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("last_command", "last_command"),
        ("navigation_paused", "nav_paused"),
        ("excess_energy", "excess_energy"),
    ],
)
def test_discrete_features_are_the_recorded_ones(recorded, named, name, column):
    assert len(np.unique(recorded[column])) > 1  # the recordings tell the values apart
    np.testing.assert_array_equal(getattr(named, name), recorded[column])


def test_reachable_levels_are_those_within_the_recorded_pressure_range(recorded, named):
    nearest = np.round((recorded["pressure"] - 5000) / 50)
    levels = 5000 + 50 * (nearest[:, None] + np.arange(-180, 181))
    lowest, highest = recorded["range_min_pressure"][:, None], recorded["range_max_pressure"][:, None]
    inside = (levels >= np.maximum(lowest, 5000)) & (levels <= np.minimum(highest, 14000))
    np.testing.assert_array_equal(named.reachable, inside)


def test_the_wind_at_the_center_is_the_one_just_measured(recorded, named):
    here = named.reachable[:, CENTER_LEVEL]
    u, v, x, y = (recorded[name] for name in ("wind_u", "wind_v", "x", "y"))
    angle = np.arccos(-(u * x + v * y) / np.hypot(u, v) / np.hypot(x, y))
    assert np.abs(named.wind_speed[:, CENTER_LEVEL] - np.hypot(u, v))[here].max() < 0.5  # m/s
    assert np.abs(named.bearing[:, CENTER_LEVEL] - angle)[here].max() < 0.25  # rad
    assert named.uncertainty[:, CENTER_LEVEL].max() < 0.15


def test_angles_and_powers_are_rescaled():
    obs = np.zeros(NUM_FEATURES, np.float32)
    obs[Feature.SOLAR_ELEVATION], obs[Feature.POWER_TO_USE] = 0.75, 0.25
    obs[Feature.SIN_SOLAR_CYCLE], obs[Feature.COS_SOLAR_CYCLE] = 0.6, -0.8
    named = named_features(obs)
    assert named.solar_elevation == 45.0
    assert named.power_to_use == 150.0
    np.testing.assert_allclose([named.sin_solar_cycle, named.cos_solar_cycle], [0.6, -0.8], rtol=1e-6)


def test_a_level_is_out_of_reach_only_as_the_exact_triple():
    obs = np.zeros(NUM_FEATURES, np.float32)
    column = obs[FIRST_WIND_FEATURE:].reshape(NUM_RELATIVE_LEVELS, 3)
    column[:] = UNREACHABLE
    column[7] = (1e-6, 1.0, 1.0)
    column[8] = (0.0, np.nextafter(np.float32(1), np.float32(0)), 1.0)
    column[9] = (0.0, 1.0, 0.5)
    with np.errstate(all="raise"):
        named = named_features(obs)
    np.testing.assert_array_equal(np.flatnonzero(named.reachable), [7, 8, 9])
    assert named.wind_speed[9] == 30.0
    assert np.isinf(named.wind_speed[10])


@pytest.mark.parametrize("convert", [jnp.asarray, np.asarray], ids=["jax", "numpy"])
def test_batches_and_single_observations_agree_in_type_and_value(recorded, convert):
    batch = named_features(convert(recorded["obs"][:6].reshape(2, 3, -1)))
    single = named_features(convert(recorded["obs"][4]))
    for in_batch, alone in zip(batch, single, strict=True):
        np.testing.assert_array_equal(in_batch[1, 1], alone)
        assert in_batch.dtype == alone.dtype
        assert in_batch.dtype in (np.float32, bool, int, np.int32)
        assert isinstance(in_batch, type(convert([0])))


def test_jit_vmap_and_numpy_give_the_same(recorded, named):
    for field, compiled in zip(named, jax.jit(jax.vmap(named_features))(recorded["obs"]), strict=True):
        np.testing.assert_allclose(compiled, field, rtol=1e-6, atol=1e-5)


def test_float64_stays_float64(recorded):
    with jax.enable_x64(True):
        assert named_features(jnp.asarray(recorded["obs"], jnp.float64)).wind_speed.dtype == jnp.float64
    assert named_features(recorded["obs"].astype(np.float64)).wind_speed.dtype == np.float64


@pytest.mark.parametrize("shape", [(), (1098,), (1099, 3)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match=r"shape \(\.\.\., 1099\), this one has"):
        named_features(np.zeros(shape, np.float32))


def test_the_module_imports_no_jax():
    code = "import sys, ble_env.observation.layout; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
