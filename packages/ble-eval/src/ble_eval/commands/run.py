"""`ble-eval run`: flies an agent through a suite and writes the results."""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from ble_env.task_parts import Choice
from ble_eval import suites
from ble_eval.builtins import EPISODE_STEPS
from ble_eval.command_line.construction import make_window
from ble_eval.command_line.errors import INTERRUPTED
from ble_eval.command_line.flags import FlightArguments, NameFlag, common_settings, name_flags
from ble_eval.command_line.parsing import Switch
from ble_eval.engines.engine import Engine
from ble_eval.engines.local import LocalEngine
from ble_eval.engines.options import RayOptions
from ble_eval.errors import UserError
from ble_eval.results.files import ResultPaths, result_file_name
from ble_eval.settings import SEEDS_FOLDER, EvaluationSettings
from ble_eval.suites.suite import EvaluationSuite, repeated
from ble_eval.sweeps.flight import Cell, Flown, Moment, fly_cells
from ble_eval.sweeps.lines import CheckpointArguments, checkpoint_of, names_alone, parse_line
from ble_eval.sweeps.words import Combination, combinations, result_names
from ble_eval.trained import ChosenCheckpoint
from ble_sim.files.compilation_cache import use_compilation_cache
from ble_sim.plugins import NoOptions
from ble_sim.plugins.registries import SUITES
from ble_sim.seeds import check_seed

DEFAULT_SUITE = "small_eval"


@dataclass(frozen=True, kw_only=True)
class RunArguments(CheckpointArguments, FlightArguments):
    """Fly an agent through the episodes of a suite, and write one record for each episode.

    A stopped run continues when the same command is given again.

    --agent, --wind-field and --precision take several words, and every combination is flown. A word is a name, which
    options may follow: NAME,OPTION=VALUE,OPTION=VALUE. A word of --agent may also be the folder of a training run, or
    of checkpoints, and FOLDER@NUMBER one of its checkpoints.
    """

    suite: str | None = None
    suite_options: Any = NoOptions()

    seeds: Annotated[
        tuple[int, ...] | None, tyro.conf.arg(metavar="INT [INT ...]", help_behavior_hint="(default: the suite's)")
    ] = None
    """Seeds to fly in place of a suite."""

    output_dir: Path = Path("results")
    """Results are written to OUTPUT_DIR/SUITE/NAME.json, or OUTPUT_DIR/seeds/NAME.json if seeds are given."""

    name_override: Annotated[
        str | None,
        tyro.conf.arg(metavar="NAME", help_behavior_hint="(default: the agent's, with the checkpoint's number)"),
    ] = None
    """Name of the result file, if there is one."""

    num_shards: int = 1
    """Number of parts of the suite, flown by separate commands; join their files with `ble-eval merge`."""

    shard_idx: int = 0
    """The part to fly, from 0 on; its number is added to the file's name."""

    flight_paths: bool = True
    """Whether the records hold the flight paths, some 270 kB for each episode, 45 kB compressed."""

    pretty_json: Switch = False
    """Indent the result file."""

    compress: Switch = False
    """Compress the result file, and name it NAME.json.gz."""

    engine: Literal["local", "ray"] = "local"
    """What flies: this process, or the processes of a Ray cluster."""

    ray: Annotated[RayOptions, tyro.conf.arg(name="")] = RayOptions()

    fresh: Switch = False
    """Fly all episodes anew: discard those of a stopped run, and replace results that are there already."""


def main(words: Sequence[str], program: str) -> int:
    """Parse the words after the verb, run it, and return the exit status."""
    started = Moment.now()
    lines = combinations(words)
    suite = NameFlag("suite", SUITES.get, None, "The evaluation suite.", hint=f"(default: {DEFAULT_SUITE})")
    flags = [*name_flags(), suite]
    arguments = [parse_line(RunArguments, flags, line, program, SUITES) for line in lines]
    return evaluate(lines, arguments, f"{program} {shlex.join(words)}", started)


def evaluate(lines: Sequence[Combination], arguments: Sequence[RunArguments], command: str, started: Moment) -> int:
    """Fly the episodes of all cells, write the results, and return the exit status.

    Args:
        lines: the command lines, one for each cell.
        arguments: the flags of each.
        command: the command line as it was given, for the record.
        started: when it was given.

    Raises:
        UserError: a flag has an unusable value, or a file is in the way.
        UnknownNameError: there is no such suite.
    """
    common = arguments[0]
    choice, suite, shard = _suite(common)
    cells = _cells(lines, arguments, choice, suite, shard)
    use_compilation_cache(programs=True)
    local = LocalEngine(make_window(common))
    engine = _engine(common, local)
    flown = fly_cells(
        cells, engine, local, command=command, started=started, fresh=common.fresh, pretty=common.pretty_json
    )
    if flown.stopped is not None:
        print(f"\nStopped: {flown.stopped}. The same command continues from there.", file=sys.stderr)
        return INTERRUPTED
    _report(cells, flown)
    return 0


def _suite(arguments: RunArguments) -> tuple[Choice, EvaluationSuite, EvaluationSuite]:
    """The choice of the suite, the suite, and the part of it that is flown."""
    if arguments.seeds is not None and arguments.suite is not None:
        raise UserError("Give --suite or --seeds, not both.")
    if arguments.seeds == ():
        raise UserError("--seeds is given without a seed. Give the seeds to fly, or leave it out to fly a suite.")
    try:
        check_seed(arguments.seed)
        if arguments.seeds is not None:
            choice, suite = Choice(SEEDS_FOLDER, NoOptions()), EvaluationSuite(list(arguments.seeds), EPISODE_STEPS)
        else:
            name = arguments.suite or DEFAULT_SUITE
            choice = Choice(
                name, SUITES.get(name).checked_options(arguments.suite_options if arguments.suite else None)
            )
            suite = suites.get_eval_suite(choice.name, choice.options)
        shard = suite.shard(arguments.shard_idx, arguments.num_shards)
    except ValueError as error:
        raise UserError(str(error)) from error
    if twice := repeated(suite.seeds):
        raise UserError(f"The seed {twice[0]} is given twice: each is flown once.")
    return choice, suite, shard


def _settings(
    arguments: RunArguments, chosen: ChosenCheckpoint | None, choice: Choice, suite: EvaluationSuite
) -> EvaluationSettings:
    return EvaluationSettings(
        **common_settings(arguments),
        suite=choice,
        max_episode_length=suite.max_episode_length,
        num_shards=arguments.num_shards,
        shard_idx=arguments.shard_idx,
        checkpoint_dir=None if chosen is None else str(chosen.folder),
        checkpoint_idx=None if chosen is None else chosen.number,
        untrained=arguments.untrained,
        flight_paths=arguments.flight_paths,
        seeds=suite.seeds,
    )


def _cells(
    lines: Sequence[Combination],
    arguments: Sequence[RunArguments],
    choice: Choice,
    suite: EvaluationSuite,
    shard: EvaluationSuite,
) -> list[Cell]:
    common = arguments[0]
    if common.name_override == "":
        raise UserError("--name-override is empty. Give a name, or leave it out.")
    if common.name_override is not None and len(lines) > 1:
        raise UserError(
            f"--name-override names one result file, and {len(lines)} are to be written. Give --output-dir for a"
            " folder of their own."
        )
    checkpoints = [checkpoint_of(one) for one in arguments]
    settings = [_settings(*pair, choice, suite) for pair in zip(arguments, checkpoints, strict=True)]
    numbers = [one.checkpoint_idx for one in settings]
    alone = names_alone([one.agent.name for one in settings], numbers)
    if common.name_override is not None:
        alone = [common.name_override]
    names = result_names(lines, alone, numbers)
    return [
        Cell(name, one, tuple(shard.seeds), _paths(common, one, name), checkpoint)
        for name, one, checkpoint in zip(names, settings, checkpoints, strict=True)
    ]


def _paths(arguments: RunArguments, settings: EvaluationSettings, cell: str) -> ResultPaths:
    name = result_file_name(cell, arguments.num_shards, arguments.shard_idx, compress=arguments.compress)
    if Path(name).name != name:
        raise UserError(f"{name!r} is not a file name. Give --output-dir for the folder, --name-override for the name.")
    return ResultPaths.of(arguments.output_dir / settings.suite.name / name)


def _engine(arguments: RunArguments, local: LocalEngine) -> Engine:
    if arguments.engine == "local":
        return local
    if arguments.renderer is not None:
        raise UserError("--renderer shows flights of this process. Leave out --engine.")

    from ble_eval.engines.ray_engine import RayEngine

    return RayEngine(arguments.ray)


def _report(cells: Sequence[Cell], flown: Flown) -> None:
    from rich.console import Console

    from ble_eval.report.summary_table import make_summary_table, make_sweep_table

    settings, paths = cells[0].settings, cells[0].paths
    if len(cells) > 1:
        in_order = {cell.name: (cell.information, flown.summaries[cell.name]) for cell in cells}
        title = f"{len(cells)} runs of {len(cells[0].seeds)} episodes on {settings.suite.name}"
        Console().print(make_sweep_table(title, in_order))
        file = result_file_name("NAME", settings.num_shards, settings.shard_idx, compress=paths.results.suffix == ".gz")
        print(f"{flown.account}\nresults: {paths.results.with_name(file)}")
        return
    agent = f"{settings.agent.name}, untrained," if settings.untrained else settings.agent.name
    if settings.checkpoint_idx is not None:
        agent = f"{agent}, checkpoint {settings.checkpoint_idx},"
    title = f"{agent} on {settings.suite.name}, {settings.precision}"
    Console().print(make_summary_table(title, cells[0].information, flown.summaries[cells[0].name]))
    print(f"{flown.account}\nresults: {paths.results}\nprovenance: {paths.provenance}")
