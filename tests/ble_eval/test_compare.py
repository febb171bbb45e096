import re

import pytest

from ble_eval.cli import main
from ble_eval.results.files import write_results


@pytest.fixture
def files(tmp_path, make_result, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")

    def write(name, shares):
        path = tmp_path / f"{name}.json"
        write_results(path, [make_result(seed, time_within_radius=share) for seed, share in shares.items()])
        return str(path)

    return write


def test_flights_are_paired_by_seed(files, capsys):
    first = files("mine", {3: 0.5, 1: 0.9, 2: 0.2, 7: 1.0})
    second = files("theirs", {1: 0.8, 2: 0.1, 3: 0.4})
    assert main(["compare", first, second]) == 0
    out = capsys.readouterr().out
    assert "3 seeds in common" in out
    row = next(line for line in out.splitlines() if "TWR50" in line)
    assert re.findall(r"-?\d\.\d{4}", row)[0] == "0.5333"
    assert "0.1000 [" in row
    assert "1 episodes have a seed that only one" in out


def test_files_without_a_common_seed(files, capsys):
    assert main(["compare", files("mine", {3: 0.5}), files("theirs", {1: 0.8})]) == 2
    assert "no seed in common" in capsys.readouterr().err
