"""What the pages name exists: links, modules, names, imports, flags. test_docs.py runs their blocks."""

import ast
import functools
import importlib
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pages
import pytest
from pages import ROOT, blocks, page_id, prose

PACKAGES = ROOT / "packages"
SOURCES = {folder.name: folder for folder in PACKAGES.glob("ble-*/src/ble_*")}
PAGES = [*pages.PAGES, *sorted(PACKAGES.glob("*/CHANGELOG.md")), *sorted({*ROOT.glob("*.md")} - {*pages.PAGES})]
ARCHITECTURE = ROOT / "docs" / "architecture.md"
BANNED = re.compile(r"\b(told|proceeds?|arenas?)\b", re.IGNORECASE)

LINK = re.compile(r"(?:\]\(|\bsrc=\"|\bsrcset=\")([^)\s\"]+)[)\"]")
CODE = re.compile(r"`([^`\n]+)`")
MODULE_FILE = re.compile(r"ble_\w+(?:/\w+)*(?:/|\.py)")
FLAG = re.compile(r"--(?:[a-z-]+\.)?(?:no-)?([a-z][a-z0-9-]*)(?![\w.-])")
DOTTED = re.compile(r"(ble_\w+(?:\.\w+)+)(?:\(.*\))?")


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
        if MODULE_FILE.fullmatch(code) and code.partition("/")[0] in SOURCES:
            assert (SOURCES[code.partition("/")[0]].parent / code).exists(), code
        elif (dotted := DOTTED.fullmatch(code)) and dotted[1].partition(".")[0] in SOURCES:
            assert is_there(dotted[1]), code


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_import_of_ours_in_a_code_block_works(page):
    for block in blocks(page.read_text(encoding="utf-8")):
        for node in ast.walk(ast.parse(block.text)) if block.language == "python" else ():
            if isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] in SOURCES:
                for alias in node.names:
                    assert is_there(f"{node.module}.{alias.name}"), f"from {node.module} import {alias.name}"


def fields(code: str) -> set[str]:
    """The names with an annotation: command lines make flags of the fields of classes."""
    nodes = ast.walk(ast.parse(code))
    return {node.target.id for node in nodes if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)}


@functools.cache
def our_fields() -> set[str]:
    files = [file for source in SOURCES.values() for file in source.rglob("*.py")]
    return {name for file in files for name in fields(file.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("page", pages.PAGES, ids=page_id)
def test_every_flag_in_a_sentence_is_a_field(page):
    python = [block.text for block in blocks(page.read_text(encoding="utf-8")) if block.language == "python"]
    known = {"help", *our_fields()}.union(*map(fields, python))
    for code in CODE.findall(prose(page)):
        if code.startswith(("--", "ble-eval ", "ble-train ", "uv run ble-")):
            for flag in FLAG.findall(code):
                assert flag.replace("-", "_") in known, code


def modules_tables() -> dict[str, str]:
    """The table at the end of a package's README, by the name of the package that is imported."""
    readmes = {name: (source.parents[1] / "README.md").read_text(encoding="utf-8") for name, source in SOURCES.items()}
    parts = {name: readme.partition("\n## Modules\n") for name, readme in readmes.items()}
    return {name: table for name, (_, _, table) in sorted(parts.items()) if table}


@pytest.mark.parametrize("package", modules_tables())
def test_the_modules_of_a_readme_are_there(package):
    rows = re.findall(r"^\| (`.*?) \|", modules_tables()[package], re.MULTILINE)
    assert len(rows) > 5
    for name in CODE.findall("".join(rows)):
        assert is_there(f"{package}.{name}"), name


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
