"""The command `ble-eval`: verbs first, each with flags made by tyro from the dataclass in its module of
`ble_eval.commands`.

`run` has the options of the chosen agent and parts of the environment among its flags, so these are looked for before
the rest is parsed.
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
from ble_env import task_parts
from ble_env.plugins import RENDERERS
from ble_env.task_parts import BENCHMARK_PARTS, TASK_PARTS
from ble_eval.command_line.errors import run_command
from ble_eval.commands.compare import CompareArguments, compare
from ble_eval.commands.merge import MergeArguments, merge
from ble_eval.commands.plugins import PluginsArguments, plugins
from ble_eval.commands.run import RunArguments, run
from ble_eval.plugins import SUITES
from ble_eval.trained import trained_with
from ble_sim.plugins.registry import NoOptions

PROGRAM = "ble-eval"
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
    run_verb: Any = Annotated[_RUN[(NoOptions,) * 5], tyro.conf.subcommand("run")]
    if words[:1] == ["run"]:
        run_verb = _run_verb(words[1:])
    merge_verb: Any = Annotated[MergeArguments, tyro.conf.subcommand("merge")]
    plugins_verb: Any = Annotated[PluginsArguments, tyro.conf.subcommand("plugins")]
    compare_verb: Any = Annotated[CompareArguments, tyro.conf.subcommand("compare")]
    return run_verb | merge_verb | compare_verb | plugins_verb


def _run_verb(words: Sequence[str]) -> Any:
    """`run` with the options of what is named among the words, or was trained with."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for flag in ("--agent", "--renderer", "--checkpoint", *map(task_parts.part_flag, TASK_PARTS)):
        parser.add_argument(flag, nargs="?")
    given = parser.parse_known_args(words)[0]
    trained = None if given.checkpoint is None else trained_with(Path(given.checkpoint))
    agent = given.agent or (trained.agent if trained else None)
    agent_config = NoOptions if agent is None else find_agent(agent).options_type
    if trained is not None and trained.agent != agent:
        trained = None  # It will be refused.
    # An agent observes what it was trained with; what it is rewarded for and flies in is the benchmark's.
    observed = trained.observation if trained else BENCHMARK_PARTS["observation"]
    default_parts = {**BENCHMARK_PARTS, "observation": observed}
    parts = {part: getattr(given, part) or default_parts[part] for part in TASK_PARTS}
    part_configs = {part: TASK_PARTS[part].get(name).options_type for part, name in parts.items()}
    renderer_config = NoOptions if given.renderer is None else RENDERERS.get(given.renderer).options_type
    flags: Any = _RUN[agent_config, *part_configs.values(), renderer_config]
    description = f"{inspect.getdoc(RunArguments)}\n\n{_installed()}"
    if trained is None:
        return Annotated[flags, tyro.conf.subcommand("run", description=description)]
    options = {task_parts.options_field(part): options() for part, options in part_configs.items()}
    options["renderer_options"] = renderer_config()
    if parts["observation"] == trained.observation:
        options["observation_options"] = trained.observation_options
    default = flags(agent=agent, agent_options=trained.agent_options, observation=observed, **options)
    return Annotated[flags, tyro.conf.subcommand("run", description=description, default=default)]


def _installed() -> str:
    """The names that the flags of `run` take."""
    registries = (AGENTS, SUITES, *TASK_PARTS.values(), RENDERERS)
    return "\n\n".join(f"{one.kind.capitalize()}s: {', '.join(one.names())}." for one in registries)
