"""Results that are part of ble-eval: the benchmark's agents on its larger suites."""

from pathlib import Path

from ble_eval.results.files import COMPRESSED_SUFFIX

FOLDER = Path(__file__).parents[1] / "data" / "results"
"""With a folder for each suite, and in it NAME.json.gz and NAME.provenance for each agent."""


def shipped_suites() -> list[str]:
    """Names of the suites with results, sorted."""
    return sorted(path.name for path in FOLDER.iterdir() if path.is_dir())


def shipped_results(suite: str) -> dict[str, Path]:
    """The result files of a suite by the agents' names, sorted; empty for a suite without any."""
    files = sorted((FOLDER / suite).glob(f"*{COMPRESSED_SUFFIX}"))
    return {file.name.removesuffix(COMPRESSED_SUFFIX): file for file in files}
