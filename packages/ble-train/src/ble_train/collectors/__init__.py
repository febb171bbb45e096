"""Collectors: they receive every transition of a training and keep or show statistics of it."""
