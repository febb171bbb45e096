"""The command `ble-eval`: verbs first, each with flags made by tyro from the dataclass in its module of
`ble_eval.commands`.

`run` has the chosen agent's options among its flags, so the agent is looked for before the rest is parsed.
"""

import argparse
import inspect
import shlex
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import tyro

from ble_agents.configs import NoConfig
from ble_agents.plugins import AGENTS
from ble_eval.commands.merge import MergeArguments, merge
from ble_eval.commands.plugins import PluginsArguments, plugins
from ble_eval.commands.run import INTERRUPTED, RunArguments, run
from ble_eval.errors import UserError, user_errors
from ble_eval.plugins import SUITES
from ble_sim.plugins import PluginWarning
from ble_sim.wind.registry import WIND_FIELDS

PROGRAM = "ble-eval"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line `argv`, the process's own by default, and returns the exit status.

    Raises:
        SystemExit: after --help, and with status 2 when flags cannot be parsed.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    command = shlex.join([PROGRAM, *words])
    try:
        with user_errors(), _plain_plugin_warnings():
            match tyro.cli(_verbs(words), prog=PROGRAM, args=words, description="Evaluate balloon agents."):
                case RunArguments() as arguments:
                    return run(arguments, command)
                case MergeArguments() as arguments:
                    return merge(arguments, command)
                case PluginsArguments() as arguments:
                    return plugins(arguments)
                case other:
                    raise AssertionError(f"no verb takes {other!r}")
    except UserError as error:
        print(f"{PROGRAM}: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{PROGRAM}: stopped", file=sys.stderr)
        return INTERRUPTED


@contextmanager
def _plain_plugin_warnings() -> Iterator[None]:
    """Warnings about plugins in one line each: where they were raised means nothing to who gives a command."""
    with warnings.catch_warnings():
        show = warnings.showwarning

        def show_plainly(message, category, filename, lineno, file=None, line=None) -> None:
            if issubclass(category, PluginWarning):
                print(f"{PROGRAM}: warning: {message}", file=sys.stderr)
            else:
                show(message, category, filename, lineno, file, line)

        warnings.showwarning = show_plainly
        yield


def _verbs(words: Sequence[str]) -> Any:
    """The type that tyro parses: one of the verbs."""
    agent_options, description = NoConfig, None
    if words[:1] == ["run"]:
        agent_options = _agent_options(words[1:])
        description = f"{inspect.getdoc(RunArguments)}\n\n{_installed()}"
    run_flags: Any = RunArguments[agent_options]
    run_verb: Any = Annotated[run_flags, tyro.conf.subcommand("run", description=description)]
    merge_verb: Any = Annotated[MergeArguments, tyro.conf.subcommand("merge")]
    plugins_verb: Any = Annotated[PluginsArguments, tyro.conf.subcommand("plugins")]
    return run_verb | merge_verb | plugins_verb


def _installed() -> str:
    """The names that the flags of `run` take."""
    kinds = {"Agents": AGENTS, "Suites": SUITES, "Wind fields": WIND_FIELDS}
    return "\n\n".join(f"{kind}: {', '.join(registry.names())}." for kind, registry in kinds.items())


def _agent_options(words: Sequence[str]) -> type:
    """The type of the options of the agent that is named among the words."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--agent", nargs="?")
    name = parser.parse_known_args(words)[0].agent
    if name is None:
        return NoConfig
    return AGENTS.get(name).config_type
