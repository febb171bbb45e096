"""A flight planned in the simulator: many balloons fly side by side in the true wind, and the best go on."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from ble_agents.planner.choice import value_to_come
from ble_agents.planner.grid import NUM_STAGES, STEPS_PER_STAGE
from ble_agents.planner.values import PlanSettings, reward_at
from ble_sim import flight
from ble_sim.balloon.altitude_control import Action
from ble_sim.balloon.safety import SafetyState
from ble_sim.scenario import Scenario
from ble_sim.state import Balloon, BalloonStatus, SimState
from ble_sim.wind.field import forecast_and_error

NUM_STEPS = NUM_STAGES * STEPS_PER_STAGE
"""Agent steps of a planned flight."""
_NEAR = 2_000.0, 40.0
"""Of balloons that are in the same cell of so many metres and Pa, the best goes on: the others would fly as it does."""


class _Flights(NamedTuple):
    """Flights side by side, with a leading axis."""

    balloon: Balloon
    safety: SafetyState
    elapsed: jax.Array
    wind: jax.Array
    """float32[flights, 2], m/s: holds for the next step."""
    reward: jax.Array
    """Collected so far."""
    steps_inside: jax.Array
    score: jax.Array
    """The reward, and the value of what is to come; -inf for a flight that does not go on."""


def best_flight(
    settings: PlanSettings, scenario: Scenario, state: SimState, values: jax.Array, width: int
) -> jax.Array:
    """The actions of a flight in the true wind, int32[NUM_STEPS]. Pure.

    After each step, of the flights that three actions each of the last ones lead to, the `width` best by reward and
    value go on. Of the flights at the end, the one that was within the radius most often is taken.

    Args:
        settings: of the plan.
        scenario, state: of the flight at its start, with the noise.
        values: of the whole plan, float32[at least NUM_STAGES + 1, pressures, x, y].
        width: number of flights side by side.
    """
    actions = jnp.arange(len(Action), dtype=jnp.int32)

    def true_wind(balloon: Balloon, elapsed: jax.Array) -> jax.Array:
        seen, error = forecast_and_error(
            settings.wind_field,
            scenario.forecast,
            scenario.noise,
            balloon.x,
            balloon.y,
            balloon.pressure,
            elapsed,
        )
        return jnp.stack([seen[0] + error[0], seen[1] + error[1]])

    def after(flown: _Flights, step: jax.Array, action: jax.Array) -> _Flights:
        balloon, safety, elapsed, _ = flight.step_in_wind(
            scenario, flown.balloon, flown.safety, flown.elapsed, flown.wind, action
        )
        distance = balloon.distance
        reward = flown.reward + reward_at(settings, distance)
        score = reward + value_to_come(settings, balloon, values, step + 1)
        return _Flights(
            balloon,
            safety,
            elapsed,
            flown.wind,
            reward,
            flown.steps_inside + (distance <= settings.radius),
            jnp.where(jnp.isfinite(flown.score), score, -jnp.inf),
        )

    def step(flights: _Flights, number: jax.Array) -> tuple[_Flights, tuple[jax.Array, jax.Array]]:
        over_actions = jax.vmap(after, (None, None, 0))
        found = jax.vmap(over_actions, (0, None, None))(flights, number, actions)
        found = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), found)
        _, chosen = jax.lax.top_k(jnp.where(_is_best_nearby(found), found.score, -jnp.inf), width)
        kept = jax.tree.map(lambda leaf: leaf[chosen], found)
        kept = kept._replace(wind=jax.vmap(true_wind)(kept.balloon, kept.elapsed))
        return kept, (chosen // len(Action), chosen % len(Action))

    def repeated(leaf: jax.Array) -> jax.Array:
        return jnp.broadcast_to(leaf, (width, *jnp.shape(leaf)))

    balloon, safety, elapsed, wind = jax.tree.map(repeated, (state.balloon, state.safety, state.elapsed, state.wind))
    only_first = jnp.where(jnp.arange(width) == 0, 0.0, -jnp.inf)
    no_reward, no_steps = jnp.zeros(width, jnp.float32), jnp.zeros(width, jnp.int32)
    start = _Flights(balloon, safety, elapsed, wind, no_reward, no_steps, only_first)
    last, (parents, chosen) = jax.lax.scan(step, start, jnp.arange(NUM_STEPS, dtype=jnp.int32))
    is_possible = jnp.isfinite(last.score) & (last.balloon.status == BalloonStatus.OK)
    best = jnp.argmax(jnp.where(is_possible, last.steps_inside, -1))

    def back(place: jax.Array, step: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        parents, actions = step
        return parents[place], actions[place]

    return jax.lax.scan(back, best, (parents, chosen), reverse=True)[1].astype(jnp.int32)


def _is_best_nearby(flights: _Flights) -> jax.Array:
    """Whether a flight has the best score of those in its cell, bool[flights]; the first of equal ones."""
    balloon, (metres, pascals) = flights.balloon, _NEAR
    cell = jnp.stack([balloon.x // metres, balloon.y // metres, balloon.pressure // pascals], axis=-1)
    is_same = jnp.all(cell[:, None] == cell, axis=-1)
    number = jnp.arange(len(cell))
    is_better = (flights.score > flights.score[:, None]) | (
        (flights.score == flights.score[:, None]) & (number < number[:, None])
    )
    return ~jnp.any(is_same & is_better, axis=1)
