"""What a run reads is known again by content."""

import dataclasses
import functools
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from ble_env.task_parts import TASK_PARTS, Choice
from ble_eval import content
from ble_eval.content import checkpoint_digest, content_differences, content_digests, path_digest
from ble_eval.settings import RunSettings
from ble_eval.trained import own_checkpoints
from ble_sim.plugins import AgentRegistration, NoOptions
from ble_train.checkpoints import Checkpoints


@dataclass(frozen=True)
class Inner:
    table: Path | None = None


@dataclass(frozen=True)
class Options:
    start: str = "none"
    inner: Inner = Inner()
    several: tuple[Path, ...] = ()
    named: dict[str, Path] = field(default_factory=dict)


class Wind:
    """A wind field whose winds are a word."""

    def __init__(self, winds: str = "calm") -> None:
        self._winds = winds

    def digest(self) -> str:
        return self._winds


def settings_with(options: object = NoOptions(), agent: str = "random") -> RunSettings:
    task = {part.argument: Choice(part.default, part.registry.get(part.default).options_type()) for part in TASK_PARTS}
    return RunSettings(agent=Choice(agent, options), task=task, precision="float32", seed=0)


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """The folder of an agent's package."""
    package = tmp_path / "site" / "kite_agents"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "agent.py").write_text("gain = 1\n")
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.delitem(sys.modules, "kite_agents", raising=False)
    registration = AgentRegistration("kite", "kite_agents.agent:Agent", Options)
    monkeypatch.setattr(content, "find_agent", lambda name: registration)
    return package


def test_the_benchmark_reads_only_its_winds():
    found = content_digests(settings_with(), Wind())
    assert list(found) == ["the wind field's content"]
    assert content_differences(found, content_digests(settings_with(), Wind())) == []
    change = content_differences(found, content_digests(settings_with(), Wind("storm")))
    assert change == ["the wind field's content has changed"]


def test_files_that_options_name_are_known_by_content(tmp_path, plugin, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    files = [Path(name) for name in ("a.npz", "b.csv", "c.csv", "d.csv", "e.csv")]
    for file in files:
        file.write_text(file.name)
    Path("mlp").write_text("a file that is called as a network is")
    options = Options("./a.npz", Inner(Path("~/b.csv")), (Path("c.csv"), tmp_path / "d.csv"), {"e": Path("e.csv")})
    before = content_digests(settings_with(options), Wind())
    assert len(before) == 3 + len(files)  # The winds, the package of the agent, and this module, which has the options.
    assert content_digests(settings_with(dataclasses.replace(options, start="mlp")), Wind()).keys() < before.keys()
    for file in files:
        os.utime(file)
        assert content_digests(settings_with(options), Wind()) == before
        file.write_text("other")
        after = content_digests(settings_with(options), Wind())
        (change,) = content_differences(before, after)
        assert change.startswith("the file ")
        assert change.endswith(f"{file} has changed")
        before = after


def test_the_source_of_a_plugin_is_known_by_content(plugin):
    before = content_digests(settings_with(Options()), Wind())
    (plugin / "notes.txt").write_text("nothing that runs")
    assert content_digests(settings_with(Options()), Wind()) == before
    for name in ("agent.py", "more.py"):
        (plugin / name).write_text("gain = 2\n")
        after = content_digests(settings_with(Options()), Wind())
        assert content_differences(before, after) == ["the source of kite_agents has changed"]
        before = after


@pytest.mark.parametrize("wrapped", [False, True])
def test_the_source_of_a_module_behind_a_function(tmp_path, monkeypatch, wrapped):
    (tmp_path / "kite_module.py").write_text("def agent(*arguments):\n    return 1\n")
    (tmp_path / "other_module.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "kite_module", raising=False)
    constructor = __import__("kite_module").agent
    if wrapped:
        constructor = functools.partial(functools.partial(constructor, 1), 2)
    monkeypatch.setattr(content, "find_agent", lambda name: AgentRegistration("kite", constructor))
    before = content_digests(settings_with(), Wind())
    (tmp_path / "other_module.py").write_text("more = 1")
    assert content_digests(settings_with(), Wind()) == before
    (tmp_path / "kite_module.py").write_text("def agent(*arguments):\n    return 2\n")
    change = content_differences(before, content_digests(settings_with(), Wind()))
    assert change == ["the source of kite_module has changed"]


@pytest.mark.parametrize("place", [0, 0.5, 1])
def test_a_large_file_is_read_in_part(tmp_path, monkeypatch, place):
    monkeypatch.setattr(content, "BLOCK_SIZE", 16)
    path = tmp_path / "large.bin"
    data = bytearray(100_000)
    path.write_bytes(data)
    before = path_digest(path)
    path.write_bytes(data + b"0")
    assert path_digest(path) != before
    start = round(place * (len(data) - 1600))
    data[start : start + 1600] = b"1" * 1600
    path.write_bytes(data)
    assert path_digest(path) != before


def test_a_checkpoint_is_known_by_content_and_not_by_what_a_resumed_run_needs(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    for number in range(3):
        checkpoints.save(number, {"agent": {"w": np.full(3, number)}}, resuming={"work": {"n": np.ones(2)}})
        if number == 0:
            before = checkpoint_digest(tmp_path, 0)
    assert not (tmp_path / "0" / "work").exists()
    assert checkpoint_digest(tmp_path, 0) == before
    assert len({checkpoint_digest(tmp_path, number) for number in range(4)}) == 4
    checkpoints.save(0, {"agent": {"w": np.full(3, 9)}}, resuming={"work": {"n": np.ones(2)}})
    assert checkpoint_digest(tmp_path, 0) != before


def test_a_checkpoint_of_another_kind_is_known_by_content(tmp_path):
    for name in ("checkpoint_00012.pt", "12.json", "112.pt", "notes.txt"):
        (tmp_path / name).write_text(name)
    before = checkpoint_digest(tmp_path, 12)
    for name in ("112.pt", "notes.txt"):
        (tmp_path / name).write_text("other")
        assert checkpoint_digest(tmp_path, 12) == before
    for name in ("checkpoint_00012.pt", "12.json"):
        (tmp_path / name).write_text("other")
        assert checkpoint_digest(tmp_path, 12) != before
        before = checkpoint_digest(tmp_path, 12)
    assert checkpoint_digest(tmp_path, 13) == checkpoint_digest(tmp_path / "missing", 12) == ""


def test_only_what_learners_have_written_is_a_checkpoint(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    for number in (3, 10):
        checkpoints.save(number, {"agent": {"w": np.zeros(2)}})
    for name in ("03", "3 copy", "3.backup", "12", "٣", "+4", "1e1", "11.checkpoint"):
        (tmp_path / name).mkdir()
    for name in (".DS_Store", ".nfs0001", "notes.txt", "13"):
        (tmp_path / name).write_text("")
    (tmp_path / "14").symlink_to(tmp_path / "10")
    assert own_checkpoints(tmp_path) == [(3, tmp_path / "3"), (10, tmp_path / "10")]
    assert own_checkpoints(tmp_path / "missing") == own_checkpoints(tmp_path / "notes.txt") == []


def test_the_import_does_not_bring_jax():
    code = "import sys, ble_eval.content, ble_eval.results.partial; print({'jax'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "set()\n"
