"""What a plugin can add to the training: collectors of statistics, under the entry-point group `ble.collectors`.

    # my_package/ble_plugin.py
    from ble_sim.plugins.registry import hookimpl
    from ble_train.registration import CollectorRegistration

    @hookimpl
    def ble_register_collectors():
        return [CollectorRegistration("my_collector", "my_package.collector:MyCollector", summary="Counts.")]

    # pyproject.toml of my_package
    [project.entry-points."ble.collectors"]
    my_collectors = "my_package.ble_plugin"

`create_collector_constructors(["my_collector"])` and every command line then find it by name.
`ble_train.collectors.collector.Collector` says what a collector is told, `CollectorRegistration` how it is constructed
and how it gets options of its own.
"""

from collections.abc import Iterable

from ble_sim.plugins.registry import hookspec
from ble_train.registration import CollectorRegistration


@hookspec
def ble_register_collectors() -> Iterable[CollectorRegistration]:
    """The collectors that this plugin offers."""
    raise NotImplementedError
