"""What a package imports it declares, and imports run one way: sim <- env <- agents <- train, eval."""

import ast
import functools
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

PACKAGES = Path(__file__).parents[2] / "packages"
MAY_IMPORT = {
    "ble-sim": set(),
    "ble-env": {"ble-sim"},
    "ble-agents": {"ble-sim", "ble-env"},
    "ble-train": {"ble-sim", "ble-env", "ble-agents"},
    "ble-eval": {"ble-sim", "ble-env", "ble-agents"},
}


def normalized(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def own_modules(package: str) -> Path:
    return PACKAGES / package / "src" / package.replace("-", "_")


@functools.cache
def project(package: str) -> dict:
    return tomllib.loads((PACKAGES / package / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def names(requirements: list[str]) -> set[str]:
    """Normalized names of requirements such as "h5netcdf[h5py]>=1.3"."""
    return {normalized(re.match(r"[\w.-]+", requirement)[0]) for requirement in requirements}


def declared(package: str) -> tuple[set[str], set[str]]:
    """What the package always needs, and what its extras add."""
    extras = project(package).get("optional-dependencies", {}).values()
    return names(project(package)["dependencies"]), set().union(*map(names, extras))


def imported_names(source: str) -> Iterator[str]:
    """The absolute imports of a module, wherever in it they stand."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield str(node.module)


@functools.cache
def distributions_by_module() -> dict[str, set[str]]:
    """The distributions of each top-level module; ours from the checkout, whether they are installed or not."""
    installed = {module: set(map(normalized, found)) for module, found in metadata.packages_distributions().items()}
    return installed | {package.replace("-", "_"): {package} for package in MAY_IMPORT}


@functools.cache
def imports(package: str) -> dict[str, list[str]]:
    """Which distributions the package imports, and from which of its modules; a module nobody knows by its own name."""
    found: dict[str, list[str]] = {}
    known = set().union(*declared(package))
    for file in sorted(own_modules(package).rglob("*.py")):
        for name in sorted(set(imported_names(file.read_text(encoding="utf-8")))):
            module = name.partition(".")[0]
            if module in sys.stdlib_module_names or module == package.replace("-", "_"):
                continue
            sources = distributions_by_module().get(module, {module})
            for distribution in sources & known or sources:  # several may share a namespace
                found.setdefault(distribution, []).append(f"{file.relative_to(PACKAGES)} imports {name}")
    return found


def test_every_package_is_checked():
    assert {folder.name for folder in PACKAGES.iterdir() if (folder / "pyproject.toml").is_file()} == set(MAY_IMPORT)


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_what_is_imported_is_declared(package):
    undeclared = imports(package).keys() - set().union(*declared(package))
    assert not [place for distribution in sorted(undeclared) for place in imports(package)[distribution]]


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_what_is_declared_is_imported(package):
    always, _ = declared(package)
    assert always <= imports(package).keys()


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_run_one_way(package):
    siblings = imports(package).keys() & MAY_IMPORT.keys()
    assert not [place for sibling in siblings - MAY_IMPORT[package] for place in imports(package)[sibling]]
    always, extras = declared(package)
    assert (always | extras) & MAY_IMPORT.keys() <= MAY_IMPORT[package]


def test_imports_are_found_wherever_they_stand():
    source = "import numpy.linalg as la, rich\nif x:\n    from jax.numpy import sin\ndef f():\n    import optax\n"
    assert set(imported_names(source + "from . import y\n")) == {"numpy.linalg", "rich", "jax.numpy", "optax"}
