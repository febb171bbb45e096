"""The built-in plugins: what the registries expect of our packages, and what these announce."""

import importlib
import tomllib
from pathlib import Path

import pytest
from installed_plugins import GROUP, run_python

from ble_sim.plugins import hookspecs, registries
from ble_sim.plugins.registries import PLUGINS
from ble_sim.plugins.registry import PROJECT, Registry

PACKAGES = Path(__file__).parents[2] / "packages"
ALL_REGISTRIES = [value for value in vars(registries).values() if isinstance(value, Registry)]


@pytest.mark.parametrize("module", PLUGINS.builtins)
def test_a_package_announces_its_plugin_which_implements_the_expected_hooks(module):
    functions = vars(importlib.import_module(module)).items()
    hooks = {name for name, function in functions if hasattr(function, f"{PROJECT}_impl")}
    assert hooks == {record_type.hook for record_type in PLUGINS.builtins[module]}
    package = module.partition(".")[0]
    project = tomllib.loads((PACKAGES / package.replace("_", "-") / "pyproject.toml").read_text())["project"]
    assert project["entry-points"] == {GROUP: {package: module}}


def test_every_kind_has_a_hook_a_registry_and_extensions():
    declared = {name for name, function in vars(hookspecs).items() if hasattr(function, f"{PROJECT}_spec")}
    assert declared == {registry.hook for registry in ALL_REGISTRIES}
    for registry in ALL_REGISTRIES:
        assert registry.names(), registry.kind
        assert all(extension.record.summary for extension in registry.extensions())


def test_every_constructor_and_its_options_exist():
    for registry in ALL_REGISTRIES:
        for extension in registry.extensions():
            extension.record.options_type()
            if extension.record.name != "grid_file" and registry.kind in ("wind field", "reward", "suite"):
                registry.make(extension.record.name)


def test_registries_import_only_the_packages_that_have_their_kind():
    code = """
import sys
from ble_sim.plugins.registries import AGENTS, COLLECTORS, NETWORKS, SUITES, WIND_FIELDS
assert WIND_FIELDS.names() and "ble_agents" not in sys.modules
assert AGENTS.names() and NETWORKS.names() and COLLECTORS.names() and SUITES.names()
print(sys.modules.keys() & {"ble_env", "jax", "numpy", "gymnasium", "flax", "tyro"})
"""
    assert run_python(code) == "set()"
