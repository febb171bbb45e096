"""The environment for JAX trainers, in the shape of gymnax 1.x, with episodes out of a pool."""
