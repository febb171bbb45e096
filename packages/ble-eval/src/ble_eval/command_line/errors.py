"""How a command ends: exit status, errors of the user without a traceback, warnings of plugins in one line."""

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ble_eval.errors import UserError

INTERRUPTED = 130
"""Exit status of a run stopped by Ctrl-C, as shells have it."""


def run_command(program: str, command: Callable[[], int]) -> int:
    """Run a command and return its exit status: 2 after a `UserError`, which is printed, 130 after Ctrl-C.

    Warnings of plugins are printed in one line each, without the place in the code where they were raised.
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
    """Raises as `UserError` what the packages raise for names, files and folders."""
    try:
        yield
    except (ValueError, OSError) as error:
        from ble_sim.files.models import ModelFileError  # Here, since it imports numpy.
        from ble_sim.plugins import DuplicateNameError, UnknownNameError

        if isinstance(error, OSError | UnknownNameError | DuplicateNameError | ModelFileError):
            raise UserError(str(error)) from error
        raise


@contextmanager
def making(what: str) -> Iterator[None]:
    """Raises a `UserError` that says what cannot be made, and why."""
    try:
        yield
    except (ValueError, OSError, ImportError) as error:
        raise UserError(f"Cannot make {what}: {error}") from error


@contextmanager
def _plain_plugin_warnings(program: str) -> Iterator[None]:
    from ble_sim.plugins import PluginWarning

    with warnings.catch_warnings():
        show = warnings.showwarning

        def show_plainly(message, category, filename, lineno, file=None, line=None) -> None:
            if issubclass(category, PluginWarning):
                print(f"{program}: warning: {message}", file=sys.stderr)
            else:
                show(message, category, filename, lineno, file, line)

        warnings.showwarning = show_plainly
        yield
