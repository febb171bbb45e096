"""The verbs of `ble-train`, one module each."""
