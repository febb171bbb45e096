"""Forecasts, their look-up, and the true wind, against recordings."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from recordings import NUM_SEEDS, POLICIES, flights, load

from ble_sim.plugins import UnknownNameError
from ble_sim.wind.field import WindField, true_wind
from ble_sim.wind.generative import GenerativeWindField
from ble_sim.wind.grid import GRID_SHAPE, HORIZON, MAX_DISTANCE, MAX_PRESSURE, MIN_PRESSURE, interpolate
from ble_sim.wind.registry import make_wind_field
from ble_sim.wind.static import SimpleStaticWindField

DECODING = 3.5e-5
"""How far float32 products, summed in another order, take the decoded wind from the recorded one [m/s]."""
KNOTS = 1e-5
"""What the reference's rounded knots and query points add to that [m/s]."""
ROUNDING = {"float64": 0.0, "float32": 2e-4}

look_up = jax.jit(interpolate)
look_up_many = jax.jit(jax.vmap(interpolate, (None, 0, 0, 0, 0)))


def coordinates(x, y, pressure, elapsed, precision):
    return [*(jnp.asarray(c, precision) for c in (x, y, pressure)), jnp.asarray(elapsed, jnp.int32)]


def test_decoded_fields(episodes):
    fields = np.asarray(episodes("float64").forecast)
    np.testing.assert_allclose(fields[0], load("fields")["seed0"], rtol=0, atol=DECODING)
    thinned = load("fields")["thinned"]
    np.testing.assert_allclose(fields[: len(thinned), ::4, ::4, ::3, ::2], thinned, rtol=0, atol=DECODING)


def test_fields_do_not_depend_on_the_precision(episodes):
    fields = (np.asarray(episodes(precision).forecast) for precision in ("float32", "float64"))
    np.testing.assert_allclose(*fields, rtol=0, atol=DECODING)


def test_forecast_and_truth_at_recorded_points_on_the_grid_and_beyond(episodes, precision):
    recorded = load("units/grid_forecast")
    measure = jax.jit(jax.vmap(lambda *place: true_wind(GenerativeWindField(), *place), (None, None, 0, 0, 0, 0)))
    for i, seed in enumerate(recorded["env_seed"]):
        points = recorded["points_x_y_p_t"][i].T
        assert np.abs(points[:2]).max() > MAX_DISTANCE and points[3].max() > HORIZON
        forecast, noise = jax.tree.map(
            lambda leaf, seed=seed: leaf[seed], (episodes(precision).forecast, episodes(precision).noise)
        )
        wind, error = measure(forecast, noise, *coordinates(*points, precision))
        atol = DECODING + KNOTS + ROUNDING[precision]
        np.testing.assert_allclose(np.stack(wind, -1), recorded["forecast_uv"][i], rtol=0, atol=atol)
        truth = np.stack(wind, -1) + np.stack(error, -1)
        np.testing.assert_allclose(truth, recorded["ground_truth_uv"][i], rtol=0, atol=atol)


def test_forecast_at_every_row_of_the_flights(episodes, precision):
    fields = episodes(precision).forecast
    for policy in POLICIES:
        columns = flights(policy)
        for seed in range(NUM_SEEDS):
            names = ("x", "y", "pressure", "elapsed")
            place = coordinates(*(columns[name][seed] for name in names), precision)
            atol = DECODING + KNOTS + ROUNDING[precision]
            for found, name in zip(look_up_many(fields[seed], *place), ("forecast_u", "forecast_v"), strict=True):
                np.testing.assert_allclose(found, columns[name][seed], rtol=0, atol=atol)


@pytest.fixture(scope="module")
def ramp():
    """A field that is linear in every coordinate (in units of the grid), so that interpolation is exact."""
    i, j, k, t = np.meshgrid(*map(np.arange, GRID_SHAPE[:4]), indexing="ij")
    return jnp.asarray(np.stack([i + 100.0 * j, k + 100.0 * t], axis=-1), jnp.float32)


def ramp_at(x, y, pressure, hours):
    i, j = 10 + np.asarray([x, y]) / 50_000.0
    k, t = (np.asarray(pressure) - 5000.0) / 1000.0, np.asarray(hours) / 6.0
    return np.broadcast_to(i + 100.0 * j, k.shape), k + 100.0 * t


@pytest.mark.parametrize(
    ("hours", "within"),
    [(0, 0), (13, 13), (47.9, 47.9), (48, 48), (50, 46), (96, 0), (100, 4), (143, 47), (145, 47)],
)
def test_time_runs_back_and_forth_between_the_ends(ramp, precision, hours, within):
    x, y, pressure, elapsed = coordinates(-120_000.0, 433_000.0, [7250.0, 13_999.0], hours * 3600, precision)
    found = look_up(ramp, x, y, pressure, elapsed)
    np.testing.assert_allclose(found, ramp_at(-120_000.0, 433_000.0, pressure, within), rtol=1e-6)


@pytest.mark.parametrize(("x", "clipped"), [(-9e6, -MAX_DISTANCE), (500_000.0, MAX_DISTANCE), (1e6, MAX_DISTANCE)])
def test_places_beyond_the_grid_take_its_edge(ramp, precision, x, clipped):
    place = coordinates(x, -x, [10.0, MIN_PRESSURE, MAX_PRESSURE, 2e4], 3600, precision)
    expected = ramp_at(clipped, -clipped, [MIN_PRESSURE, MIN_PRESSURE, MAX_PRESSURE, MAX_PRESSURE], 1)
    np.testing.assert_allclose(look_up(ramp, *place), expected, rtol=1e-6)


def test_the_simple_field_has_four_layers(precision):
    pressure = [5000.0, 7999.0, 8000.0, 9999.0, 10_000.0, 11_999.0, 12_000.0, 14_000.0]
    u, v = SimpleStaticWindField().wind((), *coordinates(1.0, 2.0, pressure, 0, precision))
    np.testing.assert_array_equal(u, [10, 10, 0, 0, -10, -10, 0, 0])
    np.testing.assert_array_equal(v, [0, 0, 10, 10, 0, 0, -10, -10])
    assert u.dtype == v.dtype == precision


def test_wind_fields_are_made_by_name():
    assert make_wind_field("simple") == SimpleStaticWindField()
    assert make_wind_field("generative") == GenerativeWindField()
    with pytest.raises(UnknownNameError, match="Did you mean 'generative'"):
        make_wind_field("generativ")


def test_a_wind_looked_up_in_a_stack_is_that_of_the_forecast(episodes, precision):
    forecasts = episodes(precision).forecast[:5]
    field = GenerativeWindField()
    for place in (0, 3):
        point = coordinates(-123e3, 456e3, [5000.0, 8765.4, 13e3], 100_000, precision)
        expected = field.wind(forecasts[place], *point)
        np.testing.assert_array_equal(field.wind_in_stack(forecasts, jnp.int32(place), *point), expected)
        np.testing.assert_array_equal(WindField.wind_in_stack(field, forecasts, jnp.int32(place), *point), expected)
