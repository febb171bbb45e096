"""Neural networks of learned agents."""
