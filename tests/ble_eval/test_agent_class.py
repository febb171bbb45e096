"""`ble-eval run --agent package.module:Class`."""

import hashlib
import json

from agent_fakes import STEADY


def test_a_class_in_the_current_directory_flies_with_its_flags(ble_eval, tmp_path):
    (tmp_path / "mine.py").write_text(STEADY)
    words = ["run", "--agent", "mine:Steady", "--agent.action", 2, "--suite", "fake_suite", "--output-dir", "out"]
    done = ble_eval(*words)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "out" / "fake_suite"
    assert sorted(path.name for path in folder.iterdir()) == ["Steady.json", "Steady.provenance"]
    provenance = json.loads((folder / "Steady.provenance").read_text())
    assert provenance["settings"]["agent"] == "mine:Steady"
    assert provenance["settings"]["agent_options"] == {"action": 2}
    assert provenance["software"]["agent"] == f"mine.py, SHA-256 {hashlib.sha256(STEADY.encode()).hexdigest()}"


def test_mistakes_take_one_line(ble_eval, tmp_path):
    (tmp_path / "mine.py").write_text(STEADY)
    for name, message in {
        "mine:Stedy": "There is no 'Stedy' in the module 'mine' (",
        "yours:Steady": "There is no module 'yours' for the agent 'yours:Steady', neither among the installed packages",
    }.items():
        done = ble_eval("run", "--agent", name, "--suite", "fake_suite")
        assert (done.returncode, done.stdout) == (2, "")
        assert message in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_an_action_that_is_none_is_named_with_its_episode(ble_eval, tmp_path):
    (tmp_path / "mine.py").write_text(STEADY)
    done = ble_eval("run", "--agent", "mine:Steady", "--agent.action", 7, "--suite", "fake_suite")
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert "Steady at step 1 of the episode of seed 4: An action is an integer from 0 to 2, not 7." in last
