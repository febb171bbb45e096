"""The registry of evaluation suites."""

from ble_eval import builtin_suites, hookspecs
from ble_eval.evaluation_suite import SuiteRegistration
from ble_sim.plugins import Registry

SUITES: Registry[SuiteRegistration] = Registry(
    kind="suite",
    group="ble.suites",
    hookspecs=hookspecs,
    hook="ble_register_suites",
    builtins=(builtin_suites,),
    record_type=SuiteRegistration,
)
