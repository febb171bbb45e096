"""Checks of the environments' arguments."""


def check_counts(**counts: int | None) -> None:
    """Check that each count is at least 1, or None.

    Raises:
        ValueError: one is below 1; the message has its name.
    """
    for name, count in counts.items():
        if count is not None and count < 1:
            raise ValueError(f"{name} must be at least 1, got {count}")
