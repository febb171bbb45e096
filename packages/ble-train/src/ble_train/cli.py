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

from ble_agents.configs import NoConfig
from ble_agents.plugins import AGENTS, find_agent
from ble_sim.command_line import run_command
from ble_sim.wind.registry import WIND_FIELDS
from ble_train.commands.export import ExportArguments, export
from ble_train.commands.plugins import PluginsArguments, plugins
from ble_train.commands.run import DEFAULT_COLLECTORS, DEFAULT_WIND_FIELD, RunArguments, run
from ble_train.plugins import COLLECTORS, options_field
from ble_train.run_config import FILE_NAME, RunConfig, read_config

PROGRAM = "ble-train"


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
    run_verb: Any = Annotated[RunArguments[NoConfig, NoConfig, NoConfig], tyro.conf.subcommand("run")]
    if words[:1] == ["run"]:
        run_verb = _run_verb(words[1:])
    export_verb: Any = Annotated[ExportArguments, tyro.conf.subcommand("export")]
    plugins_verb: Any = Annotated[PluginsArguments, tyro.conf.subcommand("plugins")]
    return run_verb | export_verb | plugins_verb


def _run_verb(words: Sequence[str]) -> Any:
    """`run` with the options of the agent and the wind field that are named among the words or in an earlier run."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for flag in ("--agent", "--wind-field", "--base-dir", "--config"):
        parser.add_argument(flag, nargs="?")
    parser.add_argument("--collectors", nargs="*", default=DEFAULT_COLLECTORS)
    given = parser.parse_known_args(words)[0]
    saved = _saved(given.base_dir, given.config)
    agent = given.agent or (saved.agent if saved else None)
    wind_field = given.wind_field or (saved.wind_field if saved else DEFAULT_WIND_FIELD)
    agent_config = NoConfig if agent is None else find_agent(agent).config_type
    wind_config = WIND_FIELDS.get(wind_field).config_type
    collector_config = _collector_options(given.collectors)
    flags: Any = RunArguments[agent_config, wind_config, collector_config]
    description = f"{inspect.getdoc(RunArguments)}\n\n{_installed()}"
    if saved is None:
        return Annotated[flags, tyro.conf.subcommand("run", description=description)]
    values = {field.name: getattr(saved, field.name) for field in dataclasses.fields(RunConfig)}
    if agent != saved.agent:
        values["agent_options"] = agent_config()
    if wind_field != saved.wind_field:
        values["wind_field_options"] = wind_config()
    base_dir = Path(given.base_dir) if given.base_dir else tyro.MISSING
    default = flags(base_dir=base_dir, collector_options=collector_config(), **values)
    return Annotated[flags, tyro.conf.subcommand("run", description=description, default=default)]


def _collector_options(names: Sequence[str]) -> type:
    """A dataclass with a field for each collector that has options."""
    types = {name: COLLECTORS.get(name).config_type for name in dict.fromkeys(names)}
    fields = [
        (options_field(name), kind, dataclasses.field(default=kind()))
        for name, kind in types.items()
        if kind is not NoConfig
    ]
    return dataclasses.make_dataclass("CollectorOptions", fields, frozen=True) if fields else NoConfig


def _saved(base_dir: str | None, config: str | None) -> RunConfig | None:
    """The run whose values are the defaults: that of --config, or that of the folder, if it has one."""
    if config is not None:
        return read_config(Path(config))
    if base_dir is not None and (Path(base_dir) / FILE_NAME).is_file():
        return read_config(Path(base_dir))
    return None


def _installed() -> str:
    """The names that the flags of `run` take."""
    kinds = {"Agents": AGENTS, "Collectors": COLLECTORS, "Wind fields": WIND_FIELDS}
    return "\n\n".join(f"{kind}: {', '.join(registry.names())}." for kind, registry in kinds.items())
