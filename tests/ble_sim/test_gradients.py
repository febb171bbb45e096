"""Derivatives of the simulator by JAX against central differences, in float64."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from recordings import flown_steps, restore_balloon, restore_safety, restore_scenario, restore_wind

from ble_sim.balloon.altitude_control import Action
from ble_sim.flight import floating_start, initial_state, step, step_in_wind
from ble_sim.precision import precision_scope
from ble_sim.scenario import make_params, sample_scenario
from ble_sim.wind.fields.shear import UniformShearWindField

WIDTHS = {"pressure": 1e-4, "mols_air": 1e-4, "internal_temperature": 1e-6, "x": 1.0, "y": 1.0, "u": 1e-2, "v": 1e-2}
"""Of the finite differences, by what is varied."""
OUTPUTS = ("x", "y", "pressure", "internal_temperature", "mols_air", "volume", "superpressure", "battery_charge")
NUM_ROWS = 300


@functools.cache
def rows():
    """Steps from all over the recorded flights: what `step_in_wind` takes, [row]."""
    before, _ = flown_steps()
    chosen = np.linspace(0, len(before["x"]) - 1, NUM_ROWS).astype(int)
    columns = {name: column[chosen] for name, column in before.items()}
    return (
        restore_scenario(columns),
        restore_balloon(columns),
        restore_safety(columns),
        jnp.asarray(columns["elapsed"], jnp.int32),
        restore_wind(columns),
        jnp.asarray(columns["action"], jnp.int32),
    )


def outputs(changes, scenario, balloon, safety, elapsed, wind, action):
    """Outputs of one agent step, after changes of the inputs of `WIDTHS` (float[7])."""
    fields = [name for name in WIDTHS if name not in ("u", "v")]
    changed = {name: getattr(balloon, name) + changes[i] for i, name in enumerate(fields)}
    balloon = dataclasses.replace(balloon, **changed)
    after, *_ = step_in_wind(scenario, balloon, safety, elapsed, wind + changes[-2:], action)
    return jnp.stack([getattr(after, output) for output in OUTPUTS])


@jax.jit
@functools.partial(jax.vmap, in_axes=(None, None, *[0] * 6))
def differentiate(direction, width, *row):
    """Derivative along a direction, and the finite differences on either side."""
    below, here, above = (outputs(sign * width * direction, *row) for sign in (-1.0, 0.0, 1.0))
    derivative = jax.jvp(lambda changes: outputs(changes, *row), (0.0 * direction,), (direction,))[1]
    return derivative, (here - below) / width, (above - here) / width


@pytest.mark.parametrize("name", WIDTHS)
def test_one_step_has_the_derivatives_of_its_finite_differences(name):
    with precision_scope("float64"):
        direction = jnp.asarray([float(name == other) for other in WIDTHS])
        derivative, left, right = jax.device_get(differentiate(direction, WIDTHS[name], *rows()))
    assert np.isfinite(derivative).all()
    expected = (left + right) / 2.0
    tolerance = 1e-3 * np.abs(expected) + 1e-5 * np.abs(expected).max(axis=0) + 1e-9
    # The sides disagree at a kink, and where a jump is near.
    is_smooth = (np.abs(left - right) < 2.0 * tolerance).all(axis=1)
    assert is_smooth.mean() > 0.9
    np.testing.assert_array_less(np.abs(derivative - expected)[is_smooth], tolerance[is_smooth])


@pytest.fixture(scope="module")
def episode():
    field = UniformShearWindField()
    with precision_scope("float64"):
        scenario = jax.jit(functools.partial(sample_scenario, field))(make_params(field), jax.random.PRNGKey(3))
        return field, scenario, jax.jit(functools.partial(initial_state, field))(scenario)


@pytest.mark.long
def test_reverse_mode_through_several_steps_and_the_measured_wind(episode):
    """The final distance, by the first pressure and by the vehicle's constants."""
    field, scenario, state = episode
    actions = jnp.asarray([Action.DOWN, Action.UP, Action.STAY], jnp.int32)

    @jax.jit
    @jax.value_and_grad
    def distance(varied):
        balloon = dataclasses.replace(state.balloon, pressure=varied["pressure"])
        episode = dataclasses.replace(scenario, vehicle=dataclasses.replace(scenario.vehicle, **varied["vehicle"]))
        start = dataclasses.replace(state, balloon=balloon)
        end, _ = jax.lax.scan(lambda now, action: (step(field, episode, now, action), None), start, actions)
        return end.balloon.distance

    with precision_scope("float64"):
        vehicle = {name: getattr(scenario.vehicle, name) for name in ("film", "compressor", "drag_coefficient")}
        varied = {"pressure": state.balloon.pressure, "vehicle": vehicle}
        gradient = distance(varied)[1]
        leaves, structure = jax.tree.flatten(varied)
        for i, found in enumerate(jax.tree.leaves(gradient)):
            # Along one random direction of each leaf.
            direction = np.random.default_rng(i).normal(size=leaves[i].shape) * (np.abs(leaves[i]) + 0.01)
            ends = []
            for sign in (1.0, -1.0):
                changed = [*leaves[:i], leaves[i] + sign * 1e-7 * direction, *leaves[i + 1 :]]
                ends.append(distance(jax.tree.unflatten(structure, changed))[0])
            expected = (ends[0] - ends[1]) / 2e-7
            np.testing.assert_allclose(np.sum(found * direction), expected, rtol=2e-3, atol=1e-3)
        assert abs(gradient["pressure"]) > 1e-3


def test_the_equilibrium_start_has_forward_derivatives_only(episode):
    _, scenario, _ = episode

    def superpressure(pressure):
        return floating_start(scenario, scenario.start_x, scenario.start_y, pressure).superpressure

    with precision_scope("float64"):
        pressure, width = scenario.start_pressure, 1e-2
        f = jax.jit(superpressure)
        expected = (f(pressure + width) - f(pressure - width)) / (2 * width)
        _, found = jax.jvp(superpressure, (pressure,), (jnp.ones_like(pressure),))
        np.testing.assert_allclose(found, expected, rtol=1e-3)
        with pytest.raises(ValueError, match="Reverse-mode"):
            jax.grad(superpressure)(pressure)
