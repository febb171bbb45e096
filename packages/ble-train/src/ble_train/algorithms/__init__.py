"""Agents that learn, a file each: `qr_dqn`, `dqn`, `ppo` and `sarsa`."""
