"""What tests of several packages share; nothing is computed before a test asks for it.

Compiled programs are kept in the user's cache: shared by the tests, the processes they start, and later runs.
"""

import functools
from collections.abc import Callable, Iterator

import pytest

from ble_sim.files.compilation_cache import use_compilation_cache

use_compilation_cache()  # Before anything imports JAX, so that is imported by the fixtures themselves.


@pytest.fixture(params=["float64", "float32"])
def precision(request: pytest.FixtureRequest) -> Iterator[str]:
    """Runs the test in each precision."""
    from ble_sim.precision import precision_scope

    with precision_scope(request.param):
        yield request.param


@pytest.fixture(scope="session")
def episodes() -> Callable:
    """Of a precision: the scenarios of the recorded seeds 0 to 99, [seed], in the generative wind field.

    One after the other and not in a batch, since a batch multiplies the decoder's matrices in another order.
    """
    import jax
    from recordings import episode_keys

    from ble_sim.balloon.vehicle import Vehicle
    from ble_sim.precision import precision_scope
    from ble_sim.scenario import sample_scenario
    from ble_sim.wind.fields.generative import GenerativeWindField

    @functools.cache
    def sample(precision: str):
        field = GenerativeWindField()

        def sample_one(key):
            return sample_scenario(field, parameters, Vehicle(), key)

        with precision_scope(precision):
            parameters = field.parameters()
            return jax.jit(lambda keys: jax.lax.map(sample_one, keys))(episode_keys(100))

    return sample
