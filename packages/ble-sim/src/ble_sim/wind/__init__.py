"""Wind: forecasts, what they miss, and what a balloon learns about that."""
