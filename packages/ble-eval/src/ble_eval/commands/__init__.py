"""The verbs of `ble-eval`, one module for each: the dataclass of its flags and the function that runs it.

No module imports jax before its verb runs.
"""
