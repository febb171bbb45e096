"""Seeds of random numbers."""

import operator

MAX_SEED = 2**32 - 1


def check_seed(seed: int) -> int:
    """Return `seed` as an int if it is a whole number of 32 bits.

    Raises:
        ValueError: it is not.
    """
    try:
        number = operator.index(seed)
    except TypeError:
        number = -1
    if isinstance(seed, bool) or not 0 <= number <= MAX_SEED:
        raise ValueError(f"A seed is a whole number from 0 to {MAX_SEED}, not {seed!r}.")
    return number


def mixed_seed(*numbers: int) -> int:
    """A seed of 32 bits that depends on all the numbers, which are not negative."""
    import numpy as np  # Here: command lines check seeds without it.

    return int(np.random.SeedSequence(numbers).generate_state(1)[0])
