"""The environments for Gymnasium: shells around `ble_env.core`."""
