"""Collectors: they are told every transition of a training and keep or show statistics of it."""
