"""What a plugin can add to the evaluation: suites, under the entry-point group `ble.suites`.

    # my_package/ble_plugin.py
    from ble_eval.suites import EvaluationSuite, SuiteRegistration
    from ble_sim.plugins.registry import hookimpl

    @hookimpl
    def ble_register_suites():
        suite = EvaluationSuite([3, 14, 15], max_episode_length=960)
        return [SuiteRegistration("polar_night", lambda: suite, "Flights without sun.")]

    # pyproject.toml of my_package
    [project.entry-points."ble.suites"]
    my_suites = "my_package.ble_plugin"

`ble-eval run --suite polar_night` then finds it by name. `ble-eval plugins` lists it, or why it failed;
the environment variable `BLE_PLUGINS` (`ble_sim.plugins.registry`) chooses which plugins are loaded.
"""

from collections.abc import Iterable

from ble_eval.suites.suite import SuiteRegistration
from ble_sim.plugins.registry import hookspec


@hookspec
def ble_register_suites() -> Iterable[SuiteRegistration]:
    """The suites that this plugin offers."""
    raise NotImplementedError
