"""The command `ble-train`: verbs first, each with flags made by tyro from the dataclass in its module of
`ble_train.commands`.

`run` has the chosen agent's options among its flags, and the values of an earlier run as their defaults, so these are
looked for before the rest is parsed.
"""

import argparse
import dataclasses
import inspect
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import tyro

from ble_agents.plugins import AGENTS, find_agent
from ble_env import task_parts
from ble_env.plugins import RENDERERS
from ble_env.task_parts import BENCHMARK_PARTS, TASK_PARTS
from ble_eval.command_line.errors import run_command
from ble_sim.plugins.registry import NoOptions
from ble_train.commands.export import ExportArguments, export
from ble_train.commands.plugins import PluginsArguments, plugins
from ble_train.commands.run import DEFAULT_COLLECTORS, RunArguments, run
from ble_train.plugins import COLLECTORS, options_field
from ble_train.run_settings import FILE_NAME, RunSettings, read_settings

PROGRAM = "ble-train"
_RUN: Any = RunArguments
"""The types of its options are known when the words of the command line are."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line `argv`, the process's own by default, and returns the exit status.

    Raises:
        SystemExit: after --help, and with status 2 when flags cannot be parsed.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    return run_command(PROGRAM, lambda: _run(words))


def _run(words: Sequence[str]) -> int:
    match tyro.cli(_verbs(words), prog=PROGRAM, args=words, description="Train balloon agents."):
        case RunArguments() as arguments:
            return run(arguments)
        case ExportArguments() as arguments:
            return export(arguments)
        case PluginsArguments() as arguments:
            return plugins(arguments)
        case other:
            raise AssertionError(f"no verb takes {other!r}")


def _verbs(words: Sequence[str]) -> Any:
    """The type that tyro parses: one of the verbs."""
    run_verb: Any = Annotated[_RUN[(NoOptions,) * 6], tyro.conf.subcommand("run")]
    if words[:1] == ["run"]:
        run_verb = _run_verb(words[1:])
    export_verb: Any = Annotated[ExportArguments, tyro.conf.subcommand("export")]
    plugins_verb: Any = Annotated[PluginsArguments, tyro.conf.subcommand("plugins")]
    return run_verb | export_verb | plugins_verb


def _run_verb(words: Sequence[str]) -> Any:
    """`run` with the options of what is named among the words or in an earlier run."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for flag in ("--agent", "--renderer", "--base-dir", "--config", *map(task_parts.part_flag, TASK_PARTS)):
        parser.add_argument(flag, nargs="?")
    parser.add_argument("--collectors", nargs="*", default=DEFAULT_COLLECTORS)
    given = parser.parse_known_args(words)[0]
    saved = _saved(given.base_dir, given.settings)
    agent = given.agent or (saved.agent if saved else None)
    agent_config = NoOptions if agent is None else find_agent(agent).options_type
    parts = {part: getattr(given, part) or getattr(saved, part, BENCHMARK_PARTS[part]) for part in TASK_PARTS}
    part_configs = {part: TASK_PARTS[part].get(name).options_type for part, name in parts.items()}
    collector_config = _collector_options(given.collectors)
    renderer_config = NoOptions if given.renderer is None else RENDERERS.get(given.renderer).options_type
    flags: Any = _RUN[agent_config, *part_configs.values(), renderer_config, collector_config]
    description = f"{inspect.getdoc(RunArguments)}\n\n{_installed()}"
    if saved is None:
        return Annotated[flags, tyro.conf.subcommand("run", description=description)]
    values = {field.name: getattr(saved, field.name) for field in dataclasses.fields(RunSettings)}
    if agent != saved.agent:
        values["agent_options"] = agent_config()
    for part, name in parts.items():
        if name != getattr(saved, part):
            values[task_parts.options_field(part)] = part_configs[part]()
    base_dir = Path(given.base_dir) if given.base_dir else tyro.MISSING
    others = {"renderer_options": renderer_config(), "collector_options": collector_config()}
    default = flags(base_dir=base_dir, **others, **values)
    return Annotated[flags, tyro.conf.subcommand("run", description=description, default=default)]


def _collector_options(names: Sequence[str]) -> type:
    """A dataclass with a field for each collector that has options."""
    types = {name: COLLECTORS.get(name).options_type for name in dict.fromkeys(names)}
    fields = [
        (options_field(name), kind, dataclasses.field(default=kind()))
        for name, kind in types.items()
        if kind is not NoOptions
    ]
    return dataclasses.make_dataclass("CollectorOptions", fields, frozen=True) if fields else NoOptions


def _saved(base_dir: str | None, settings: str | None) -> RunSettings | None:
    """The run whose values are the defaults: that of --config, or that of the folder, if it has one."""
    if settings is not None:
        return read_settings(Path(settings))
    if base_dir is not None and (Path(base_dir) / FILE_NAME).is_file():
        return read_settings(Path(base_dir))
    return None


def _installed() -> str:
    """The names that the flags of `run` take."""
    registries = (AGENTS, COLLECTORS, *TASK_PARTS.values(), RENDERERS)
    return "\n\n".join(f"{one.kind.capitalize()}s: {', '.join(one.names())}." for one in registries)
