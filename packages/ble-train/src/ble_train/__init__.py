"""Where training for the agents of `ble_agents` lives: loops, collectors, replay and checkpoints."""

__version__ = "0.1.0"
