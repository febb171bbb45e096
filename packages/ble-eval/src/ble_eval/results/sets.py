"""The results of several agents: read by the names of files, folders and agents, and brought to the same seeds."""

import dataclasses
import difflib
import gzip
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ble_eval.content import content_differences
from ble_eval.errors import UserError
from ble_eval.results.files import COMPRESSED_SUFFIX, RESULT_SUFFIX, ResultPaths, read_results
from ble_eval.results.merging import listed
from ble_eval.results.records import EvaluationResult
from ble_eval.settings import differences, read_provenance
from ble_sim.plugins import InformationTrack

LARGEST_FIRST = ("big_eval", "medium_eval")
"""Where results of an agent are looked for that are part of this package, if nothing says which suite."""

OF_THE_AGENT = ("agent", "seed", "checkpoint_dir", "checkpoint_idx", "untrained", "agent_options")
"""Settings in which runs may differ: they are what is compared."""
OF_THE_FILE = ("num_shards", "shard_idx", "flight_paths", "seeds", "suite", "suite_options")
"""Settings that say which episodes are in a file and how; the episodes themselves are compared."""


@dataclass(frozen=True)
class ResultSet:
    """The results of one agent.

    Attributes:
        label: what the agent is called in tables, unique among the sets that are read together.
        path: the result file.
        results: at least one, sorted by seed, one a seed.
        record: settings and software of the run, None where the file has no record beside it.
        ships: whether the results are part of this package.
    """

    label: str
    path: Path
    results: list[EvaluationResult]
    record: dict[str, Any] | None
    ships: bool = False

    @property
    def seeds(self) -> list[int]:
        """The seeds of the results, sorted."""
        return [result.seed for result in self.results]

    @property
    def information(self) -> str | None:
        """The information track of the agent; None where the file has no record beside it.

        All that was recorded before there were tracks used the observation alone.
        """
        return None if self.record is None else str(self.record.get("information", InformationTrack.OBSERVATION.value))

    @property
    def suite(self) -> str:
        """The suite that was flown, the name of the file's folder where that is not recorded."""
        return str((self.record or {}).get("settings", {}).get("suite", self.path.absolute().parent.name))


def read_result_sets(words: Sequence[str], suite: str | None = None) -> list[ResultSet]:
    """The results that words name, in the order of the words. A file that is named twice is read once.

    Args:
        words: each a result file; a folder, for all result files in it and in its folders; or the name of an agent
            whose results are part of this package.
        suite: which results are taken of an agent, and of a folder. By default those of the other words' suite for an
            agent, else of the largest suite that there are results of; and all results of a folder.

    Raises:
        UserError: a word names no results, or a file is damaged, has no results or several for a seed.
        OSError: a file cannot be read.
    """
    by_word = [_read_paths(word, suite) for word in words]
    suites = [one.suite for sets in by_word for one in sets or ()]
    found: dict[Path, ResultSet] = {}
    for word, sets in zip(words, by_word, strict=True):
        for one in [_read_shipped(word, suite, suites)] if sets is None else sets:
            found.setdefault(one.path.resolve(), one)
    return _with_unique_labels(list(found.values()))


def _read_paths(word: str, suite: str | None) -> list[ResultSet] | None:
    """The results in the file or folder of this name; None if there is neither, and it may be an agent's."""
    path = Path(word)
    if word and path.is_dir():
        sets = [one for file in _result_files(path) if suite in (None, (one := _read_set(file)).suite)]
        if not sets:
            where = f"no results of the suite {suite!r}" if suite else "no result files"
            raise UserError(f"The folder {path} has {where}, and neither have the folders in it.")
        return sets
    if path.is_file() or path.name.endswith((RESULT_SUFFIX, COMPRESSED_SUFFIX)) or len(path.parts) > 1:
        return [_read_set(path)]
    return None


def _result_files(folder: Path) -> list[Path]:
    """The result files in a folder and in its folders, sorted, the folder's own first."""
    candidates = [sorted(folder.glob(pattern)) for pattern in ("*.json*", "*/*.json*")]
    return [
        path
        for paths in candidates
        for path in paths
        if path.name.endswith((RESULT_SUFFIX, COMPRESSED_SUFFIX)) and _begins_array(path)
    ]


def _begins_array(path: Path) -> bool:
    """Whether a JSON file begins as result files do, unlike settings and other files of runs."""
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        try:
            return file.read(100).lstrip().startswith(b"[")
        except (EOFError, gzip.BadGzipFile):
            return True  # Reading it all will say what is wrong.


def _read_set(path: Path, label: str = "") -> ResultSet:
    results = read_results(path)
    if not results:
        raise UserError(f"{path} has no results.")
    double = [seed for seed, count in Counter(result.seed for result in results).items() if count > 1]
    if double:
        raise UserError(
            f"{path} has several results for a seed: {listed(double)}. Join its parts with `ble-eval merge`."
        )
    return ResultSet(
        label=label or _stem(path),
        path=path,
        results=sorted(results, key=lambda result: result.seed),
        record=read_provenance(ResultPaths.of(path).provenance),
        ships=bool(label),
    )


def _stem(path: Path) -> str:
    return path.name.removesuffix(COMPRESSED_SUFFIX).removesuffix(RESULT_SUFFIX)


def _read_shipped(agent: str, suite: str | None, suites: Iterable[str]) -> ResultSet:
    """The results of an agent that are part of this package."""
    from ble_eval.results.shipped import shipped_results, shipped_suites

    by_suite = {name: shipped_results(name) for name in shipped_suites()}
    wanted = [suite] if suite else [*suites, *LARGEST_FIRST, *by_suite]
    for name in wanted:
        if agent in by_suite.get(name, {}):
            return _read_set(by_suite[name][agent], agent)
    where = {name: sorted(agents) for name, agents in by_suite.items() if suite in (None, name)}
    nearest = difflib.get_close_matches(agent, [one for agents in where.values() for one in agents], n=1)
    hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
    there = "; ".join(f"{name}: {', '.join(agents)}" for name, agents in where.items())
    of_suite = f" of {suite}" if suite else ""
    raise UserError(
        f"{agent!r} is neither a file, nor a folder, nor an agent whose results{of_suite} are part of ble-eval.{hint}"
        f" The package has results of {there or 'other suites: ' + ', '.join(by_suite)}."
    )


def _with_unique_labels(sets: list[ResultSet]) -> list[ResultSet]:
    """Sets of one label get as many folders before it as tell them apart."""
    counts = Counter(one.label for one in sets)
    files = [one for one in sets if not one.ships]
    return [dataclasses.replace(one, label=_longer_label(one, files)) if counts[one.label] > 1 else one for one in sets]


def _longer_label(one: ResultSet, files: Sequence[ResultSet]) -> str:
    if one.ships:
        return f"{one.label} (ships)"
    others = [other.path.absolute() for other in files if other.label == one.label and other is not one]
    if not others:
        return one.label
    path = one.path.absolute()
    for count in range(1, len(path.parts)):
        folders = path.parts[-1 - count : -1]
        if all(other.parts[-1 - count : -1] != folders for other in others):
            return "/".join([*folders, one.label])
    return str(one.path)  # NAME.json beside NAME.json.gz.


@dataclass(frozen=True)
class CommonSeeds:
    """Sets of the same seeds.

    Attributes:
        sets: the sets.
        left_out: what they had besides, a clause for each that has lost seeds.
    """

    sets: list[ResultSet]
    left_out: list[str]


def on_common_seeds(sets: Sequence[ResultSet], allowed: bool) -> CommonSeeds:
    """The sets without the seeds that not all of them have.

    Args:
        sets: at least one.
        allowed: whether to leave out seeds. Those of results that are part of this package are always left out.

    Raises:
        UserError: seeds would be left out that may not, or there is no seed in common.
    """
    common = set.intersection(*(set(one.seeds) for one in sets))
    shards = "".join(
        f" {one.path} is a shard: join shards with `ble-eval merge`." for one in sets if _is_shard(one.record)
    )
    if not common:
        names = ", ".join(one.label for one in sets)
        raise UserError(f"There is no seed in common among {names}{_suites_of(sets)}.{shards}")
    further = {one.label: (one, set(one.seeds) - common) for one in sets}
    clauses = {label: f"{label} has also {listed(seeds)}" for label, (_, seeds) in further.items() if seeds}
    if not allowed and any(not further[label][0].ships for label in clauses):
        raise UserError(
            f"Not all have the same seeds{_suites_of(sets)}: {len(common)} are in common;"
            f" {'; '.join(clauses.values())}. Give --common-seeds to leave these out.{shards}"
        )
    cut = [
        dataclasses.replace(one, results=[result for result in one.results if result.seed in common]) for one in sets
    ]
    return CommonSeeds(cut, list(clauses.values()))


def _is_shard(record: Mapping[str, Any] | None) -> bool:
    settings = (record or {}).get("settings", {})
    return "shard_idx" in settings and settings.get("num_shards", 1) > 1


def _suites_of(sets: Iterable[ResultSet]) -> str:
    """The suites in brackets, if there are several."""
    names = list(dict.fromkeys(one.suite for one in sets))
    return f" ({', '.join(names)})" if len(names) > 1 else ""


def unlike(sets: Sequence[ResultSet], baseline: str | None = None) -> list[str]:
    """Lines about what differs between runs besides the agents; empty if nothing does.

    Args:
        sets: the results.
        baseline: label of the set that the others are compared with, the first by default.
    """
    unknown = [f"{one.path} has no record beside it." for one in sets if one.record is None]
    if unknown:
        unknown.append("So it is not known whether all have the same winds, rewards, precision and versions.")
    known = [one for one in sets if one.record is not None]
    first = next((one for one in known if one.label == baseline), known[0] if known else None)
    lines = []
    for one in known:
        if first is not None and one is not first and (found := _other_differences(first.record, one.record)):
            lines.append(f"{first.label} (there) and {one.label} (here) differ in more than the agents:")
            lines += [f"  {clause}" for clause in found]
    return [*unknown, *lines]


def _other_differences(there: Mapping[str, Any] | None, here: Mapping[str, Any] | None) -> list[str]:
    there, here = there or {}, here or {}
    return [
        *differences(_task_settings(there), _task_settings(here)),
        *differences(_software(there), _software(here)),
        *content_differences(_wind(there), _wind(here)),
    ]


def _task_settings(record: Mapping[str, Any]) -> dict[str, Any]:
    left_out = {*OF_THE_AGENT, *OF_THE_FILE}
    return {name: value for name, value in record["settings"].items() if name not in left_out}


def _software(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.get("software", {}).items() if name != "agent"}


def _wind(record: Mapping[str, Any]) -> dict[str, str]:
    name = "the wind field's content"
    content = record.get("content", {})
    return {name: content[name]} if name in content else {}
