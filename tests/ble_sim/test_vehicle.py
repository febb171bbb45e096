"""Balloons of other constants: what is refused, and how they differ in flight."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ble_sim.balloon.altitude_control import Action
from ble_sim.balloon.vehicle import Compressor, Film, Panels, Shadow, Vehicle, check_vehicle, vehicle_arrays
from ble_sim.constants import EPISODE_STEPS
from ble_sim.flight import initial_state, step
from ble_sim.precision import precision_scope
from ble_sim.scenario import make_params, sample_scenario
from ble_sim.state import BalloonStatus
from ble_sim.wind.fields.layers import SimpleStaticWindField

WIND_FIELD = SimpleStaticWindField()
BENCHMARK = Vehicle()


@jax.jit
def fly(params, actions):
    """The balloons of an episode that fly the actions [step, flight] side by side, [step, flight]."""
    scenario = sample_scenario(WIND_FIELD, params, jax.random.PRNGKey(5))
    start = initial_state(WIND_FIELD, scenario)

    def fly_one(actions):
        def take(state, action):
            state = step(WIND_FIELD, scenario, state, action)
            return state, state.balloon

        return jax.lax.scan(take, start, actions)[1]

    return jax.vmap(fly_one, in_axes=1, out_axes=1)(actions)


@functools.cache
def flown(vehicle: Vehicle):
    """Two days of all STAY, all DOWN, all UP, and of three hours DOWN and three hours UP in turn."""
    steps = np.arange(EPISODE_STEPS)
    in_turn = np.where(steps % 120 < 60, Action.DOWN, Action.UP)
    held = [np.full(EPISODE_STEPS, action) for action in (Action.STAY, Action.DOWN, Action.UP)]
    with precision_scope("float64"):
        return jax.device_get(fly(make_params(WIND_FIELD, vehicle), jnp.asarray(np.stack([*held, in_turn], axis=1))))


STAY, DOWN, UP, IN_TURN = range(4)

TRANSPARENT = dataclasses.replace(BENCHMARK, film=Film(solar_absorptivity=0.004))
DARK = dataclasses.replace(BENCHMARK, film=Film(solar_absorptivity=0.018))
STRONG_PUMP = Compressor(
    power_ratios=(1.0, 1.1, 1.2, 1.3, 1.4),
    powers=(150.0, 200.0, 250.0, 300.0, 350.0),
    efficiencies=((0.5, 0.5, 0.5, 0.5),) * 13,
)
PUMPING = dataclasses.replace(BENCHMARK, compressor=STRONG_PUMP)
LARGE_PANELS = dataclasses.replace(BENCHMARK, panels=Panels((8.0, 4.0), (20.0, 80.0), (12.0, 12.0)))
EXTREME = Vehicle(
    envelope_volume_base=20_000.0,
    envelope_volume_per_pressure=0.2,
    envelope_mass=500.0,
    envelope_max_superpressure=3000.0,
    safety_max_superpressure=3000.0,
    payload_mass=900.0,
    mols_lift_gas=68_000.0,
    film=Film(1900.0, 0.05, 0.02, 0.08, 0.0),
    compressor=dataclasses.replace(
        STRONG_PUMP, powers=(2000.0,) * 5, efficiency_powers=(500.0, 1000.0, 1500.0, 2000.0)
    ),
    valve_diameter=0.12,
    panels=Panels(counts=(40.0, 0.0), depths=(10.0, 2.7)),
    shadow=Shadow(17.0, 20.0, 0.6),
    battery_capacity=30_000.0,
    battery_initial_charge=30_000.0,
)


def test_vehicles_compare_by_their_values():
    assert Vehicle() == BENCHMARK and hash(Vehicle()) == hash(BENCHMARK)
    assert PUMPING != BENCHMARK and TRANSPARENT != BENCHMARK and LARGE_PANELS != BENCHMARK


def test_arrays_have_the_values_and_a_dtype():
    arrays = vehicle_arrays(BENCHMARK, np.float32)
    assert arrays.compressor.efficiencies.shape == (13, 4) and arrays.panels.tilts[1] == 65.0
    assert {str(leaf.dtype) for leaf in jax.tree.leaves(arrays)} == {"float32", "bool"}
    jax.tree.map(np.testing.assert_array_equal, vehicle_arrays(arrays, np.float32), arrays)


def test_a_film_that_absorbs_less_sunlight_keeps_the_balloon_cooler():
    cool, usual, warm = (flown(vehicle) for vehicle in (TRANSPARENT, BENCHMARK, DARK))
    is_day = usual.solar_power[:, STAY] > 500.0
    assert is_day.any()
    for low, high in ((cool, usual), (usual, warm)):
        assert (low.internal_temperature[is_day, STAY] < high.internal_temperature[is_day, STAY]).all()
        assert low.internal_temperature[:, STAY].max() + 2.0 < high.internal_temperature[:, STAY].max()
        assert low.superpressure[:, STAY].max() + 100.0 < high.superpressure[:, STAY].max()


def test_a_stronger_compressor_takes_the_balloon_down_faster():
    usual, pumping = flown(BENCHMARK), flown(PUMPING)
    half_hour = slice(0, 10)
    assert pumping.pressure[half_hour, DOWN].max() > usual.pressure[half_hour, DOWN].max() + 200.0
    assert pumping.mols_air[half_hour, DOWN].max() > usual.mols_air[half_hour, DOWN].max() + 100.0
    power = pumping.acs_power[pumping.effective_action == Action.DOWN]
    assert power.min() >= 150.0 and power.max() <= 350.0


def test_panels_far_below_the_shadow_give_more():
    usual, large = flown(BENCHMARK), flown(LARGE_PANELS)
    is_day = usual.solar_power[:, STAY] > 500.0
    assert (large.solar_power[is_day, STAY] > usual.solar_power[is_day, STAY]).all()
    np.testing.assert_array_equal(large.pressure[:100, STAY], usual.pressure[:100, STAY])


def test_an_extreme_balloon_flies_by_the_same_physics():
    balloon = flown(EXTREME)
    for leaf in jax.tree.leaves(balloon):
        assert np.isfinite(leaf).all()
    assert (balloon.status == BalloonStatus.OK).all()
    assert balloon.volume.min() > 19_000.0
    assert (balloon.pressure > 3000.0).all() and (balloon.pressure < 14_000.0).all()
    assert np.ptp(balloon.pressure[:, IN_TURN]) > 300.0


def test_all_balloons_share_one_compiled_program():
    for vehicle in (BENCHMARK, TRANSPARENT, DARK, PUMPING, LARGE_PANELS, EXTREME):
        flown(vehicle)
    assert fly._cache_size() == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"envelope_mass": 0.0}, r"vehicle\.envelope_mass is 0\.0: it must be above 0"),
        ({"battery_capacity": float("nan")}, r"vehicle\.battery_capacity is nan"),
        ({"payload_mass": -1.0}, r"vehicle\.payload_mass is -1\.0: it must be at least 0"),
        ({"film": Film(reflectivity=1.5)}, r"vehicle\.film\.reflectivity is 1\.5: .* fraction"),
        ({"film": Film(reflectivity=0.99)}, r"film\.solar_absorptivity and vehicle\.film\.reflectivity"),
        ({"shadow": Shadow(transmission=-0.1)}, r"vehicle\.shadow\.transmission"),
        ({"panels": Panels(counts=(-4.0, 2.0))}, r"vehicle\.panels\.counts is \(-4\.0, 2\.0\): it must be at least 0"),
        ({"panels": Panels(counts=(4.0,))}, r"vehicle\.panels\.tilts has the shape \(2,\): it must be \(1,\)"),
        ({"compressor": Compressor(power_ratios=(1.0, 1.2, 1.1, 1.3, 1.4))}, r"compressor\.power_ratios is .* rising"),
        ({"compressor": Compressor(powers=(100.0, 200.0))}, r"compressor\.powers has the shape \(2,\): .* \(5,\)"),
        ({"compressor": Compressor(efficiencies=((0.1,),))}, r"compressor\.efficiencies has the shape \(1, 1\)"),
        ({"battery_initial_charge": 5000.0}, r"battery_initial_charge is larger"),
    ],
)
def test_nonsense_is_refused_with_the_field_named(changes, message):
    with pytest.raises(ValueError, match=message):
        check_vehicle(dataclasses.replace(BENCHMARK, **changes))


def test_only_a_vehicle_is_a_vehicle():
    with pytest.raises(TypeError, match="vehicle is of the type dict"):
        make_params(WIND_FIELD, {})  # pyright: ignore[reportArgumentType]
