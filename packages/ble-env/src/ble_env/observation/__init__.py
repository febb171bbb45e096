"""What an agent observes: the interface, and the benchmark's 1099 features."""
