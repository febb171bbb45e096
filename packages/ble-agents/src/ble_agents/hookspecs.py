"""What a plugin can add to the agents, under the entry-point group `ble.agents`.

    # my_package/ble_plugin.py
    from ble_agents.registration import AgentRegistration
    from ble_sim.plugins.registry import hookimpl

    @hookimpl
    def ble_register_agents():
        return [AgentRegistration("my_agent", "my_package.agent:MyAgent", summary="Flies east.")]

    # pyproject.toml of my_package
    [project.entry-points."ble.agents"]
    my_agents = "my_package.ble_plugin"

`create_agent("my_agent")` and every command line then find it by name. `ble_agents.agent.Agent` says what an
agent does, `AgentRegistration` how it is constructed and how it gets options of its own. The environment variable
`BLE_PLUGINS` (see `ble_sim.plugins.registry`) chooses which plugins are loaded.
"""

from collections.abc import Iterable

from ble_agents.registration import AgentRegistration
from ble_sim.plugins.registry import hookspec


@hookspec
def ble_register_agents() -> Iterable[AgentRegistration]:
    """The agents that this plugin offers."""
    raise NotImplementedError
