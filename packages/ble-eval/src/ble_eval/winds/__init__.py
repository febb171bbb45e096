"""The parts of `ble-eval winds`: winds by level and time, what they allow, and how they are shown."""
