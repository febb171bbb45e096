"""A command line of verbs, each imported only when it is called.

At import this module needs the standard library alone, so that Ctrl-C finds its handler as early as possible.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from ble_eval.command_line.errors import INTERRUPTED, MISTAKE, run_command
from ble_eval.errors import UserError


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


@dataclass(frozen=True)
class Program:
    """A command with its verbs.

    Attributes:
        name: of the command.
        description: one sentence for --help.
        verbs: its actions.
        distributions: whose versions --version prints beside those that every run records.
    """

    name: str
    description: str
    verbs: Sequence[Verb]
    distributions: Sequence[str] = ()

    def run(self, argv: Sequence[str] | None = None) -> int:
        """Run the command line `argv` and return the exit status. None stands for the command line of the process.

        Raises:
            SystemExit: after the --help of a verb, and with status 2 when its flags cannot be parsed.
        """
        if argv is not None:
            return run_command(self.name, partial(self._call, list(argv)))

        from ble_eval.command_line.streams import prepare_streams

        prepare_streams()
        status = run_command(self.name, partial(self._call, sys.argv[1:]))
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # At the end of Python, Ctrl-C would print a traceback.
        if status >= INTERRUPTED - signal.SIGINT:  # What still computes in threads is not waited for.
            sys.stderr.flush()
            os._exit(status)
        return status

    def _call(self, words: Sequence[str]) -> int:
        first = words[0] if words else ""
        if first in ("--help", "-h"):
            print(self._help())
            return 0
        if first == "--version":
            print(self._versions())
            return 0
        verb = next((verb for verb in self.verbs if verb.name == first), None)
        if verb is None:
            mistake = f"{self.name}: error: {self._about_unknown(first)}\n" if first else self._help()
            print(mistake.rstrip(), file=sys.stderr)
            return MISTAKE

        import pkgutil

        from ble_eval.command_line.parsing import expand_home

        _check_working_folder()
        return pkgutil.resolve_name(verb.target)(expand_home(words[1:]), f"{self.name} {verb.name}")

    def _help(self) -> str:
        width = max(len(verb.name) for verb in self.verbs)
        verbs = [f"  {verb.name:{width}}  {verb.summary}" for verb in self.verbs]
        return "\n".join(
            [
                f"usage: {self.name} VERB [flags]",
                "",
                self.description,
                "",
                "verbs:",
                *verbs,
                "",
                f"`{self.name} VERB --help` lists the flags of a verb, `{self.name} --version` the versions.",
            ]
        )

    def _versions(self) -> str:
        """The versions of the command, of what it computes with, and of Python, a line each."""
        import platform
        from importlib import metadata

        from ble_eval.settings import RECORDED_DISTRIBUTIONS

        lines = []
        for name in dict.fromkeys((self.name, *RECORDED_DISTRIBUTIONS, *self.distributions)):
            with contextlib.suppress(metadata.PackageNotFoundError):  # A source tree that is not installed.
                lines.append(f"{name} {metadata.version(name)}")
        return "\n".join([*lines, f"python {platform.python_version()}"])

    def _about_unknown(self, word: str) -> str:
        import difflib

        names = [verb.name for verb in self.verbs]
        choices = f"The verbs are {', '.join(names)}; `{self.name} --help` describes them."
        nearest = difflib.get_close_matches(word, [*names, "--help", "--version"], n=1)
        if nearest:
            return f"Unknown verb {word!r}. Did you mean {nearest[0]!r}? {choices}"
        if word.startswith("-"):
            return f"The verb comes first, before flags such as {word}. {choices}"
        return f"Unknown verb {word!r}. {choices}"


def _check_working_folder() -> None:
    """Raises a UserError if the working folder was deleted: relative paths, and some libraries, need it."""
    try:
        os.getcwd()
    except OSError:
        raise UserError("The working folder does not exist any more. Change to another one.") from None
