"""The registry of evaluation suites."""

from ble_eval import builtins as builtin_suites
from ble_eval import hookspecs
from ble_eval.suites.suite import SuiteRegistration
from ble_sim.plugins.registry import Registry

SUITES: Registry[SuiteRegistration] = Registry(
    kind="suite",
    group="ble.suites",
    hookspecs=hookspecs,
    hook="ble_register_suites",
    builtins=(builtin_suites,),
    record_type=SuiteRegistration,
)
