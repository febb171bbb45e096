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
