"""Policies and networks that JAX cannot hash are refused when they are made, with what to change."""

from dataclasses import dataclass, field

import pytest

from ble_agents.exported_policy import Architecture
from ble_agents.policy import Policy, memoryless_policy


@dataclass  # Not frozen, so it has no hash.
class Chooser:
    weights: list[float] = field(default_factory=list)

    def __call__(self, *arguments):
        return 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda one: memoryless_policy(None, one), "The choice of a policy: Chooser cannot be hashed"),
        (lambda one: Policy(None, one, one), "The init of a policy: Chooser .*its weights is a list"),
        (lambda one: Architecture("mlp", (3,), 3, one), "The options of the network, Chooser cannot be hashed"),
    ],
)
def test_the_class_and_its_fields_are_named(make, message):
    with pytest.raises(TypeError, match=rf"{message}.*frozen=True"):
        make(Chooser())
