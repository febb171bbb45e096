"""What the projects' command lines share: errors that are for the user, and warnings in one line.

Nothing here imports a library for command lines: those belong to the packages that have one.
"""

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ble_sim.plugins.registry import DuplicateNameError, PluginWarning, UnknownNameError

INTERRUPTED = 130
"""Exit status of a run stopped by Ctrl-C, as shells have it."""


class UserError(Exception):
    """Something the user can put right: a name, a value, a file or a folder; printed without a traceback."""


def run_command(program: str, command: Callable[[], int]) -> int:
    """Run a command and return its exit status: 2 after a `UserError`, which is printed, 130 after Ctrl-C.

    Warnings of plugins are printed in one line each: where they were raised means nothing to who gives a command.
    """
    try:
        with user_errors(), _plain_plugin_warnings(program):
            return command()
    except UserError as error:
        print(f"{program}: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{program}: stopped", file=sys.stderr)
        return INTERRUPTED


@contextmanager
def user_errors() -> Iterator[None]:
    """Raises as `UserError` what the packages say about names, files and folders."""
    try:
        yield
    except (ValueError, OSError) as error:
        from ble_sim.files.models import ModelFileError  # only now: it brings numpy

        if isinstance(error, OSError | UnknownNameError | DuplicateNameError | ModelFileError):
            raise UserError(str(error)) from error
        raise


@contextmanager
def _plain_plugin_warnings(program: str) -> Iterator[None]:
    with warnings.catch_warnings():
        show = warnings.showwarning

        def show_plainly(message, category, filename, lineno, file=None, line=None) -> None:
            if issubclass(category, PluginWarning):
                print(f"{program}: warning: {message}", file=sys.stderr)
            else:
                show(message, category, filename, lineno, file, line)

        warnings.showwarning = show_plainly
        yield
