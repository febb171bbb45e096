"""The hooks: what a plugin can add, one hook for each kind of extension.

A plugin is a module (or an object) that implements any of these hooks, and that an installed distribution announces
under the entry-point group `ble.plugins`:

    # my_package/ble_plugin.py
    from ble_sim.plugins import AgentRegistration, RewardRegistration, hookimpl

    @hookimpl
    def ble_register_agents():
        return [AgentRegistration("my_agent", "my_package.agent:MyAgent", summary="Flies east.")]

    @hookimpl
    def ble_register_rewards():
        return [RewardRegistration("frugal", "my_package.reward:FrugalReward", summary="Spends no power.")]

    # pyproject.toml of my_package
    [project.entry-points."ble.plugins"]
    my_package = "my_package.ble_plugin"

Every function and command line of the packages then finds the extensions by name. The classes of
`ble_sim.plugins.records` say how each kind is constructed; `ble-eval plugins` and `ble-train plugins` list what is
installed and what failed.
"""

from collections.abc import Iterable

from ble_sim.plugins import records
from ble_sim.plugins.registry import hookspec


@hookspec
def ble_register_wind_fields() -> Iterable[records.WindFieldRegistration]:
    """Wind fields, for ble-sim."""
    raise NotImplementedError


@hookspec
def ble_register_observations() -> Iterable[records.ObservationRegistration]:
    """Observations, for ble-env."""
    raise NotImplementedError


@hookspec
def ble_register_rewards() -> Iterable[records.RewardRegistration]:
    """Rewards, for ble-env."""
    raise NotImplementedError


@hookspec
def ble_register_renderers() -> Iterable[records.RendererRegistration]:
    """Renderers, for ble-env."""
    raise NotImplementedError


@hookspec
def ble_register_agents() -> Iterable[records.AgentRegistration]:
    """Agents and learners, for ble-agents."""
    raise NotImplementedError


@hookspec
def ble_register_networks() -> Iterable[records.NetworkRegistration]:
    """Networks of exported policies, for ble-agents."""
    raise NotImplementedError


@hookspec
def ble_register_suites() -> Iterable[records.SuiteRegistration]:
    """Evaluation suites, for ble-eval."""
    raise NotImplementedError


@hookspec
def ble_register_collectors() -> Iterable[records.CollectorRegistration]:
    """Collectors of training statistics, for ble-train."""
    raise NotImplementedError
