"""Simulation of a station-keeping stratospheric balloon: its physics, its sky, and the wind that carries it."""
