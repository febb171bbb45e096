"""Sweeps: several agents, wind fields or precisions in one command. A run of one agent is a sweep of one cell."""
