"""Build all packages as they would be released, and check what came out.

    uv run tools/check_release.py [FOLDER]

Source archives and wheels, each wheel out of its source archive, go to FOLDER, or to a temporary one. For each package
that has a mistake it prints what is wrong, and the exit status is 1.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.metadata import RawMetadata, parse_email
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
MODEL_SUFFIX = ".npz"
"""Files of models, whose origin a NOTICE tells."""

MAX_MEGABYTES = {"ble-sim": 25.0, "ble-env": 0.3, "ble-agents": 23.0, "ble-eval": 2.5, "ble-train": 0.3}
"""How large an archive of each package may be. docs/releasing.md says what is in the large ones, and why."""

CACHES = {".pyc", ".pkl", ".log", ".tmp"}
"""Endings of files that no package ships."""

SOURCE_ONLY = {"README.md", "CHANGELOG.md", "pyproject.toml", "PKG-INFO", ".gitignore", "LICENSE", "NOTICE"}
"""What a source archive has besides the module."""

Files = Mapping[str, bytes]
"""What an archive holds: contents by path."""


@dataclass(frozen=True)
class Package:
    """A package in the checkout."""

    folder: Path
    project: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Of the distribution."""
        return self.project["name"]

    @property
    def version(self) -> str:
        """As declared."""
        return self.project["version"]

    @property
    def module(self) -> str:
        """The package that is imported."""
        return self.name.replace("-", "_")

    @property
    def stem(self) -> str:
        """What its archives are called."""
        return f"{self.module}-{self.version}"


def main(argv: list[str] | None = None) -> int:
    """Build, check, and say what is wrong."""
    parser = argparse.ArgumentParser(description="Build all packages as they would be released, and check them.")
    parser.add_argument("folder", type=Path, nargs="?", help="where the archives go; must be empty or new")
    folder = parser.parse_args(argv).folder
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) if folder is None else folder.resolve()
        if folder.is_dir() and any(folder.iterdir()):
            parser.error(f"{folder} is not empty: what is in it would be taken for the release.")
        build(folder)
        problems = release_problems(folder, packages())
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{len(problems)} problems" if problems else "The packages can be released.")
    return 1 if problems else 0


def packages() -> list[Package]:
    """Those of the workspace."""
    found = []
    for file in sorted((ROOT / "packages").glob("*/pyproject.toml")):
        found.append(Package(file.parent, tomllib.loads(file.read_text(encoding="utf-8"))["project"]))
    return found


def build(folder: Path) -> None:
    """Write the source archives and wheels of all packages into the folder."""
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is None:
        raise SystemExit("uv is needed: python3 -m pip install uv")
    command = [uv, "build", "--quiet", "--all-packages", "--directory", str(ROOT), "--out-dir", str(folder)]
    if subprocess.run([*command, "--offline"], capture_output=True, check=False).returncode != 0:
        subprocess.run(command, check=True)


def release_problems(folder: Path, released: list[Package]) -> list[str]:
    """What is wrong with the archives in the folder, a line each, beginning with the package's name."""
    versions = {package.name: package.version for package in released}
    expected = {f"{package.stem}{kind}" for package in released for kind in ("-py3-none-any.whl", ".tar.gz")}
    built = {file.name for file in folder.iterdir() if file.name != ".gitignore"}
    problems = [f"{name}: not built" for name in sorted(expected - built)]
    problems += [f"{name}: what is this?" for name in sorted(built - expected)]
    for package in released:
        wheel, source = folder / f"{package.stem}-py3-none-any.whl", folder / f"{package.stem}.tar.gz"
        problems += size_problems(package, [file for file in (wheel, source) if file.name in built])
        if wheel.name in built:
            problems += [f"{package.name}: wheel: {problem}" for problem in wheel_problems(package, wheel, versions)]
        if source.name in built:
            problems += [f"{package.name}: source: {problem}" for problem in source_problems(package, source, versions)]
    return problems


def size_problems(package: Package, archives: Iterable[Path]) -> Iterator[str]:
    """Archives of a package that are larger than they may be."""
    limit = MAX_MEGABYTES.get(package.name, 0.0)
    for archive in archives:
        megabytes = archive.stat().st_size / 1e6
        if megabytes > limit:
            yield f"{package.name}: {archive.name} has {megabytes:.1f} MB, more than {limit} MB"


def wheel_problems(package: Package, wheel: Path, versions: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with a wheel.

    Args:
        package: whose wheel it is.
        wheel: the file.
        versions: of all packages, by name.
    """
    with zipfile.ZipFile(wheel) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    info = f"{package.stem}.dist-info"
    yield from path_problems(files)
    for name in sorted(files):
        if not name.startswith((f"{package.module}/", f"{info}/")):
            yield f"{name} would be installed beside the module"
    yield from metadata_problems(package, parse_email(files.get(f"{info}/METADATA", b""))[0], versions)
    yield from content_problems(package, files, sources="", licenses=f"{info}/licenses/")
    yield from entry_point_problems(package, files, files.get(f"{info}/entry_points.txt", b"").decode())


def source_problems(package: Package, source: Path, versions: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with a source archive; arguments as of `wheel_problems`."""
    with tarfile.open(source) as archive:
        for member in archive:
            if not (member.isfile() or member.isdir()):
                yield f"{member.name} is a link"
        opened = {member.name: archive.extractfile(member) for member in archive if member.isfile()}
        files = {name: file.read() for name, file in opened.items() if file is not None}
    yield from path_problems(files)
    for name in sorted(files):
        inside = name.removeprefix(f"{package.stem}/")
        if inside not in SOURCE_ONLY and not inside.startswith(f"src/{package.module}/"):
            yield f"{name} is no part of the package"
    yield from metadata_problems(package, parse_email(files.get(f"{package.stem}/PKG-INFO", b""))[0], versions)
    yield from content_problems(package, files, sources=f"{package.stem}/src/", licenses=f"{package.stem}/")
    for name in ("README.md", "CHANGELOG.md", "pyproject.toml"):
        if files.get(f"{package.stem}/{name}") != (package.folder / name).read_bytes():
            yield f"{name} is not that of the package"


def metadata_problems(package: Package, metadata: RawMetadata, versions: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with the core metadata."""
    newest = newest_release((package.folder / "CHANGELOG.md").read_text(encoding="utf-8"))
    if package.version != newest:
        yield f"its version is {package.version}, but the changelog's newest is {newest}"
    expected = {
        "name": package.folder.name,
        "version": package.version,
        "summary": package.project["description"],
        "requires_python": package.project["requires-python"],
        "license_expression": "Apache-2.0",
        "description_content_type": "text/markdown",
    }
    for key, value in expected.items():
        if metadata.get(key) != value:
            yield f"{key} is {metadata.get(key)!r}, not {value!r}"
    readme = (package.folder / "README.md").read_text(encoding="utf-8")
    if metadata.get("description", "").strip() != readme.strip():
        yield "its description is not its README"
    required = set(map(Requirement, metadata.get("requires_dist", [])))
    for requirement in sorted(required, key=str):
        yield from sibling_problems(requirement, versions)
    always = {requirement for requirement in required if requirement.marker is None}
    if always != set(map(Requirement, package.project["dependencies"])):
        yield f"it does not require what it declares, but {', '.join(sorted(map(str, always)))}"
    known = {classifier.rpartition(" :: ")[2] for classifier in metadata.get("classifiers", [])}
    oldest = package.project["requires-python"].removeprefix(">=")
    if not {oldest, "Typed"} <= known:
        yield f"its classifiers do not name Python {oldest} and types: {sorted(known)}"
    if set(metadata.get("provides_extra", [])) != package.project.get("optional-dependencies", {}).keys():
        yield f"its extras are {metadata.get('provides_extra')}"


def sibling_problems(requirement: Requirement, versions: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with the range in which another of our packages is required."""
    if requirement.name not in versions:
        return
    operators = {bound.operator for bound in requirement.specifier}
    if not (">=" in operators and "<" in operators):
        yield f"{requirement} has no compatible range, such as >=0.1,<0.2"
    if versions[requirement.name] not in requirement.specifier:
        yield f"{requirement} leaves out {versions[requirement.name]}, which is released with it"


def content_problems(package: Package, files: Files, sources: str, licenses: str) -> Iterator[str]:
    """What is missing in an archive, or more than there should be.

    Args:
        package: whose archive it is.
        files: what is in it.
        sources: path of the folder in it that holds the module.
        licenses: path of the folder in it that holds the license.
    """
    root = package.folder / "src"
    wanted = {
        file.relative_to(root).as_posix(): file
        for file in (root / package.module).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    if f"{package.module}/py.typed" not in wanted:
        yield "the module has no py.typed"
    for name, file in sorted(wanted.items()):
        if files.get(sources + name) != file.read_bytes():
            yield f"{name} is missing or not that of the package"
    inside = f"{sources}{package.module}/"
    for name in sorted(files):
        if name.startswith(inside) and name.removeprefix(sources) not in wanted:
            yield f"{name} is not in the package"
    for name in sorted(wanted):
        if any(part.startswith((".", "__", "test")) for part in Path(name).parts[:-1]) or Path(name).suffix in CACHES:
            yield f"{name} is a test or a cache"
    if files.get(f"{licenses}LICENSE") != (ROOT / "LICENSE").read_bytes():
        yield "its LICENSE is not that of the project"
    notice = files.get(f"{licenses}NOTICE", b"").decode()
    own_notice = package.folder / "NOTICE"
    if own_notice.exists() and notice != own_notice.read_text(encoding="utf-8"):
        yield "its NOTICE is not that of the package"
    for name in sorted(wanted):
        if name.endswith(MODEL_SUFFIX) and name not in notice:
            yield f"{name} is not in a NOTICE"


def entry_point_problems(package: Package, files: Files, text: str) -> Iterator[str]:
    """What is wrong with the commands and plugins that a wheel announces."""
    declared = {"console_scripts": package.project.get("scripts", {}), **package.project.get("entry-points", {})}
    wanted = {(group, name, target) for group, points in declared.items() for name, target in points.items()}
    found = set()
    group = ""
    for line in text.splitlines():
        if line.startswith("["):
            group = line.strip("[]")
        elif line:
            name, target = (part.strip() for part in line.split("=", maxsplit=1))
            found.add((group, name, target))
            path = target.partition(":")[0].replace(".", "/")
            if not {f"{path}.py", f"{path}/__init__.py"} & files.keys():
                yield f"the entry point {name} is {target}, which is not in the wheel"
    if wanted != found:
        yield f"its entry points are {sorted(found)}, but it declares {sorted(wanted)}"


def path_problems(files: Files) -> Iterator[str]:
    """Names of files that lead out of the archive, and contents that tell where it was built."""
    places = {str(place).encode() for place in (ROOT, Path.home(), Path(tempfile.gettempdir())) if place != Path("/")}
    for name, content in sorted(files.items()):
        if name.startswith("/") or ".." in name.split("/") or ":" in name or "\\" in name:
            yield f"{name} leads out of the archive"
        for place in sorted(places):
            if place in content and re.search(rb"(?<![\w.~/-])" + re.escape(place) + rb"(?![\w-])", content):
                yield f"{name} has the path {place.decode()} in it"


def newest_release(changelog: str) -> str | None:
    """The version in the first heading of second rank."""
    found = re.search(r"^## (\S+)", changelog, re.MULTILINE)
    return found[1] if found else None


if __name__ == "__main__":
    sys.exit(main())
