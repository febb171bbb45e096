"""The balloon: constants, envelope, heat, altitude control, power, safety layers, and reachable pressures.

Nothing here knows a scenario or the state of an episode: functions take the vehicle, the air, and the sun above it.
"""
