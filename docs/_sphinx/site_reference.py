"""The API reference: `api/NAME.md` ends with the public names of the package NAME and of its folders.

Public names are those of `__all__`. They stand in sections, one for each module that defines some of them. A name that
several packages export is described where it is exported first, in the order of PACKAGES.
"""

import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.nodes import make_refnode

PACKAGES = ("ble_sim", "ble_env", "ble_agents", "ble_eval", "ble_train")
MODULES = ("ble_sim.plugins.hookspecs", "ble_sim.plugins.registries", "ble_env.core")
"""Modules without `__all__` that the pages send readers to: what they define is public."""


@dataclass(frozen=True)
class PublicName:
    """A name that a package exports.

    Attributes:
        exported_by: the package or folder, "ble_env".
        name: "BalloonEnv".
        value: what it stands for.
    """

    exported_by: str
    name: str
    value: Any

    @property
    def dotted(self) -> str:
        return f"{self.exported_by}.{self.name}"

    @property
    def key(self) -> tuple[str, int]:
        """Equal for a name that another package exports again."""
        return self.name, id(self.value)

    @property
    def defined_by(self) -> str:
        """The module that defines it; constants say nothing about theirs."""
        module = getattr(self.value, "__module__", None)
        return module if isinstance(module, str) and module.startswith("ble_") else self.exported_by


def exporters(package: str) -> list[str]:
    """The package, its folders that export names, and the modules of it that are public as they are."""
    imported = importlib.import_module(package)
    folders = [found.name for found in pkgutil.walk_packages(imported.__path__, f"{package}.") if found.ispkg]
    exporting = [name for name in folders if hasattr(importlib.import_module(name), "__all__")]
    return [package, *exporting, *(name for name in MODULES if name.startswith(f"{package}."))]


def exported(module: ModuleType) -> list[str]:
    """The public names of a module: those of `__all__`, or the functions and classes that it defines."""
    if hasattr(module, "__all__"):
        return sorted(module.__all__)
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and (getattr(value, "__module__", None) == module.__name__ or name.isupper())
    ]


def public_names(package: str) -> Iterator[PublicName]:
    """What the package and its folders export."""
    for exporter in exporters(package):
        module = importlib.import_module(exporter)
        yield from (PublicName(exporter, name, getattr(module, name)) for name in exported(module))


def is_described(value: Any) -> bool:
    """Whether a value has a docstring of its own, as classes and functions have. That of others is their class's."""
    return inspect.isclass(value) or inspect.isfunction(value)


def directive(public: PublicName) -> str:
    """The directive of autodoc that describes a name."""
    if inspect.isclass(public.value):
        _, _, attributes = (inspect.getdoc(public.value) or "").partition("\nAttributes:\n")
        described = ", ".join(re.findall(r"^    (\w+):", attributes, re.MULTILINE))  # As members they would come twice.
        without = f"   :exclude-members: {described}\n" if described else ""
        bases = "" if public.value.__bases__ == (object,) else "   :show-inheritance:\n"
        return f".. autoclass:: {public.dotted}\n   :members:\n{bases}{without}"
    if is_described(public.value):
        return f".. autofunction:: {public.dotted}\n"
    return f".. py:data:: {public.dotted}\n{value_of(public)}\n   {description_of(public)}\n"


def value_of(public: PublicName) -> str:
    """The value of a constant that is a number, a text or a tuple of these; nothing for objects."""
    plain = isinstance(public.value, int | float | str | tuple)
    return f"   :value: {public.value!r}\n" if plain else ""


def description_of(public: PublicName) -> str:
    """What stands below the assignment of a constant, in a module of the package that exports it."""
    package = public.exported_by.partition(".")[0]
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == package and vars(module).get(public.name) is public.value:
            found = ModuleAnalyzer.for_module(name).find_attr_docs().get(("", public.name))
            if found:
                return " ".join(found).strip()
    return ""


def block(text: str) -> str:
    """A block of reStructuredText in a page of Markdown."""
    return f"```{{eval-rst}}\n{text}```\n"


def summary(public: PublicName) -> str:
    """The first sentence of what is said about a name, for a table."""
    about = inspect.getdoc(public.value) if is_described(public.value) else description_of(public)
    return (about or "").partition("\n\n")[0].replace("\n", " ").partition(". ")[0].rstrip(".").replace("|", "\\|")


def section(exporter: str, names: list[PublicName], described: dict[tuple[str, int], str]) -> str:
    """A package or folder: the table of its names, then a part for each module that defines some."""
    rank = "###" if "." in exporter else "##"
    rows = [f"| {{py:obj}}`~{described.get(public.key, public.dotted)}` | {summary(public)} |" for public in names]
    parts = ["\n".join(["| name | |", "|---|---|", *rows, ""])]
    new = [public for public in names if described.setdefault(public.key, public.dotted) == public.dotted]
    for module in sorted({public.defined_by for public in new}, key=lambda name: (name != exporter, name)):
        here = [public for public in new if public.defined_by == module]
        if module != exporter:
            about = (inspect.getdoc(importlib.import_module(module)) or "").partition("\n\n")[0]
            parts.append(f"{rank} {module.removeprefix(exporter + '.')}\n\n{about}\n")
        parts.append(block("\n".join(map(directive, here))))
    return "\n".join(parts)


def described_before(package: str) -> dict[tuple[str, int], str]:
    """Where the pages of the packages before this one describe what they export."""
    described: dict[tuple[str, int], str] = {}
    for earlier in PACKAGES[: PACKAGES.index(package)]:
        for public in public_names(earlier):
            described.setdefault(public.key, public.dotted)
    return described


def reference(package: str) -> str:
    """The reference of a package in Markdown, from the second heading on."""
    names = list(public_names(package))
    described = described_before(package)
    parts = []
    for exporter in exporters(package):
        here = [public for public in names if public.exported_by == exporter]
        about = inspect.getdoc(importlib.import_module(exporter)) or ""
        heading = "" if exporter == package else f"## {exporter}\n\n"
        parts.append(f"{heading}{about}\n\n{section(exporter, here, described)}")
    return "\n".join(parts)


def read_source(app: Sphinx, docname: str, source: list[str]) -> None:
    """Append the reference to a page in `api`."""
    folder, _, name = docname.rpartition("/")
    if folder == "api" and name in PACKAGES:
        source[0] += "\n" + reference(name)


def as_restructured_text(app: Sphinx, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    """Docstrings mark code by one backtick, as Markdown does."""
    for place, line in enumerate(lines):
        doubled = re.sub(r"(?<!`)`([^`]+)`(?!`)", r"``\1``", line)
        lines[place] = re.sub(r"(``[^`]+``)(?=\w)", r"\1\\ ", doubled)


def find_public_name(app: Sphinx, env: Any, node: nodes.Element, content: nodes.Node) -> nodes.Node | None:
    """Link a type hint, which names the module that defines a class, to the place that describes the class."""
    if node.get("refdomain") != "py":
        return None
    name = str(node.get("reftarget", "")).rpartition(".")[2]
    domain = env.domains.python_domain
    found = [dotted for dotted in domain.objects if dotted.rpartition(".")[2] == name and dotted.startswith("ble_")]
    if not found or not ("." in node["reftarget"] or name[:1].isupper()):
        return None
    target = domain.objects[min(found, key=len)]
    return make_refnode(app.builder, node["refdoc"], target.docname, target.node_id, content)


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("source-read", read_source, priority=200)
    app.connect("autodoc-process-docstring", as_restructured_text)
    app.connect("missing-reference", find_public_name)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
