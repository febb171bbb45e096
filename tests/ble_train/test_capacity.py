"""What a replay memory needs, and what the machine has."""

import pytest

from ble_train.replay import capacity
from ble_train.replay.memory import make_memory


def test_a_memory_that_does_not_fit_is_refused_before_anything_is_allocated():
    with pytest.raises(
        MemoryError, match=r"needs \d+\.\d GiB, and \d+\.\d GiB are available.*replay_capacity.*float16"
    ):
        make_memory(20_000_000, 10, 1099, "float32")


def test_a_machine_that_does_not_say_what_it_has_is_trusted(monkeypatch):
    monkeypatch.setattr(capacity, "available_bytes", lambda: None)
    capacity.require_available(2**60)


def test_a_container_may_have_less_memory_than_its_machine(monkeypatch, tmp_path):
    (tmp_path / "meminfo").write_text("MemTotal: 9000 kB\nMemAvailable: 1000 kB\n")
    monkeypatch.setattr(capacity, "MEMORY_INFO", tmp_path / "meminfo")
    monkeypatch.setattr(capacity, "CONTROL_GROUP", tmp_path)
    assert capacity.available_bytes() == 1_024_000
    (tmp_path / "memory.current").write_text("500000\n")
    (tmp_path / "memory.stat").write_text("anon 200000\ninactive_file 100000\n")
    for limit, available in (("max", 1_024_000), ("900000", 500_000), ("400000", 1), ("9000000", 1_024_000)):
        (tmp_path / "memory.max").write_text(limit + "\n")
        assert capacity.available_bytes() == available


def test_too_few_slots_for_a_sample_are_refused():
    with pytest.raises(ValueError, match="raise replay_capacity or use fewer lanes"):
        capacity.num_slots(60, 10, 5)
    assert capacity.num_slots(70, 10, 5) == 7
