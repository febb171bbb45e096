"""The script of docs/clusters.md for an array of jobs, run as a queue would, and the command that joins its files.

The fake environment and agent stand for the balloon, and a small suite for the large one.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from installed_plugins import GROUP, install_distribution, path_with
from pages import ROOT, blocks

from ble_eval.results.files import read_results

SUPPORT = Path(__file__).parents[1] / "support"
NUM_JOBS = 2


def shell_blocks() -> list[str]:
    text = (ROOT / "docs" / "clusters.md").read_text(encoding="utf-8")
    found = [block.text for block in blocks(text) if block.language == "sh"]
    return [text.replace("station_seeker", "ray_fake").replace("big_eval", "tiny_eval") for text in found]


@pytest.fixture
def shell(tmp_path):
    """Runs lines with bash, in an empty folder, where `ble-eval` and the fake agent are installed."""
    (tmp_path / "site").mkdir()
    install_distribution(tmp_path / "site", "ble-ray-fake", "0.5", {GROUP: {"ray_fake": "ray_fakes"}})

    def run(lines: str, **variables: str) -> None:
        done = subprocess.run(
            ["bash", "-c", lines],
            env={
                **os.environ,
                "PATH": path_with_scripts(),
                "PYTHONPATH": path_with(SUPPORT, tmp_path / "site"),
                **variables,
            },
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    return run


def path_with_scripts() -> str:
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])


def test_the_jobs_of_the_array_make_the_file_of_one_run(shell, tmp_path):
    script, merge, *_ = shell_blocks()
    assert "#SBATCH --array=0-" in script
    for index in range(NUM_JOBS):
        shell(script, SLURM_ARRAY_TASK_ID=str(index), SLURM_ARRAY_TASK_COUNT=str(NUM_JOBS), SLURM_CPUS_PER_TASK="1")
    shell(merge)
    shell("ble-eval run --agent ray_fake --suite tiny_eval --no-flight-paths --output-dir whole")
    joined = read_results(tmp_path / "results" / "tiny_eval" / "ray_fake.json")
    assert len(joined) == 10
    assert joined == read_results(tmp_path / "whole" / "tiny_eval" / "ray_fake.json")
