"""What tests of several packages share. Nothing is computed before a test asks for it.

Compiled programs are kept in the user's cache: shared by the tests, the processes they start, and later runs.
"""

import functools
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ble_sim.files.compilation_cache import use_compilation_cache

use_compilation_cache()  # Before anything imports JAX, so that is imported by the fixtures themselves.

for _number in (signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])):
    if signal.getsignal(_number) is signal.SIG_IGN:  # As nohup and `&` leave it. Tests send these to processes.
        signal.signal(_number, signal.SIG_DFL)

GIB = 2**30
WORKER_MEMORY = 3 * GIB
"""At most, of a worker process with the programs that it has compiled."""
CLEAR_ABOVE = GIB
"""Memory of a worker above which it forgets its compiled programs at the end of a file; the cache has them."""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One worker for each core, as far as there is memory for them."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, memory() // WORKER_MEMORY))


def memory() -> int:
    """Of the machine or of the container, bytes."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        return min(machine, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    except (OSError, ValueError):  # There is no such file, or it says "max".
        return machine


@pytest.fixture(scope="module", autouse=True)
def forget_programs() -> Iterator[None]:
    """Compiled programs are most of a worker's memory, and files of tests share few of them."""
    yield
    status = Path("/proc/self/statm")
    if status.exists() and int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") > CLEAR_ABOVE:
        import jax

        jax.clear_caches()


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

    from ble_env import Task
    from ble_sim.precision import precision_scope
    from ble_sim.scenario import sample_scenario

    @functools.cache
    def sample(precision: str):
        task = Task()

        def sample_one(key):
            return sample_scenario(task.wind_field, params, key)

        with precision_scope(precision):
            params = task.make_params()
            return jax.jit(lambda keys: jax.lax.map(sample_one, keys))(episode_keys(100))

    return sample
