"""What a plugin can add to the simulator: wind fields, under the entry-point group `ble.wind_fields`.

    # my_package/ble_plugin.py
    from ble_sim.plugins.registry import hookimpl
    from ble_sim.plugins.records import WindFieldRegistration

    @hookimpl
    def ble_register_wind_fields():
        return [WindFieldRegistration("jet", "my_package.jet:JetWindField", summary="A jet.")]

    # pyproject.toml of my_package
    [project.entry-points."ble.wind_fields"]
    my_winds = "my_package.ble_plugin"

`make_wind_field("jet")` and every command line then find it by name. `ble_sim.wind.field.WindField` says what a wind
field does, `WindFieldRegistration` how it is constructed and how it gets options of its own. The environment variable
`BLE_PLUGINS` (see `ble_sim.plugins.registry`) chooses which plugins are loaded.
"""

from collections.abc import Iterable

from ble_sim.plugins.records import WindFieldRegistration
from ble_sim.plugins.registry import hookspec


@hookspec
def ble_register_wind_fields() -> Iterable[WindFieldRegistration]:
    """The wind fields that this plugin offers."""
    raise NotImplementedError
