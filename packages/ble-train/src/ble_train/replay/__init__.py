"""The replay memory: a ring of slots (`memory`), the priorities of its samples (`sum_tree`), its size (`capacity`)."""
