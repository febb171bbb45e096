"""Forecasts, their look-up, and the true wind, against recordings."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from recordings import NUM_SEEDS, POLICIES, flights, load

from ble_sim.files.models import ModelFileError
from ble_sim.plugins import UnknownNameError, WindFieldRegistration
from ble_sim.plugins.registries import WIND_FIELDS
from ble_sim.wind.field import WindField, forecast_and_error, forecast_at
from ble_sim.wind.fields.generative import GenerativeWindField
from ble_sim.wind.fields.grid import FORECAST_SECONDS, GRID_SHAPE, MAX_DISTANCE, MAX_PRESSURE, MIN_PRESSURE, interpolate
from ble_sim.wind.fields.layers import SimpleStaticWindField
from ble_sim.wind.fields.options import GenerativeOptions, UniformShearOptions
from ble_sim.wind.fields.shear import UniformShearWindField
from ble_sim.wind.forecast_options import ForecastOptions
from ble_sim.wind.noise import wind_noise

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
    measure = jax.jit(
        jax.vmap(lambda *place: forecast_and_error(GenerativeWindField(), *place), (None, None, 0, 0, 0, 0))
    )
    for i, seed in enumerate(recorded["env_seed"]):
        points = recorded["points_x_y_p_t"][i].T
        assert np.abs(points[:2]).max() > MAX_DISTANCE and points[3].max() > FORECAST_SECONDS
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


def test_the_uniform_shear_turns_and_grows_linearly(precision):
    pressure = np.array([5000.0, 9500.0, 14_000.0])
    u, v = UniformShearWindField(UniformShearOptions(speed=10.0, speed_shear=1.0, heading_shear=40.0)).wind(
        (), *coordinates(1.0, 2.0, pressure, 0, precision)
    )
    np.testing.assert_allclose(np.hypot(u, v), [5.5, 10.0, 14.5], rtol=1e-6)
    np.testing.assert_allclose(np.degrees(np.arctan2(v, u)) % 360.0, [180.0, 0.0, 180.0], atol=1e-3)
    assert u.dtype == v.dtype == precision
    options = UniformShearOptions(
        reference_pressure=8000.0, speed=2.0, speed_shear=0.0, heading=90.0, heading_shear=-45.0
    )
    field = UniformShearWindField(options)
    u, v = field.wind((), *coordinates(1.0, 2.0, [8000.0, 10_000.0, 6000.0], 0, precision))
    np.testing.assert_allclose(u, [0.0, 2.0, -2.0], atol=1e-6)
    np.testing.assert_allclose(v, [2.0, 0.0, 0.0], atol=1e-6)


def test_wind_fields_take_their_options_by_name():
    field = WIND_FIELDS.make("uniform_shear", options=UniformShearOptions(speed=3.0))
    assert field == UniformShearWindField(UniformShearOptions(speed=3.0))
    assert field != WIND_FIELDS.make("uniform_shear")
    assert hash(field) == hash(UniformShearWindField(UniformShearOptions(speed=3.0)))
    with pytest.raises(TypeError, match=r"options of wind field 'uniform_shear' are a .*UniformShearOptions, not"):
        WIND_FIELDS.make("uniform_shear", options=GenerativeOptions())
    with pytest.raises(TypeError, match="options_type of wind field 'kite' is no dataclass"):
        WindFieldRegistration("kite", SimpleStaticWindField, options_type=int)
    for name in WIND_FIELDS.names():
        assert WIND_FIELDS.get(name).summary


@pytest.fixture
def own_weights(tmp_path):
    """A decoder of 3 latents and 5 hidden units."""
    rng = np.random.default_rng(0)
    widths = [3, 5, 5, 5, 4410]
    weights = {}
    for layer, (inputs, outputs) in enumerate(itertools.pairwise(widths)):
        weights[f"w{layer}"] = rng.normal(size=(inputs, outputs)).astype(np.float32)
        weights[f"b{layer}"] = rng.normal(size=outputs).astype(np.float32)
    np.savez(tmp_path / "own.npz", **weights)
    return tmp_path / "own.npz", weights


def test_a_generative_field_takes_weights_of_a_file(own_weights):
    file, weights = own_weights
    field = WIND_FIELDS.make("generative", options=GenerativeOptions(str(file)))
    assert field == GenerativeWindField(GenerativeOptions(str(file))) != GenerativeWindField()
    parameters = field.parameters()
    key = jax.random.PRNGKey(0)
    sampled = field.sample(parameters, key, jnp.int32(0))
    assert sampled.shape == GRID_SHAPE
    assert len(weights) == len(parameters)


def test_weights_may_be_in_the_home_folder(own_weights, monkeypatch):
    file, _ = own_weights
    monkeypatch.setenv("HOME", str(file.parent))
    assert len(GenerativeWindField(GenerativeOptions("~/own.npz")).parameters()) == 8


def test_a_digest_tells_winds_apart_by_content(own_weights):
    file, weights = own_weights
    field = GenerativeWindField(GenerativeOptions(str(file)))
    before = field.digest()
    assert before == GenerativeWindField(GenerativeOptions(str(file))).digest()
    assert before != GenerativeWindField().digest() == GenerativeWindField().digest()
    np.savez(file, **{**weights, "b0": weights["b0"] + 1.0})
    assert field.digest() != before
    assert SimpleStaticWindField().digest() != UniformShearWindField().digest()
    assert field == GenerativeWindField(GenerativeOptions(str(file)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"w0": None}, "has no array 'w0', but b0, b1"),
        ({"b3": np.zeros(44, np.float32)}, r"'b3' has the shape \(44,\) in place of \(4410,\)"),
        ({"b1": np.zeros(4, np.float32)}, "layers 1 and 2 do not fit together"),
        ({"w1": np.zeros((6, 5), np.float32)}, "layers 0 and 1 do not fit together"),
        ({"b0": np.full(5, np.nan, np.float32)}, "'b0' is not finite"),
    ],
)
def test_weights_that_are_no_decoder_are_refused(own_weights, changes, message):
    file, weights = own_weights
    np.savez(file, **{name: array for name, array in {**weights, **changes}.items() if array is not None})
    with pytest.raises(ModelFileError, match=message):
        GenerativeWindField(GenerativeOptions(str(file))).parameters()


def test_weights_that_are_no_file_are_refused(tmp_path):
    with pytest.raises(ModelFileError, match="There are no weights 'offlineskies23': give 'offlineskies22' or"):
        GenerativeWindField(GenerativeOptions("offlineskies23"))
    (tmp_path / "text.npz").write_text("no weights")
    with pytest.raises(ModelFileError, match="cannot be read"):
        GenerativeWindField(GenerativeOptions(str(tmp_path / "text.npz"))).parameters()


def test_wind_fields_are_made_by_name():
    assert WIND_FIELDS.make("simple") == SimpleStaticWindField()
    assert WIND_FIELDS.make("generative") == GenerativeWindField()
    with pytest.raises(UnknownNameError, match="Did you mean 'generative'"):
        WIND_FIELDS.make("generativ")


def test_a_wind_looked_up_in_a_stack_is_that_of_the_forecast(episodes, precision):
    forecasts = episodes(precision).forecast[:5]
    field = GenerativeWindField()
    for place in (0, 3):
        point = coordinates(-123e3, 456e3, [5000.0, 8765.4, 13e3], 100_000, precision)
        expected = field.wind(forecasts[place], *point)
        np.testing.assert_array_equal(field.wind_in_stack(forecasts, jnp.int32(place), *point), expected)
        np.testing.assert_array_equal(WindField.wind_in_stack(field, forecasts, jnp.int32(place), *point), expected)


GENERATIVE = GenerativeWindField()


def with_options(**options):
    return GenerativeWindField(GenerativeOptions(**options))


def wind_at(field, scenario, elapsed, precision="float32"):
    place = coordinates(30_000.0, -80_000.0, 8200.0, elapsed, precision)
    (u, v), (u_error, v_error) = forecast_and_error(field, scenario.forecast, scenario.noise, *place)
    return np.array([u, v]), np.array([u_error, v_error])


@pytest.fixture(scope="module")
def scenario(episodes):
    return jax.tree.map(lambda leaf: leaf[0], episodes("float32"))


def test_the_forecast_error_has_a_scale(scenario):
    forecast, error = wind_at(GENERATIVE, scenario, 7200)
    assert np.abs(error).min() > 0.0
    for scale in (0.0, 0.5, 3.0):
        scaled_forecast, scaled = wind_at(with_options(error_scale=scale), scenario, 7200)
        np.testing.assert_array_equal(scaled_forecast, forecast)
        np.testing.assert_allclose(scaled, scale * error, rtol=1e-6)


@pytest.mark.parametrize(("hours", "seen_at"), [(0, 0), (5, 0), (12, 0), (13, 1), (30, 18)])
def test_agents_see_a_forecast_of_some_age_and_the_wind_stays(scenario, hours, seen_at):
    aged = with_options(forecast_age_hours=12.0)
    forecast, error = wind_at(aged, scenario, hours * 3600)
    now, noise = wind_at(GENERATIVE, scenario, hours * 3600)
    np.testing.assert_array_equal(forecast, wind_at(GENERATIVE, scenario, seen_at * 3600)[0])
    np.testing.assert_allclose(forecast + error, now + noise, atol=1e-5)
    place = coordinates(30_000.0, -80_000.0, [8200.0, 9000.0], hours * 3600, "float32")
    u, _ = forecast_at(aged, scenario.forecast, *place)
    assert u.shape == (2,) and u[0] == forecast[0]


def test_the_defaults_leave_the_traced_programs_as_they_were(scenario):
    def traced(look_up):
        place = coordinates(30_000.0, -80_000.0, 8200.0, 7200, "float32")
        return str(jax.make_jaxpr(lambda *place: look_up(scenario.forecast, scenario.noise, *place))(*place))

    def before(forecast, noise, *place):
        return GENERATIVE.wind(forecast, *place), wind_noise(noise, *place)

    assert traced(lambda *arguments: forecast_and_error(GENERATIVE, *arguments)) == traced(before)


@pytest.mark.parametrize("name", ["error_scale", "forecast_age_hours"])
@pytest.mark.parametrize("value", [-0.5, float("nan"), float("inf")])
def test_impossible_forecasts_are_refused(name, value):
    with pytest.raises(ValueError, match=f"{name} must be 0 or more, got {value}"):
        GenerativeOptions(**{name: value})


@pytest.mark.parametrize("name", ["generative", "simple", "uniform_shear", "grid_file"])
def test_every_built_in_field_has_these_options(name):
    assert issubclass(WIND_FIELDS.get(name).options_type, ForecastOptions)


def test_a_field_of_others_has_the_defaults_unless_its_options_are_such():
    class Own(SimpleStaticWindField):
        options = None

    assert Own.forecast_options.fget(Own) == ForecastOptions()
    assert with_options(error_scale=2.0).forecast_options.error_scale == 2.0
    assert with_options(error_scale=2.0) != GENERATIVE
    assert GenerativeOptions("file").weights == "file"  # Options of a field come before these.
