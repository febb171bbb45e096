"""The surroundings: atmosphere, sun, and positions on the Earth."""
