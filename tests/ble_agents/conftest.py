"""What the original's agents did with 208 observations of its flights."""

from pathlib import Path

import numpy as np
import pytest

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="session")
def observations() -> np.ndarray:
    """float32[208, 1099]"""
    with np.load(DATA / "observations.npz") as archive:
        return archive["obs"]


@pytest.fixture(scope="session")
def recorded() -> dict[str, np.ndarray]:
    """Q values, actions, levels and scores of the original's agents for `observations`."""
    with np.load(DATA / "agents.npz") as archive:
        return dict(archive)
