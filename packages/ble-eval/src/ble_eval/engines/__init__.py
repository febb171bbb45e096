"""Engines fly what an evaluation has left to fly: in this process, or on a Ray cluster.

No module imports jax or ray before an engine is made.
"""
