"""A command line of verbs, each imported only when it is called."""

import dataclasses
import pkgutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial, reduce
from operator import or_
from typing import Annotated, Any

import tyro

from ble_eval.command_line.errors import run_command

Switch = Annotated[bool, tyro.conf.FlagCreatePairsOff]
"""A flag that is off unless given: --name, without a --no-name."""


@dataclass(frozen=True)
class Verb:
    """One action of a command.

    Attributes:
        name: the first word after the command.
        target: "package.module:function"; called with the words that follow and the name of the program with the verb,
            it returns the exit status.
        summary: one sentence for --help.
    """

    name: str
    target: str
    summary: str


def run_program(program: str, description: str, verbs: Sequence[Verb], argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv`, that of the process by default, and return the exit status.

    Raises:
        SystemExit: after --help, and with status 2 when flags cannot be parsed.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    for verb in verbs:
        if words[:1] == [verb.name]:
            return run_command(program, partial(_call, verb, words[1:], f"{program} {verb.name}"))
    # No verb is called: tyro prints help, or names the mistake, and exits.
    stubs = [
        Annotated[dataclasses.make_dataclass(verb.name, []), tyro.conf.subcommand(verb.name, description=verb.summary)]
        for verb in verbs
    ]
    any_stub: Any = reduce(or_, stubs)
    tyro.cli(any_stub, prog=program, args=words, description=description)
    raise AssertionError(f"{words} call no verb of {program}")


def _call(verb: Verb, words: Sequence[str], program: str) -> int:
    return pkgutil.resolve_name(verb.target)(words, program)
