"""The README and the documents do what they say: every line runs as printed, after the ones before it.

Each page is read from top to bottom in a fresh copy of the repository, with an empty home and no environment: its lines
are typed into a shell, and its Python blocks into a Python session (tests/support/pages.py says which blocks these
are). In docs/extending.md each section begins in an empty folder and a new shell, in the environment that its first
section makes.

Lines that would take minutes or hours are typed as the tables below shorten them. The default tests parse them as they
are printed.
"""

import os
import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import tyro
from pages import (
    PAGES,
    ROOT,
    Block,
    Reader,
    blocks,
    copy_repository,
    fresh_environment,
    page_id,
    printed_commands,
    sections,
)

EXTENDING = ROOT / "docs" / "extending.md"
WITH_PLUGINS = [page_id(EXTENDING), "tests/plugins/ble-sample/README.md"]
"""Pages whose lines name plugins, which are not installed where the tests run."""
MODULES_OF_READERS = ("my_agent:", "torch_agent:", "my_package.")
"""Modules of agents that a reader has written."""
SETUP = "An environment for your packages"
"""The section of docs/extending.md that makes the environment of the others."""

NEEDS_UV = pytest.mark.skipif(not (os.environ.get("UV") or shutil.which("uv")), reason="needs uv")

NOT_TYPED = {
    r"frameworks/cleanrl_style\.py": "installs torch",
    r"import torch|NumpyToTorch|stable_baselines3|ppo\.zip": "needs torch; runs in test_torch_page.py",
    r"frameworks/rllib\.py": "installs Ray",
    r"--engine ray|ble-eval\[ray\]": "starts Ray; test_ray_engine.py does",
    r"import submitit": "needs submitit",
    r"frameworks/minari_dataset\.py": "installs Minari; runs in test_examples.py",
    r"frameworks/gymnasium_async\.py": "runs in test_examples.py",
    r"benchmarks/|^time | paired/": "measures for minutes",
    r"--agent (tradewind|windward) .*medium_eval|docs/results/|runs/(tradewind|windward)": "made the results, in hours",
    r"--agent column_planner .*medium_eval": "made the results, in minutes",
    r"--agent planner column_planner .*generative,|/\*error_scale=3\.json": "plans; test_sweep.py has sweeps",
    r"^seq ": "plans for minutes; test_planner.py flies with options",
    r"oracle_(48|64)": "plans for half an hour; test_limits.py makes limits",
    r"^taskset |planner_0\.json": "plans for half an hour; test_merge.py merges shards",
    r"pytest -n 6 ": "names tests that run themselves",
    r"jupyter lab": "installs JupyterLab and opens a browser; test_notebook.py runs the notebook",
    r"~/winds\.nc": "needs a reader's file; docs/extending.md makes one",
    r"import cdsapi": "needs an account",
    r"torch|sb3|stable[-_]baselines3|network\(": "needs torch",
    r"gs://": "reads a bucket of others",
    r"--with twine|build/tried": "installs the newest of everything; test_fresh_install.py is like it",
}
"""Lines that are parsed but not typed, and Python blocks, and why."""


@dataclass(frozen=True)
class Shorter:
    """How a program is made to end soon: flags that it always gets, values of printed flags, flags it does not get."""

    always: dict[str, str] = field(default_factory=dict)
    printed: dict[str, str] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()


SHORTER = {
    "ble-eval run": Shorter(printed={"--suite": "tiny_eval"}),
    "ble-eval fly": Shorter({"--steps": "40"}),
    "ble-eval winds": Shorter({"--steps": "20"}),
    "ble-train run": Shorter(
        {
            "--num-iterations": "1",
            "--episodes-per-iteration": "2",
            "--max-episode-length": "4",
            "--evaluation-period": "0",
        },
        {"--num-envs": "2"},
        ("--num-steps",),
    ),
    "uv run pytest": Shorter({"--collect-only": "", "-n": "0"}),
}
FOLDERS = {"results/small_eval": "results/tiny_eval"}
"""Where the results of shortened suites are."""
CODE = {
    '"mlp"), 2, 960,': '"mlp"), 1, 8,',
    "max_episode_steps=960)": "max_episode_steps=8)",
    "episodes_per_iteration=5)": "episodes_per_iteration=1)",
    '"ppo"), 2, collectors': '"ppo"), 1, collectors',
    "num_envs=64, seed=1)": "num_envs=2, max_episode_length=4, episodes_per_iteration=2, seed=1)",
    "num_episodes=256)": "num_episodes=80)",
    "jax.random.split(steps_key, 1000)": "jax.random.split(steps_key, 10)",
}
"""What is shorter in Python blocks."""


def without_flag(command: str, flag: str) -> str:
    return re.sub(rf" {re.escape(flag)}( (?!-)\S+)*(?= |$)", "", command)


def shortened(command: str) -> str:
    for program, shorter in SHORTER.items():
        if program in command and "--help" not in command:
            for flag in shorter.dropped:
                command = without_flag(command, flag)
            printed = {flag: value for flag, value in shorter.printed.items() if f"{flag} " in command}
            for flag, value in {**shorter.always, **printed}.items():
                command = without_flag(command, flag) + f" {flag} {value}".rstrip()
    for folder, short in FOLDERS.items():
        command = command.replace(folder, short)
    return command


def shortened_code(code: str) -> str:
    for long, short in CODE.items():
        code = code.replace(long, short)
    return code


def is_typed(text: str) -> bool:
    return not any(re.search(pattern, text) for pattern in NOT_TYPED)


def type_blocks(reader: Reader, page_blocks: list[Block]) -> None:
    for block in page_blocks:
        if block.language == "bash":
            for command in filter(is_typed, block.commands()):
                reader.command(shortened(command))
        elif block.file_name:
            reader.write(block)
        elif block.language == "python" and is_typed(block.text):
            reader.python(shortened_code(block.text))


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> Path:
    """The copy of the repository. Its environment is made by the first page that runs something in it."""
    folder = tmp_path_factory.mktemp("repository")
    copy_repository(folder)
    return folder


@pytest.fixture
def clone(repository) -> Iterator[Path]:
    """The copy without what other pages have written there; only the environment stays."""
    clean = {*repository.iterdir(), repository / ".venv", repository / "uv.lock"}
    yield repository
    for written in set(repository.iterdir()) - clean:
        shutil.rmtree(written) if written.is_dir() else written.unlink()


def runs(page: Path) -> bool:
    page_blocks = blocks(page.read_text(encoding="utf-8"))
    commands = [command for block in page_blocks if block.language == "bash" for command in block.commands()]
    code = [block.text for block in page_blocks if block.language == "python"]
    return any(map(is_typed, [*commands, *code]))


@NEEDS_UV
@pytest.mark.long
@pytest.mark.parametrize("page", [page for page in PAGES if page != EXTENDING and runs(page)], ids=page_id)
def test_a_page_runs_from_top_to_bottom(page, clone, tmp_path):
    (tmp_path / "home").mkdir()
    with Reader(clone, fresh_environment(tmp_path / "home"), tmp_path) as reader:
        type_blocks(reader, blocks(page.read_text(encoding="utf-8")))


def extending() -> dict[str, list[Block]]:
    return {name: blocks(text) for name, text in sections(EXTENDING.read_text(encoding="utf-8")).items()}


@pytest.fixture(scope="module")
def plugin_environment(repository, tmp_path_factory) -> dict[str, str]:
    """The variables of a shell in which the environment for plugins is active."""
    folder = tmp_path_factory.mktemp("plugins")
    (folder / "home").mkdir()
    with Reader(repository, fresh_environment(folder / "home"), folder) as reader:
        type_blocks(reader, extending()[SETUP])
        return reader.environment


@NEEDS_UV
@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in extending() if name != SETUP])
def test_a_section_of_your_own_runs(name, plugin_environment, tmp_path):
    folder = tmp_path / "package"
    folder.mkdir()
    with Reader(folder, plugin_environment, tmp_path) as reader:
        type_blocks(reader, extending()[name])


class ParsedError(BaseException):
    """Raised in place of running a command whose words were parsed."""


def parse_as_printed(words: list[str]) -> None:
    """Parse the words of `ble-eval` or `ble-train`, or fail."""
    from ble_eval.cli import main as ble_eval
    from ble_train.cli import main as ble_train

    program, *arguments = words
    try:
        status = {"ble-eval": ble_eval, "ble-train": ble_train}[program](arguments)
    except ParsedError:
        return
    except SystemExit as ended:
        status = ended.code
    assert status == 0 and "--help" in words, words


def without_value(words: list[str], flag: str) -> list[str]:
    """The words without a flag that needs what an earlier command makes."""
    if flag not in words:
        return words
    place = words.index(flag)
    return [*words[:place], *words[place + 2 :]]


def command_words() -> list[tuple[str, list[str]]]:
    """The page and the words of each command on the pages, without what stands before the program."""
    found = []
    for page, line in printed_commands():
        for command in line.split(" && "):
            words = shlex.split(re.sub("^(time )?(uv run (--with [^ ]+ )*)?(python -m )?", "", command))
            words[0] = {"ble_eval": "ble-eval", "ble_train": "ble-train"}.get(words[0], words[0])
            found.append((page_id(page), words))
    return found


OURS = [(page, words) for page, words in command_words() if words[0] in ("ble-eval", "ble-train")]
SCRIPTS = [(page, words) for page, words in command_words() if words[0].endswith(".py")]


def test_every_command_of_ours_parses_as_printed(monkeypatch, capsys):
    parse = tyro.cli

    def parse_only(*arguments, **keywords):
        parse(*arguments, **keywords)
        raise ParsedError

    monkeypatch.setattr(tyro, "cli", parse_only)
    assert len(OURS) > 10
    for page, words in OURS:
        if page not in WITH_PLUGINS and not any(word.startswith(MODULES_OF_READERS) for word in words):
            parse_as_printed(without_value(words, "--checkpoint"))


def test_scripts_have_the_flags_that_are_printed():
    assert len(SCRIPTS) > 5
    for _, words in SCRIPTS:
        source = (ROOT / words[0]).read_text(encoding="utf-8")
        for flag in words[1:]:
            assert not flag.startswith("--") or f'"{flag}"' in source, words


def test_every_rule_that_shortens_is_needed():
    commands = [command for _, command in printed_commands()]
    code = "".join(block.text for page in PAGES for block in blocks(page.read_text(encoding="utf-8")))
    for pattern in NOT_TYPED:
        assert any(re.search(pattern, text) for text in [*commands, code]), pattern
    commands = list(filter(is_typed, commands))
    for program, shorter in SHORTER.items():
        printed = [command for command in commands if program in command]
        assert printed, program
        for flag in [*shorter.printed, *shorter.dropped]:
            assert any(f"{flag} " in command for command in printed), flag
    for folder in FOLDERS:
        assert any(folder in command for command in commands), folder
    for long in CODE:
        assert long in code, long
