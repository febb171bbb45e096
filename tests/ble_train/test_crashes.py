"""Faults at the system calls of results, journals and checkpoints: nothing that was finished is lost.

Each fault is an error of a call, a disk that is full from a call on, or a kill at a call. Afterwards what was said
to be finished is there, and the same command ends as it does undisturbed.
"""

import pytest
from failing_calls import swept


def problems_of(folder, **most):
    found = swept(folder, most)
    if found is None:
        pytest.skip("Faults are injected on Linux with a C compiler.")
    return {name: number for name, (number, _) in found.items()}, [
        line for _, lines in found.values() for line in lines
    ]


def test_a_sample_of_faults_loses_nothing(tmp_path):
    most = {"results": 15, "journal": 15, "checkpoints": 6, "replaced_checkpoint": 6, "unfinished": 6, "loop": 6}
    number, problems = problems_of(tmp_path, **most)
    assert problems == []
    assert sum(number.values()) > 30


@pytest.mark.long
@pytest.mark.parametrize(
    ("scenario", "most", "least"),
    [
        ("results", 1000, 100),
        ("journal", 1000, 100),
        ("checkpoints", 60, 50),
        ("replaced_checkpoint", 60, 50),
        ("unfinished", 60, 50),
        ("loop", 60, 50),
    ],
)
def test_no_fault_loses_anything(tmp_path, scenario, most, least):
    number, problems = problems_of(tmp_path, **{scenario: most})
    assert problems == []
    assert number[scenario] >= least
