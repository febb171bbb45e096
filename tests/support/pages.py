"""The pages of the documentation, their blocks, and a reader who follows them in a fresh shell and environment.

A page holds two kinds of blocks that run: those between fences, ```bash and ```python, and indented lines that begin
with a prompt, `$ command`, between the lines that the command prints. A fenced block whose first line is a comment with
a file's name is that file. Other blocks (```text, and indented ones without a prompt) are read only.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md")), *sorted(ROOT.glob("packages/*/README.md"))]
PAGES.append(ROOT / "tests" / "plugins" / "ble-sample" / "README.md")

FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(FENCED.pattern + r"|^ {4}\$ ([^\n]*)$", FENCED.flags)
FILE_NAME = re.compile(r"# (\S+\.(?:py|toml))\n")


def page_id(page: Path) -> str:
    """The path in the repository."""
    return page.relative_to(ROOT).as_posix()


@dataclass(frozen=True)
class Block:
    """A block of a page: `language` is that of the fence, and "bash" for a line with a prompt."""

    language: str
    text: str

    @property
    def file_name(self) -> str | None:
        """Of the file that the block is, if it is one."""
        found = FILE_NAME.match(self.text)
        return found[1] if found else None

    def commands(self) -> list[str]:
        """The lines of a block for the shell. A line that ends with a backslash continues in the next."""
        assert self.language == "bash"
        lines = re.sub(r"\\\n\s*", "", self.text).splitlines()
        return [line for line in lines if line.strip() and not line.startswith("#")]


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return FENCED.sub("", page.read_text(encoding="utf-8"))


def blocks(text: str) -> list[Block]:
    """The blocks of a page or section, in order."""
    return [
        Block("bash", prompted + "\n") if prompted else Block(language, content)
        for language, content, prompted in BLOCK.findall(text)
    ]


def sections(text: str) -> dict[str, str]:
    """The sections of second rank that have blocks, by their headings."""
    _, *rest = text.split("\n## ")
    return {name: body for name, _, body in (part.partition("\n") for part in rest) if blocks(body)}


def printed_commands() -> Iterator[tuple[Path, str]]:
    """Every line for the shell on every page as printed, also those that sentences mention: `uv run ...`."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block in blocks(text):
            if block.language == "bash":
                yield from ((page, command) for command in block.commands())
        yield from ((page, command) for command in re.findall(r"`(uv run [^`]+)`", prose(page)))


def copy_repository(folder: Path) -> None:
    """Copy what a clone would have, uncommitted work included."""
    list_files = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(list_files, cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, os.fsdecode(listed).split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def fresh_environment(home: Path) -> dict[str, str]:
    """The variables of a new login: an empty home, and no active environment.

    The caches of uv and of JAX are those of the tests, so that little is downloaded and compiled.
    """
    here = str(Path(sys.prefix).resolve())
    uv = os.environ.get("UV") or shutil.which("uv") or ""
    cache = subprocess.run([uv, "cache", "dir"], capture_output=True, text=True, check=True).stdout.strip()
    dropped = ("VIRTUAL_ENV", "PYTHONPATH", "PYTEST_", "XDG_", "BLE_", "UV_PROJECT", "UV_RUN", "COLUMNS")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    path = [part for part in kept["PATH"].split(os.pathsep) if not str(Path(part).resolve()).startswith(here)]
    return {
        **kept,
        "HOME": str(home),
        "PATH": os.pathsep.join([*path, str(Path(uv).parent)]),
        "UV_CACHE_DIR": cache,
        "UV_OFFLINE": "1",
        "PYTHONWARNINGS": "error::UserWarning:ble_sim,error::UserWarning:ble_env",
    }


PYTHON_SESSION = """
import json, os, sys, traceback
answers = os.fdopen(int(sys.argv[1]), "w")
namespace = {"__name__": "__main__"}
for line in sys.stdin:
    try:
        exec(compile(json.loads(line), "<page>", "exec"), namespace)
        answers.write("done\\n")
    except BaseException:
        traceback.print_exc()
        answers.write("failed\\n")
    sys.stdout.flush()
    answers.flush()
"""


class Reader:
    """Someone who types the blocks of a page into one shell and one Python session, from top to bottom.

    Args:
        folder: where the shell begins.
        environment: the variables that it begins with.
        files: a folder for what the reader must remember.
    """

    def __init__(self, folder: Path, environment: dict[str, str], files: Path) -> None:
        self.folder = folder
        self.environment = dict(environment)
        self._files = files
        self._python: subprocess.Popen[str] | None = None
        self._answers: IO[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End the Python session."""
        if self._python is not None and self._python.stdin is not None and self._answers is not None:
            self._python.stdin.close()
            self._python.wait()
            self._answers.close()
            self._python = self._answers = None

    def command(self, line: str) -> str:
        """Type a line into the shell and return what it prints. Variables and `cd` hold for the next one.

        Raises:
            AssertionError: the exit status is not 0.
        """
        state = self._files / "state"
        script = f'{line}\nstatus=$?\nenv -0 > "{state}"; exit $status'
        done = self._run(script)
        if done.returncode != 0 and re.search("network was disabled|--offline|UV_OFFLINE", done.stderr):
            self.environment["UV_OFFLINE"] = "0"  # What is missing in uv's cache is asked for, as a reader's uv would.
            done = self._run(script)
        assert done.returncode == 0, f"$ {line}\n{done.stdout}\n{done.stderr}"
        self.environment = dict(
            pair.split("=", 1) for pair in state.read_text(encoding="utf-8").split("\0") if "=" in pair
        )
        self.folder = Path(self.environment["PWD"])
        return done.stdout + done.stderr

    def _run(self, script: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def write(self, block: Block) -> None:
        """Write the file that a block is, in the folder where the shell is."""
        file = self.folder / str(block.file_name)
        file.parent.mkdir(exist_ok=True)
        file.write_text(block.text, encoding="utf-8")

    def python(self, code: str) -> None:
        """Type a block into the Python session, which begins with the first one.

        Raises:
            AssertionError: the block raises.
        """
        if self._python is None:
            self._begin_python()
        assert self._python is not None and self._python.stdin is not None and self._answers is not None
        self._python.stdin.write(json.dumps(code) + "\n")
        self._python.stdin.flush()
        answer = self._answers.readline()
        printed = (self._files / "python").read_text(encoding="utf-8")
        assert answer == "done\n", f"{code}\n{printed}"

    def _begin_python(self) -> None:
        """In the environment that is active, otherwise in that of the clone, as `uv run python` has it."""
        program = ["python"] if "VIRTUAL_ENV" in self.environment else ["uv", "run", "python"]
        receiver, sender = os.pipe()
        with (self._files / "python").open("w") as output:
            self._python = subprocess.Popen(
                [*program, "-c", PYTHON_SESSION, str(sender)],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[sender],
                text=True,
            )
        os.close(sender)
        self._answers = os.fdopen(receiver)
