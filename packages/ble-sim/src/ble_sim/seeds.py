"""Seeds of random numbers.

A seed is a whole number of at most 64 bits. The environment's random stream of a seed begins with the key of its two
32-bit words, high and low (`seed_words`), which is how JAX makes a key of a 64-bit integer. A seed below 2^32 has the
high word 0, and the episodes of the original. Where only 32 bits are used, as by agents, a larger seed is mixed into
them (`seed_of_32_bits`).
"""

import operator

MAX_SEED = 2**64 - 1
_WORD = 2**32


def check_seed(seed: int) -> int:
    """Return `seed` as an int if it is a whole number of 64 bits: an integer, or an array or tensor that is one.

    Raises:
        ValueError: it is not.
    """
    try:
        number = operator.index(seed)
    except TypeError:
        number = -1
    is_bool = isinstance(seed, bool) or "bool" in str(getattr(seed, "dtype", ""))
    if is_bool or getattr(seed, "shape", ()) or not 0 <= number <= MAX_SEED:
        raise ValueError(f"A seed is a whole number from 0 to {MAX_SEED}, not {seed!r}.")
    return number


def seed_words(seed: int) -> tuple[int, int]:
    """The high and the low 32 bits of a seed: the raw key of its random stream.

    Raises:
        ValueError: it is no seed.
    """
    return divmod(check_seed(seed), _WORD)


def seed_of_32_bits(seed: int) -> int:
    """The seed itself if it has 32 bits, else a seed of 32 bits that depends on all of its bits.

    Raises:
        ValueError: it is no seed.
    """
    number = check_seed(seed)
    return number if number < _WORD else mixed_seed(number)


def mixed_seed(*numbers: int) -> int:
    """A seed of 32 bits that depends on all the numbers, which are not negative."""
    import numpy as np  # Here: command lines check seeds without it.

    return int(np.random.SeedSequence(numbers).generate_state(1)[0])
