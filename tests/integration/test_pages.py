"""What the pages name exists: links, modules, names, imports. docs/extending.md also runs, see test_docs.py."""

import ast
import functools
import importlib
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ROOT / "packages"
SOURCES = {folder.name: folder for folder in PACKAGES.glob("ble-*/src/ble_*")}
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md")), *sorted(PACKAGES.glob("*/*.md"))]
ARCHITECTURE = ROOT / "docs" / "architecture.md"
BANNED = re.compile(r"\b(told|proceeds?|arenas?)\b", re.IGNORECASE)

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
MODULE_FILE = re.compile(r"ble_\w+(?:/\w+)*(?:/|\.py)")
DOTTED = re.compile(r"(ble_\w+(?:\.\w+)+)(?:\(.*\))?")


def page_id(page: Path) -> str:
    return str(page.relative_to(ROOT))


def prose(page: Path) -> str:
    """The page without its code blocks."""
    return BLOCK.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """The anchors of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def is_there(dotted: str) -> bool:
    """Whether a module or an attribute of this name exists. What needs a missing extra counts as existing."""
    module, *attributes = dotted.split(".")
    found = importlib.import_module(module)
    for attribute in attributes:
        module = f"{module}.{attribute}"
        if hasattr(found, attribute):
            found = getattr(found, attribute)
            continue
        try:
            found = importlib.import_module(module)
        except ModuleNotFoundError as error:
            return error.name is not None and not error.name.startswith("ble_")
    return True


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_link_leads_somewhere(page):
    for target in LINK.findall(prose(page)):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_module_and_name_in_backticks_exists(page):
    for code in CODE.findall(prose(page)):
        if MODULE_FILE.fullmatch(code):
            assert (SOURCES[code.partition("/")[0]].parent / code).exists(), code
        elif (dotted := DOTTED.fullmatch(code)) and dotted[1].partition(".")[0] in SOURCES:
            assert is_there(dotted[1]), code


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_import_of_ours_in_a_code_block_works(page):
    for language, block in BLOCK.findall(page.read_text(encoding="utf-8")):
        for node in ast.walk(ast.parse(block)) if language == "python" else ():
            if isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] in SOURCES:
                for alias in node.names:
                    assert is_there(f"{node.module}.{alias.name}"), f"from {node.module} import {alias.name}"


def walks() -> Iterator[str]:
    """The sections of docs/architecture.md that follow an argument through the modules."""
    sections = ARCHITECTURE.read_text(encoding="utf-8").split("\n## ")
    return (section for section in sections if section.startswith("From "))


def test_a_walk_enters_each_module_once():
    counts = [Counter(re.findall(r"`(ble_\w+/[\w/]+\.py)`", walk)) for walk in walks()]
    assert len(counts) == 2
    for count in counts:
        assert len(count) > 10
        assert not [module for module, times in count.items() if times > 1]


@functools.cache
def tree() -> dict[str, set[str]]:
    """The modules that docs/architecture.md lists, by their folders: "ble_sim/wind" -> {"field", "noise", ...}."""
    listed: dict[str, set[str]] = {}
    package = ""
    for line in ARCHITECTURE.read_text(encoding="utf-8").splitlines():
        words = line.partition("#")[0].split()
        if root := re.match(r" {4}packages/ble-\w+/src/(ble_\w+)/", line):
            package = root[1]
        elif not line.startswith(" " * 8):
            package = ""
        elif package:
            folder = f"{package}/{words.pop(0).rstrip('/')}" if words[0].endswith("/") else package
            listed.setdefault(folder, set()).update(words)
    return listed


def test_the_tree_lists_the_modules_that_exist():
    found: dict[str, set[str]] = {}
    for name, source in SOURCES.items():
        for file in source.rglob("*.py"):
            if not file.name.startswith("_") and file.stem != "builtins":
                found.setdefault("/".join([name, *file.relative_to(source).parts[:-1]]), set()).add(file.stem)
    assert tree() == found


def test_banned_words_are_not_used():
    files = [*PAGES, *PACKAGES.rglob("*.py"), *(ROOT / "examples").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]
    found = [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()}"
        for file in files
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if BANNED.search(line)
    ]
    assert not found
