"""Faults at the system calls of results, journals and checkpoints: nothing that was finished is lost.

Each fault is an error of a call, a disk that is full from a call on, or a kill at a call. Afterwards what was said
to be finished is there, and the same command ends as it does undisturbed.
"""

import pytest
from failing_calls import swept


def problems_of(folder, **steps):
    found = swept(folder, steps)
    if found is None:
        pytest.skip("Faults are injected on Linux with a C compiler.")
    return {name: number for name, (number, _) in found.items()}, [
        line for _, lines in found.values() for line in lines
    ]


def test_a_sample_of_faults_loses_nothing(tmp_path):
    steps = {
        "results": 13,
        "journal": 17,
        "checkpoints": 180,
        "replaced_checkpoint": 90,
        "unfinished": 180,
        "loop": 250,
    }
    number, problems = problems_of(tmp_path, **steps)
    assert problems == []
    assert sum(number.values()) > 30


@pytest.mark.long
@pytest.mark.parametrize(
    ("scenario", "step", "least"),
    [
        ("results", 1, 100),
        ("journal", 1, 100),
        ("checkpoints", 15, 50),
        ("replaced_checkpoint", 5, 50),
        ("unfinished", 5, 50),
        ("loop", 7, 50),
    ],
)
def test_no_fault_loses_anything(tmp_path, scenario, step, least):
    number, problems = problems_of(tmp_path, **{scenario: step})
    assert problems == []
    assert number[scenario] >= least
