"""The command `ble-eval`: verbs first, each with flags made by tyro from the dataclass in its module of
`ble_eval.commands`.

`run` has the options of the chosen agent and wind field among its flags, so these are looked for before the rest is
parsed.
"""

import argparse
import inspect
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import tyro

from ble_agents.plugins import AGENTS, find_agent
from ble_eval.checkpoint import trained_with
from ble_eval.commands.compare import CompareArguments, compare
from ble_eval.commands.merge import MergeArguments, merge
from ble_eval.commands.plugins import PluginsArguments, plugins
from ble_eval.commands.run import DEFAULT_WIND_FIELD, RunArguments, run
from ble_eval.plugins import SUITES
from ble_sim.command_line import run_command
from ble_sim.plugins import NoConfig
from ble_sim.wind.registry import WIND_FIELDS

PROGRAM = "ble-eval"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line `argv`, the process's own by default, and returns the exit status.

    Raises:
        SystemExit: after --help, and with status 2 when flags cannot be parsed.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    return run_command(PROGRAM, lambda: _run(words))


def _run(words: Sequence[str]) -> int:
    command = shlex.join([PROGRAM, *words])
    match tyro.cli(_verbs(words), prog=PROGRAM, args=words, description="Evaluate balloon agents."):
        case RunArguments() as arguments:
            return run(arguments, command)
        case MergeArguments() as arguments:
            return merge(arguments, command)
        case CompareArguments() as arguments:
            return compare(arguments)
        case PluginsArguments() as arguments:
            return plugins(arguments)
        case other:
            raise AssertionError(f"no verb takes {other!r}")


def _verbs(words: Sequence[str]) -> Any:
    """The type that tyro parses: one of the verbs."""
    run_verb: Any = Annotated[RunArguments[NoConfig, NoConfig], tyro.conf.subcommand("run")]
    if words[:1] == ["run"]:
        run_verb = _run_verb(words[1:])
    merge_verb: Any = Annotated[MergeArguments, tyro.conf.subcommand("merge")]
    plugins_verb: Any = Annotated[PluginsArguments, tyro.conf.subcommand("plugins")]
    compare_verb: Any = Annotated[CompareArguments, tyro.conf.subcommand("compare")]
    return run_verb | merge_verb | compare_verb | plugins_verb


def _run_verb(words: Sequence[str]) -> Any:
    """`run` with the options of the agent and the wind field that are named among the words."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for flag in ("--agent", "--wind-field", "--checkpoint"):
        parser.add_argument(flag, nargs="?")
    given = parser.parse_known_args(words)[0]
    trained = None if given.checkpoint is None else trained_with(Path(given.checkpoint))
    agent = given.agent or (trained.agent if trained else None)
    agent_config = NoConfig if agent is None else find_agent(agent).config_type
    wind_config = WIND_FIELDS.get(given.wind_field or DEFAULT_WIND_FIELD).config_type
    flags: Any = RunArguments[agent_config, wind_config]
    description = f"{inspect.getdoc(RunArguments)}\n\n{_installed()}"
    if trained is None or trained.agent != agent:
        return Annotated[flags, tyro.conf.subcommand("run", description=description)]
    default = flags(agent=agent, agent_options=trained.options, wind_field_options=wind_config())
    return Annotated[flags, tyro.conf.subcommand("run", description=description, default=default)]


def _installed() -> str:
    """The names that the flags of `run` take."""
    kinds = {"Agents": AGENTS, "Suites": SUITES, "Wind fields": WIND_FIELDS}
    return "\n\n".join(f"{kind}: {', '.join(registry.names())}." for kind, registry in kinds.items())
