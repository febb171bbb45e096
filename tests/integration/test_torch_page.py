"""The blocks for users of torch in docs/frameworks.md, in order, where torch and Stable-Baselines3 are installed."""

import shlex
import sys

import pytest
from pages import ROOT, blocks

PAGE = ROOT / "docs" / "frameworks.md"
SHORTER = {'"small_eval")': '"micro_eval")', "--suite small_eval": "--suite micro_eval", "(256)": "(128)"}


def shorter(text: str) -> str:
    for long, short in SHORTER.items():
        text = text.replace(long, short)
    return text


@pytest.mark.long
def test_the_blocks_run_as_printed(tmp_path, monkeypatch, capsys):
    torch = pytest.importorskip("torch")
    pytest.importorskip("stable_baselines3")
    pytest.importorskip("array_api_compat")
    from ble_eval import cli

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    names = {}
    for block in blocks(PAGE.read_text(encoding="utf-8")):
        if block.language == "python" and block.file_name:
            (tmp_path / block.file_name).write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            exec(compile(shorter(block.text), str(PAGE), "exec"), names)
        elif block.language == "bash":
            for command in block.commands():
                before, module, words = command.partition("-m ble_eval ")
                if module:
                    assert before.startswith("uv run --with ")
                    assert cli.main(shlex.split(shorter(words))) == 0
    assert (tmp_path / "results" / "micro_eval" / "Sb3Agent.json").is_file()

    torch.save(names["network"].state_dict(), "network.pt")
    command = "run --agent torch_agent:TorchAgent --agent.weights network.pt --suite micro_eval"
    assert f"python -m ble_eval {command.partition(' --suite')[0]}`" in PAGE.read_text(encoding="utf-8")
    assert cli.main(shlex.split(command)) == 0
    assert (tmp_path / "results" / "micro_eval" / "TorchAgent.json").is_file()


def test_the_page_shows_them():
    text = "".join(block.text for block in blocks(PAGE.read_text(encoding="utf-8")))
    for name in ("eval_agent(policy", "BatchPolicyAgent", "NumpyToTorch", "sb3_vec_env", "ble_agents.sb3:Sb3Agent"):
        assert name in text
    for long in SHORTER:
        assert long in text
