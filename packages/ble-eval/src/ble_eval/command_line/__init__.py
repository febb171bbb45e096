"""What the command lines `ble-eval` and `ble-train` share: verbs, flags, errors, progress and the list of plugins.

No module here imports jax; `verbs` and `errors`, which every call needs, import neither gymnasium nor numpy.
"""
