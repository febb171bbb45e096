"""Winds on grids of users: look-up on uneven axes, when episodes begin, and what is refused."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ble_sim.flight import initial_state, step
from ble_sim.precision import precision_scope
from ble_sim.scenario import make_params, sample_scenario
from ble_sim.sky import geodesy
from ble_sim.wind.field import WindField
from ble_sim.wind.fields.grid import FORECAST_SECONDS, MAX_DISTANCE
from ble_sim.wind.fields.reanalysis import GriddedWindField, WindGridError

HOURS = np.array([0, 6, 12, 24, 36, 54, 60, 72])
AXES = {
    "time": np.datetime64("2012-03-01T00") + HOURS.astype("timedelta64[h]"),
    "pressure": np.array([5000.0, 7000.0, 10_000.0, 12_500.0, 15_000.0]),
    "latitude": np.array([5.0, 2.0, 1.0, -1.0, -3.0, -6.0]),
    "longitude": np.array([350.0, 354.0, 357.0, 359.0, 362.0]) % 360.0,
}
STATION = {"station_latitude": 0.5, "station_longitude": -3.5}


def linear_winds(axes=AXES, station=-3.5):
    """Winds that are linear in every coordinate, so that interpolation is exact."""
    east = (axes["longitude"] - station + 180.0) % 360.0 - 180.0
    t, p, latitude, longitude = np.meshgrid(
        hours_since_start(axes["time"]), axes["pressure"], axes["latitude"], east, indexing="ij"
    )
    return winds_at(t, p, latitude, longitude)


def hours_since_start(time):
    return (time - np.datetime64("2012-03-01T00")) / np.timedelta64(1, "h")


def winds_at(hours, pressure, latitude, east):
    return 0.5 * hours + 2.0 * latitude, pressure / 1000.0 - 3.0 * east


def make(axes=AXES, **changes):
    u, v = linear_winds(axes)
    return GriddedWindField.from_arrays(**{"u": u, "v": v, **axes, **STATION, **changes})


def forecast_of(field, seed=0):
    return field.sample(field.parameters(), jax.random.PRNGKey(seed), jnp.int32(1_330_000_000))


def look_up(field, forecast, x, y, pressure, hours, precision):
    place = [jnp.asarray(c, precision) for c in (x, y, pressure)]
    return jax.jit(field.wind)(forecast, *place, jnp.int32(hours * 3600))


@pytest.mark.parametrize(("x", "y"), [(0.0, 0.0), (-312_000.0, 87_000.0), (200_000.0, -400_000.0)])
def test_linear_winds_are_looked_up_exactly_on_uneven_axes(precision, x, y):
    field = make(start="2012-03-01T00")
    pressure = np.array([5000.0, 6500.0, 9000.0, 13_999.0])
    latitude, longitude = geodesy.position(*(jnp.asarray(c, precision) for c in (0.5, -3.5, x, y)))
    for hours in (0, 7, 47.5):
        expected = winds_at(hours, pressure, float(latitude), float(longitude) + 3.5)
        found = look_up(field, forecast_of(field), x, y, pressure, hours, precision)
        assert found[0].dtype == found[1].dtype == precision
        for component, value in zip(found, expected, strict=True):
            np.testing.assert_allclose(component, np.broadcast_to(value, pressure.shape), atol=1e-4, rtol=0)


def test_beyond_the_edges_the_wind_is_that_of_the_edge(precision):
    field = make(start="2012-03-01T00")
    forecast = forecast_of(field)
    at = functools.partial(look_up, field, forecast, precision=precision)
    for far, near in [
        ((9e6, 0.0, 8000.0, 1), (MAX_DISTANCE, 0.0, 8000.0, 1)),
        ((0.0, 0.0, 100.0, 1), (0.0, 0.0, 5000.0, 1)),
        ((0.0, 0.0, 2e4, 1), (0.0, 0.0, 15_000.0, 1)),
        ((0.0, 0.0, 8000.0, 500), (0.0, 0.0, 8000.0, 48)),
    ]:
        np.testing.assert_array_equal(at(*far), at(*near))


def test_a_column_and_a_stack_are_looked_up_like_single_points(precision):
    field = make()
    forecasts = jax.tree.map(lambda *leaves: jnp.stack(leaves), *(forecast_of(field, seed) for seed in range(4)))
    place = [jnp.asarray(c, precision) for c in (12_000.0, -30_000.0, [6000.0, 11_000.0])]
    for index in range(4):
        one = jax.tree.map(lambda leaf, index=index: leaf[index], forecasts)
        expected = field.wind(one, *place, jnp.int32(7000))
        np.testing.assert_allclose(field.wind_in_stack(forecasts, jnp.int32(index), *place, jnp.int32(7000)), expected)
        np.testing.assert_allclose(
            WindField.wind_in_stack(field, forecasts, jnp.int32(index), *place, jnp.int32(7000)), expected
        )


def test_episodes_begin_at_times_that_leave_two_days():
    field = make()
    assert [int(start) // 3600 for start in field.axes.starts - field.axes.time[0]] == [0, 6, 12, 24]
    sample = jax.jit(jax.vmap(field.sample, (None, 0, None)))
    forecast = sample(field.parameters(), jax.random.split(jax.random.PRNGKey(0), 64), jnp.int32(0))
    assert forecast.wind.shape[1] == forecast.times.shape[1] == field.axes.window
    begins = {int(-times[0]) // 3600 if times[0] < 0 else 0 for times in np.asarray(forecast.times)}
    assert begins == {0, 12}  # A window of fixed length may reach back to before the start.
    for times in np.asarray(forecast.times):
        assert times.min() <= 0 and times.max() >= FORECAST_SECONDS
    # The wind at the start is that of one of the times, in every episode.
    for index in range(8):
        one = jax.tree.map(lambda leaf, index=index: leaf[index], forecast)
        u, _ = look_up(field, one, 0.0, 0.0, 8000.0, 0, "float32")
        assert round((float(u) - 1.0) / 0.5, 3) in {0, 6, 12, 24}


def test_a_start_between_two_times():
    field = make(start="2012-03-01T09:00")
    u, _ = look_up(field, forecast_of(field), 0.0, 0.0, 8000.0, 2, "float32")
    assert float(u) == pytest.approx(0.5 * 11 + 1.0, abs=1e-4)
    assert field.axes.window == len(field.axes.time) == 6  # 6 to 60 h


def at_hours(hours, **changes):
    """The winds at other times; they begin again after 1000 hours, to stay winds."""
    hours = np.asarray(hours)
    axes = {**AXES, "time": np.datetime64("2012-03-01T00") + hours.astype("timedelta64[h]")}
    u, v = linear_winds({**axes, "time": np.datetime64("2012-03-01T00") + (hours % 1000).astype("timedelta64[h]")})
    return make(axes, u=u / 10.0, v=v, **changes)


def hours_of_starts(field):
    return ((field.axes.starts - np.datetime64("2012-03-01T00", "s").astype(int)) / 3600).tolist()


@pytest.mark.parametrize(
    ("hours", "starts"),
    [
        ([*range(0, 61, 6)], [0, 6, 12]),
        ([*range(48)], [0]),  # two whole days: the last hour keeps its wind
        ([0, 24], [0]),
        ([*range(0, 49, 3), *range(54, 97, 6)], [*range(0, 49, 3)]),  # steps that become longer are no gap
        ([*range(50), *range(55, 110)], [0, 1, *range(55, 62)]),
        ([*range(30), *range(40, 90)], [40, 41]),
        ([*range(48), *range(2160, 2208)], [0, 2160]),
    ],
)
@pytest.mark.filterwarnings("ignore:The winds have a gap")
def test_no_episode_flies_through_a_gap(hours, starts):
    field = at_hours(hours)
    assert hours_of_starts(field) == starts
    parameters = field.parameters()
    for start, first in zip(parameters["starts"], parameters["first"], strict=True):
        times = (parameters["times"][first : first + field.axes.window] - start).tolist()
        assert times[0] <= 0 and times == sorted(times)
        end = np.searchsorted(times, FORECAST_SECONDS)
        assert max(np.diff(times[: end + 1])) <= 24 * 3600


@pytest.mark.filterwarnings("ignore:The winds have a gap")
def test_the_last_wind_before_a_gap_is_kept_for_one_step():
    hours = [*range(48), *range(2160, 2208)]
    for start in ("2012-03-01T00", "2012-05-30T00"):
        field = at_hours(hours, start=start)
        begin = hours_since_start(np.datetime64(start)) % 1000
        for hour, expected in [
            (0, begin),
            (46.5, begin + 46.5),
            (47.5, begin + 47),
            (48, begin + 47),
            (500, begin + 47),
        ]:
            u, _ = look_up(field, forecast_of(field), 0.0, 0.0, 8000.0, hour, "float32")
            assert float(u) == pytest.approx((0.5 * expected + 1.0) / 10.0, abs=1e-3)


def test_a_gap_is_warned_of():
    with pytest.warns(
        UserWarning, match="a gap of 88 days from 2012-03-02T23:00:00 to 2012-05-30T00:00:00. No .* 2 of 96"
    ):
        at_hours([*range(48), *range(2160, 2208)])


def test_times_of_a_century_do_not_overflow():
    hours = np.arange(0, 24 * 366 * 90, 24)
    field = at_hours(hours)
    assert field.axes.starts.size == hours.size - 2
    parameters = field.parameters()
    late = parameters["times"][-3:] - parameters["starts"][-1]
    np.testing.assert_array_equal(late, [0, 86400, 2 * 86400])


@pytest.mark.parametrize(
    ("start", "same"),
    [
        ("2012-03-01T07:00+01:00", "2012-03-01T06:00"),
        ("2012-03-01T06:00Z", "2012-03-01T06"),
        ("2012-03-01", "2012-03-01T00"),
    ],
)
def test_a_start_may_have_an_offset_from_utc(start, same):
    assert make(start=start) == make(start=same)


@pytest.mark.parametrize(
    ("hours", "changes", "message"),
    [
        ([0, 6, 12], {}, "time goes from 2012-03-01T00:00:00 to 2012-03-01T12:00:00, 12 hours, but an episode has 48"),
        ([0, 720, 1440, 2160], {}, "time has gaps of up to 30 days.* no 48 hours"),
        ([*range(40), *range(60, 90)], {}, "time has gaps of up to 21 hours, the first from 2012-03-02T15:00:00 to"),
        (
            [*range(73)],
            {"start": "2012-03-02T06:00"},
            "start is 2012-03-02T06:00, but .* end at 2012-03-04T00:00:00.*choose a",
        ),
        (
            [*range(73), *range(100, 160)],
            {"start": "2012-03-04T00:00"},
            "start is .* without a gap end at 2012-03-04T00:00:00",
        ),
    ],
)
def test_times_without_48_hours_are_refused(hours, changes, message):
    with pytest.raises(WindGridError, match=message):
        at_hours(hours, **changes)


def test_only_what_can_be_reached_is_kept():
    axes = {**AXES, "latitude": np.arange(-90.0, 91.0, 1.5), "longitude": np.arange(0.0, 360.0, 1.5)}
    u, v = linear_winds(axes)
    field = GriddedWindField.from_arrays(
        np.clip(u, -99, 99), np.clip(v, -99, 99), **axes, station_latitude=0.0, station_longitude=359.0
    )
    assert field.axes.longitude[0] >= -7 and field.axes.longitude[-1] <= 7
    assert field.axes.latitude[0] >= -7 and field.axes.latitude[-1] <= 7
    assert 0.0 < field.axes.longitude[np.searchsorted(field.axes.longitude, 0.0)] <= 1.0


def test_points_may_come_in_any_order_and_twice():
    order = {
        "time": [3, 0, 1, 2, 7, 6, 5, 4, 3],
        "pressure": [4, 0, 2, 2, 1, 3],
        "latitude": [0, 1, 2, 3, 5, 4, 5],
        "longitude": [2, 1, 0, 3, 4],
    }
    u, v = (wind[np.ix_(*order.values())] for wind in linear_winds())
    axes = {name: AXES[name][places] for name, places in order.items()}
    axes["longitude"] = axes["longitude"] + 360.0
    assert make(axes, u=u, v=v) == make()
    u[8, 0, 0, 0] = np.nan  # missing once
    assert make(axes, u=u, v=v) == make()
    u[8, 0, 0, 1] += 3.0
    with pytest.raises(
        WindGridError, match="u has two values at 1 of 8 points along time, first at time 2012-03-02T00"
    ):
        make(axes, u=u, v=v)


def test_fields_of_the_same_winds_are_equal_and_hash_alike():
    assert make() == make()
    assert make().digest() == make().digest() != make(start="2012-03-01T00").digest()
    assert hash(make()) == hash(make())
    assert make() != make(start="2012-03-01T00")
    assert make() != make(u=linear_winds()[0] + 1.0)
    assert make() != make(station_latitude=0.6)


def changed(name, change):
    return {**AXES, name: change(AXES[name])}


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        (changed("time", lambda time: hours_since_start(time)), "time is of type float64: give datetime64"),
        (changed("time", lambda time: np.where(time == time[1], np.datetime64("NaT"), time)), "time has gaps"),
        (changed("pressure", lambda pressure: pressure / 100), "above all balloons. If these are hPa, correct"),
        (changed("pressure", lambda pressure: pressure * 10), "150000 Pa, which no atmosphere has: these numbers are"),
        (
            changed("pressure", lambda pressure: pressure[:1]),
            "pressure has 1 point: give an axis of two points or more",
        ),
        (
            changed("latitude", lambda latitude: latitude + 40),
            "station's latitude 0.5 is not in the grid, which goes from 34",
        ),
        (changed("latitude", lambda latitude: latitude * 40), "latitude goes from -240 to 200: give degrees"),
        (changed("longitude", lambda longitude: (longitude + 90) % 360), "station's longitude -3.5 is not in the grid"),
        (changed("longitude", lambda longitude: np.full(5, 1.0)), "longitude has 1 point"),
        (changed("longitude", lambda longitude: longitude * 1000), "give degrees"),
        (changed("longitude", lambda longitude: np.where(longitude == 2, np.nan, longitude)), "longitude has gaps"),
    ],
)
def test_axes_that_make_no_grid_are_refused_with_the_remedy(axes, message):
    u = np.zeros([np.size(axis) for axis in axes.values()])
    with pytest.raises(WindGridError, match=message):
        GriddedWindField.from_arrays(u, u, **axes, **STATION)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"u": np.zeros((2, 3))}, r"u has the shape \(2, 3\).*transpose"),
        ({"u": linear_winds()[0] * 100}, "u reaches 4600 m/s, which no wind does"),
        ({"start": "yesterday"}, "start is 'yesterday': give a UTC time"),
        ({"start": "2013-01-01"}, "start is 2013-01-01, but the grid goes from 2012-03-01"),
    ],
)
def test_winds_and_starts_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(WindGridError, match=message):
        make(**changes)


def test_gaps_are_named_by_their_place():
    _, v = linear_winds()
    v[2, 1, 3, 0] = np.nan
    message = "v has gaps: 1 of .* 2012-03-01T12:00:00, 7000 Pa, latitude -1, -6.5 degrees east of the station"
    with pytest.raises(WindGridError, match=message):
        make(v=v)


@pytest.mark.long
def test_balloons_fly_in_a_gridded_wind():
    field = make()
    with precision_scope("float32"):
        params = make_params(field)
        keys = jax.random.split(jax.random.PRNGKey(1), 3)
        scenarios = jax.vmap(lambda key: sample_scenario(field, params, key))(keys)
        states = jax.vmap(lambda scenario: initial_state(field, scenario))(scenarios)
        fly = jax.jit(jax.vmap(functools.partial(step, field), (0, 0, None)))
        before = states.balloon.x
        for _ in range(2):
            states = fly(scenarios, states, 1)
    assert np.isfinite(states.balloon.x).all()
    assert (states.balloon.x != before).all()
