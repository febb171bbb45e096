"""What runs `ble_env.core` from the host: seeds, reset options, devices, packing, and tiles of lanes."""
