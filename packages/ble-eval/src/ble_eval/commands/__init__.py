"""The verbs of `ble-eval`, a module each: a dataclass of its flags, and the function that does it. Nothing
here imports JAX before a verb runs.
"""
