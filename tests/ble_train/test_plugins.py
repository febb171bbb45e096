"""Collectors by name: options, third parties, and what is loaded for them."""

from dataclasses import dataclass

import pytest
from installed_plugins import install_plugin, run_python

from ble_sim.plugins import CollectorRegistration, UnknownNameError
from ble_sim.plugins.registries import COLLECTORS
from ble_train.collectors.console import ConsoleCollector
from ble_train.collectors.construction import collector_names, create_collector_constructors
from ble_train.collectors.options import ConsoleOptions, TensorboardOptions

THIRD_PARTY_COLLECTORS = """
from dataclasses import dataclass
from ble_sim.plugins import CollectorRegistration, hookimpl
from ble_train.collectors.collector import Collector

@dataclass(frozen=True)
class TunedOptions:
    period: int = 1

class Plain(Collector):
    def __init__(self, base_dir, num_actions, current_episode):
        super().__init__(base_dir, num_actions, current_episode)
    def get_name(self):
        return "plain"

class Tuned(Plain):
    def __init__(self, base_dir, num_actions, current_episode, *, options):
        super().__init__(base_dir, num_actions, current_episode)
        self.options = options

@hookimpl
def ble_register_collectors():
    return [
        CollectorRegistration("plain", Plain, summary="As in the original."),
        CollectorRegistration("tuned", "third_party:Tuned", TunedOptions),
    ]
"""


def test_installed_collectors_are_made_with_and_without_options(tmp_path):
    install_plugin(tmp_path, "third-party", "2.0", THIRD_PARTY_COLLECTORS)
    code = """
from ble_sim.plugins.registries import COLLECTORS
from ble_train.collectors.construction import create_collector_constructors
options = COLLECTORS.get("tuned").options_type(period=5)
constructors = create_collector_constructors(["plain", "tuned"], {"tuned": options})
plain, tuned = (constructor(None, 3, 7) for constructor in constructors)
default, = create_collector_constructors(["tuned"])
print(COLLECTORS.origin("plain"), plain.current_episode, tuned.options.period, default(None, 3, 0).options.period)
"""
    assert run_python(code, tmp_path) == "third-party 2.0 7 5 1"


def test_the_built_in_collectors_are_there_and_say_what_they_do():
    assert {"console", "json_lines", "pickle", "tensorboard"} <= set(collector_names())
    for name in collector_names():
        registration = COLLECTORS.get(name)
        assert registration.summary
        registration.options_type()


def test_constructors_stand_in_the_order_asked_for(tmp_path):
    names = ["pickle", "console", "json_lines"]
    collectors = [constructor(str(tmp_path), 3, 0) for constructor in create_collector_constructors(names)]
    assert [collector.get_name() for collector in collectors] == names


def test_the_console_gets_its_options(capsys):
    (constructor,) = create_collector_constructors(["console"], {"console": ConsoleOptions(save_to_file=False)})
    assert isinstance(constructor(None, 3, 0), ConsoleCollector)


def test_an_unknown_collector_is_refused_with_the_nearest_name():
    with pytest.raises(UnknownNameError, match=r"Unknown collector 'tensorbord'. Did you mean 'tensorboard'\?"):
        create_collector_constructors(["tensorbord"])


def test_options_of_another_collector_are_refused():
    with pytest.raises(TypeError, match=r"'console' are a ble_train.collectors.options.Console"):
        create_collector_constructors(["console"], {"console": TensorboardOptions()})


def test_options_of_a_collector_not_asked_for_are_refused():
    with pytest.raises(ValueError, match="options for tensorboard, but no such collector was asked for"):
        create_collector_constructors(["console"], {"tensorboard": TensorboardOptions()})


def test_options_must_be_a_dataclass():
    class Options:
        pass

    @dataclass(frozen=True)
    class DataclassOptions:
        pass

    CollectorRegistration("mine", "my_package:MyCollector", DataclassOptions)
    with pytest.raises(TypeError, match="options_type of collector 'mine' is no dataclass"):
        CollectorRegistration("mine", "my_package:MyCollector", Options)


@pytest.mark.parametrize("options_type", [ConsoleOptions, TensorboardOptions])
def test_a_frequency_below_one_is_refused(options_type):
    with pytest.raises(ValueError, match="fine_grained_frequency must be at least 1 step, not 0"):
        options_type(fine_grained_frequency=0)


def test_listing_collectors_and_their_options_imports_nothing_heavy():
    code = """
import sys
from ble_sim.plugins.registries import COLLECTORS
from ble_train.collectors.construction import collector_names
assert [COLLECTORS.get(name).options_type for name in collector_names()]
print(sorted(sys.modules.keys() & {"jax", "numpy", "gymnasium", "ble_env", "tensorboardX"}))
"""
    assert run_python(code) == "[]"


def test_only_tensorboard_brings_tensorboardx(tmp_path):
    code = f"""
import sys
from ble_train.collectors.construction import create_collector_constructors
for constructor in create_collector_constructors(["console", "json_lines", "pickle"]):
    constructor({str(tmp_path)!r}, 3, 0)
print("tensorboardX" in sys.modules, "jax" in sys.modules)
create_collector_constructors(["tensorboard"])[0]({str(tmp_path)!r}, 3, 0)
print("tensorboardX" in sys.modules, "jax" in sys.modules)
"""
    assert run_python(code).splitlines() == ["False False", "True False"]
