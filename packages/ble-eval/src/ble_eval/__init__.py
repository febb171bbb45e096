"""Evaluation of balloon agents: which episodes to fly (`suites`), flying them (`eval_lib`), what came out
(`results`, `statistics`), and the command line `ble-eval` (`cli`).

Importing this package, or any module that the command line reads before it runs, does not import JAX.
"""

__version__ = "0.1.0"
