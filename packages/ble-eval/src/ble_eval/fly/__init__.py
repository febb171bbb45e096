"""The parts of `ble-eval fly`: flights that are watched while they are flown, and their pictures."""
