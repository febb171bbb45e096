"""The release check passes, and finds what it is for."""

import importlib.util
import os
import re
import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
VERSIONS = {"ble-sim": "0.1.0", "ble-env": "0.1.0"}

pytestmark = pytest.mark.skipif(not (os.environ.get("UV") or shutil.which("uv")), reason="needs uv")


@pytest.fixture(scope="module")
def check_release():
    spec = importlib.util.spec_from_file_location("check_release", ROOT / "tools" / "check_release.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def built(check_release, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("release")
    check_release.build(folder)
    return folder


@pytest.fixture(scope="module")
def wheel_of_ble_env(built) -> dict[str, bytes]:
    with zipfile.ZipFile(next(built.glob("ble_env-*.whl"))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_packages_can_be_released(check_release, built):
    assert check_release.release_problems(built, check_release.packages()) == []


@pytest.mark.parametrize("page", ["README.md", "docs/installing.md", "docs/releasing.md"])
def test_pages_say_how_large_the_wheels_are(built, page):
    """Within a tenth, or what 0.1 MB is rounded from."""
    said = dict(re.findall(r"^\| \[?(ble-\w+)\b.*?\| ([\d.]+ [kM]B) \|", (ROOT / page).read_text(), re.MULTILINE))
    assert len(said) == 5
    for name, size in said.items():
        number, unit = size.split()
        wheel = next(built.glob(f"{name.replace('-', '_')}-*.whl")).stat().st_size
        assert float(number) * {"kB": 1e3, "MB": 1e6}[unit] == pytest.approx(wheel, rel=0.1, abs=5e4), name


def dropped(name):
    return lambda files: files.pop(name)


def edited(name, old, new):
    def edit(files):
        assert old in files[name]
        files[name] = files[name].replace(old, new)

    return edit


METADATA = "ble_env-0.1.0.dist-info/METADATA"


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (dropped("ble_env/py.typed"), "ble_env/py.typed is missing or not that of the package"),
        (dropped("ble_env-0.1.0.dist-info/licenses/LICENSE"), "its LICENSE is not that of the project"),
        (edited(METADATA, b"Version: 0.1.0", b"Version: 0.1.1"), "version is '0.1.1', not '0.1.0'"),
        (edited(METADATA, b"# ble-env", b"# ble-oven"), "its description is not its README"),
        (edited(METADATA, b"ble-sim<0.2,>=0.1", b"ble-sim"), "ble-sim has no compatible range, such as >=0.1,<0.2"),
        (edited(METADATA, b"numpy>=2.0", b"numpy"), "it does not require what it declares"),
        (lambda files: files.update({"ble_env/spare.py": b""}), "ble_env/spare.py is not in the package"),
        (lambda files: files.update({"../spare.py": b""}), "../spare.py leads out of the archive"),
        (lambda files: files.update({"tests/spare.py": b""}), "tests/spare.py would be installed beside the module"),
        (edited(METADATA, b"Python :: 3.11", b"Python :: 3.10"), "its classifiers do not name Python 3.11"),
        (
            lambda files: files.update({"spare.py": f"open('{ROOT}/x')".encode()}),
            f"spare.py has the path {ROOT} in it",
        ),
        (
            lambda files: files.update(
                {"ble_env-0.1.0.dist-info/entry_points.txt": b"[console_scripts]\nspare = ble_env.spare:main\n"}
            ),
            "the entry point spare is ble_env.spare:main, which is not in the wheel",
        ),
    ],
)
def test_a_mistake_in_a_wheel_is_named(check_release, wheel_of_ble_env, tmp_path, spoil, problem):
    package = next(package for package in check_release.packages() if package.name == "ble-env")
    files = dict(wheel_of_ble_env)
    spoil(files)
    spoilt = tmp_path / "spoilt.whl"
    with zipfile.ZipFile(spoilt, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    assert any(found.startswith(problem) for found in check_release.wheel_problems(package, spoilt, VERSIONS))


def test_an_archive_that_has_grown_is_named(check_release, tmp_path):
    package = next(package for package in check_release.packages() if package.name == "ble-env")
    grown = tmp_path / "grown.whl"
    grown.write_bytes(bytes(400_000))
    assert list(check_release.size_problems(package, [grown])) == ["ble-env: grown.whl has 0.4 MB, more than 0.3 MB"]
    assert check_release.MAX_MEGABYTES.keys() == {package.name for package in check_release.packages()}


def test_a_source_archive_has_the_package_and_no_more(check_release, built, tmp_path):
    package = next(package for package in check_release.packages() if package.name == "ble-env")
    spoilt = tmp_path / "spoilt.tar.gz"
    with tarfile.open(built / f"{package.stem}.tar.gz") as archive, tarfile.open(spoilt, "w:gz") as copy:
        for member in archive:
            copy.addfile(member, archive.extractfile(member))
        copy.addfile(tarfile.TarInfo(f"{package.stem}/tests/test_spare.py"))
    problems = list(check_release.source_problems(package, spoilt, VERSIONS))
    assert problems == [f"{package.stem}/tests/test_spare.py is no part of the package"]


def test_a_range_contains_what_is_released(check_release):
    requirement = Requirement("ble-sim>=0.1,<0.2")
    assert list(check_release.sibling_problems(requirement, VERSIONS)) == []
    assert len(list(check_release.sibling_problems(requirement, {"ble-sim": "0.2.0"}))) == 1


def test_the_newest_release_heads_the_changelog(check_release):
    assert check_release.newest_release("# Changelog\n\n## 1.10.0\n\nNew.\n\n## 1.9.0\n") == "1.10.0"
    assert check_release.newest_release("# Changelog\n") is None
