"""Print the size of each package's wheel, what it requires, and the time of its import.

    uv run benchmarks/package_table.py

The import is the one that users begin with. Its time is the processor time of a fresh interpreter that makes it, less
that of one that imports nothing; medians. JAX is imported when something is computed, so it has a line of its own.
"""

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from packaging.metadata import parse_email
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
IMPORTS = {
    "ble-sim": "import ble_sim",
    "ble-env": "import ble_env",
    "ble-agents": "from ble_agents import Agent, create_agent",
    "ble-eval": "import ble_eval.cli",
    "ble-train": "import ble_train.cli",
}
REPEATS = 5


def main() -> None:
    """Build, measure and print."""
    bare = seconds("pass")
    print("| package | wheel | needs | import | |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        uv = os.environ.get("UV") or shutil.which("uv") or "uv"
        build = [uv, "build", "--quiet", "--wheel", "--all-packages", "--directory", str(ROOT), "--out-dir", folder]
        subprocess.run(build, check=True)
        for package, statement in IMPORTS.items():
            wheel = next(Path(folder).glob(f"{package.replace('-', '_')}-*.whl"))
            took = f"{seconds(statement) - bare:.2f} s"
            size = readable(wheel.stat().st_size)
            print(f"| {package} | {size} | {', '.join(needs(wheel))} | {took} | `{statement}` |")
    print(f"\nimport jax: {seconds('import jax') - bare:.2f} s; the interpreter alone: {bare:.2f} s")


def seconds(program: str) -> float:
    """Processor time of a process that runs this program, with its bytecode compiled; a median."""
    times = []
    for _ in range(1 + REPEATS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", program], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(times[1:])


def needs(wheel: Path) -> list[str]:
    """Names of its requirements without extras."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata, _ = parse_email(archive.read(name))
    required = map(Requirement, metadata.get("requires_dist", []))
    return sorted(requirement.name for requirement in required if requirement.marker is None)


def readable(size: int) -> str:
    """Bytes in kB or MB."""
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"


if __name__ == "__main__":
    main()
