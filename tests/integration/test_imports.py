"""What a package imports it declares, and imports run one way along one line, between packages and within them."""

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
LINE = ["ble-sim", "ble-env", "ble-agents", "ble-eval", "ble-train"]
MAY_IMPORT = {package: set(LINE[:place]) for place, package in enumerate(LINE)}
ROOMS_OF_BLE_SIM = [
    ["builtins", "flight"],
    ["conditions"],
    ["scenario", "state"],
    ["wind.fields"],
    ["wind"],
    ["balloon"],
    ["sky"],
    ["plugins"],
    ["files"],
    ["constants", "structs", "precision", "keys", "seeds", "_lazy"],
]
"""From the top down: imports run down this list, or stay within a room."""


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


@functools.cache
def modules() -> dict[str, Path]:
    """Every module of the house by its name; a package's is its `__init__`."""
    found = {}
    for package in LINE:
        folder = own_modules(package)
        for file in folder.rglob("*.py"):
            parts = [folder.name, *file.relative_to(folder).with_suffix("").parts]
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


@functools.cache
def import_graph() -> dict[str, set[str]]:
    """Which modules of the house each imports, wherever the import stands, but for those of type checkers."""
    graph = {}
    for name, file in modules().items():
        targets = set()
        for node in runtime_nodes(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                targets |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                # A name may be a module of the package, or be defined in it.
                for alias in node.names:
                    submodule = f"{node.module}.{alias.name}"
                    targets.add(submodule if submodule in modules() else str(node.module))
        graph[name] = {target for target in targets if target in modules()} - {name}
    return graph


def runtime_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            yield node
            yield from runtime_nodes(node)


def test_no_modules_import_each_other_in_a_circle():
    finished: set[str] = set()

    def visit(module: str, path: list[str]) -> None:
        assert module not in path, " -> ".join([*path[path.index(module) :], module])
        if module not in finished:
            for target in sorted(import_graph()[module]):
                visit(target, [*path, module])
            finished.add(module)

    for module in import_graph():
        visit(module, [])


def room_of(module: str) -> int | None:
    inner = module.removeprefix("ble_sim.")
    matches = [
        (len(room), place)
        for place, rooms in enumerate(ROOMS_OF_BLE_SIM)
        for room in rooms
        if inner == room or inner.startswith(f"{room}.")
    ]
    return max(matches)[1] if matches else None


def test_imports_of_the_simulator_run_down_its_rooms():
    graph = {module: targets for module, targets in import_graph().items() if module.startswith("ble_sim.")}
    assert all(room_of(module) is not None for module in graph)
    upwards = [
        f"{module} imports {target}"
        for module, targets in graph.items()
        for target in targets & graph.keys()
        if room_of(target) < room_of(module)
    ]
    assert not upwards


def test_no_function_has_the_name_of_its_module():
    for name, file in modules().items():
        defined = {
            node.name
            for node in ast.parse(file.read_text(encoding="utf-8")).body
            if isinstance(node, ast.FunctionDef | ast.ClassDef)
        }
        assert name.rpartition(".")[2] not in defined, name


def test_imports_are_found_wherever_they_stand():
    source = "import numpy.linalg as la, rich\nif x:\n    from jax.numpy import sin\ndef f():\n    import optax\n"
    assert set(imported_names(source + "from . import y\n")) == {"numpy.linalg", "rich", "jax.numpy", "optax"}
