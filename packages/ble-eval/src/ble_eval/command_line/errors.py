"""How a command ends: exit status, mistakes in one line without a traceback, warnings in one line.

Exit statuses: 0 done, 1 a plugin or the program failed, 2 a mistake of the user or an obstacle of the machine, 128 and
the number of the signal for a run that was stopped, such as 130 for Ctrl-C.
"""

import errno
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from ble_eval.errors import UserError

FAILED = 1
MISTAKE = 2
INTERRUPTED = 130
"""Exit status of a run stopped by Ctrl-C, as shells have it."""

TRACEBACK_VARIABLE = "BLE_TRACEBACK"
"""The environment variable that, set to 1, shows the traceback of every error."""

OWN_PACKAGES = frozenset({"ble_sim", "ble_env", "ble_agents", "ble_eval", "ble_train"})


class PluginError(Exception):
    """A plugin failed in another process; the message says which and how, in one line."""


def run_command(program: str, command: Callable[[], int]) -> int:
    """Run a command and return its exit status. What went wrong is printed.

    What a user can cause takes one line. So does an error in the code of a plugin; the line names the plugin. Any other
    exception is a mistake of this project and is raised.

    Warnings of our packages are printed in one line each, without the place in the code where they were raised.

    Args:
        program: name that the lines begin with.
        command: returns the exit status.
    """
    from ble_eval.command_line.signals import Stopping

    stopping = Stopping()
    try:
        with stopping, _plain_warnings(program):
            status = command()
            sys.stdout.flush()
        return stopping.status or status if status == INTERRUPTED else status
    except KeyboardInterrupt:
        print(f"{program}: stopped", file=sys.stderr)
        return stopping.status or INTERRUPTED
    except Exception as error:
        if os.environ.get(TRACEBACK_VARIABLE, "0") not in ("", "0"):
            traceback.print_exc()
        if not isinstance(error, PluginError) and (mistake := explanation(error)) is not None:
            print(f"{program}: error: {mistake}", file=sys.stderr)
            return MISTAKE
        if (failure := plugin_failure(error)) is not None:
            hint = f"Set {TRACEBACK_VARIABLE}=1 to see its traceback."
            print(f"{program}: error: {failure} {hint}", file=sys.stderr)
            return FAILED
        raise


def plugin_failure(error: BaseException) -> str | None:
    """What to say about an error in the code of a plugin; None for any other."""
    if isinstance(error, PluginError):
        return str(error)
    plugin = _plugin_at_fault(error)
    return None if plugin is None else f"{plugin} failed: {_summary(error)}."


def explanation(error: BaseException) -> str | None:
    """What to say about an error that a user can cause; None for any other.

    Users cause errors of the operating system, a lack of memory, a backend of JAX that does not start, and all errors
    whose messages are written for them: those with a class of our own, and each ValueError out of a `raise` of ours.
    """
    if type(error).__module__.partition(".")[0] in OWN_PACKAGES:
        return str(error)
    if isinstance(error, OSError):
        return _about_file(error)
    if isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error):
        return (
            "The memory is used up. Fewer environments (--num-envs), a smaller network or replay memory, or fewer"
            " programs beside this one need less."
        )
    if isinstance(error, RuntimeError) and any(sign in str(error) for sign in _NO_BACKEND):
        first = " ".join(str(error).split())
        return f"JAX has no such device here: {first} Correct JAX_PLATFORMS or --env-device, or leave them out."
    return str(error) if isinstance(error, ValueError) and _is_raised_by_us(error) else None


def _is_raised_by_us(error: BaseException) -> bool:
    """Whether an exception comes from a `raise` statement in our packages, and not from what they call."""
    import linecache

    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None or trace.tb_frame.f_globals.get("__name__", "").partition(".")[0] not in OWN_PACKAGES:
        return False
    return linecache.getline(trace.tb_frame.f_code.co_filename, trace.tb_lineno).lstrip().startswith("raise ")


_NO_BACKEND = ("Unable to initialize backend", "Unknown backend")

_REMEDIES = {
    errno.ENOENT: "There is no {path}. Check the spelling; relative paths begin at the working folder.",
    errno.EACCES: "{path} may not be read or written: permission denied. Change its permissions, or name another.",
    errno.EPERM: "{path} may not be changed: {reason}. Change its permissions, or name another.",
    errno.EROFS: "{path} is on a read-only file system. Name a path that can be written to.",
    errno.EISDIR: "{path} is a folder. Name a file.",
    errno.ENOTDIR: "{path} cannot be a path: a part of it is a file and not a folder. Name another.",
    errno.EEXIST: "{path} exists already. Name another, or remove it.",
    errno.ENAMETOOLONG: "The name {path} is too long.",
    errno.ENOSPC: "No space is left for {path}. Free some and give the same command again.",
    errno.EDQUOT: "The quota leaves no space for {path}. Free some and give the same command again.",
    errno.EMFILE: "Too many files are open, the last one {path}. Raise the limit, `ulimit -n`.",
}


def _about_file(error: OSError) -> str:
    """An error of the operating system as a sentence with the path and a remedy, in place of "[Errno 2] ..."."""
    if error.errno is None or error.strerror is None:
        return str(error)
    reason = error.strerror[:1].lower() + error.strerror[1:]
    path = "the output" if error.filename is None else os.fsdecode(error.filename) or "''"
    known = _REMEDIES.get(error.errno)
    if known is None or (error.filename is None and "space" not in known):
        return error.strerror if error.filename is None else f"{path}: {reason}."
    return known.format(path=path, reason=reason)


def _summary(error: BaseException) -> str:
    """An exception in one line."""
    return " ".join("".join(traceback.format_exception_only(error)).split()).rstrip(".")


def _plugin_at_fault(error: BaseException) -> str | None:
    """The code of others in which an exception was raised: a plugin, or a module given as package.module:Class.

    None if none is between our code and the place of the error.
    """
    from importlib import metadata

    from ble_sim.plugins.registry import GROUP

    plugins = {
        point.module.partition(".")[0]: f"The plugin {point.dist.name} {point.dist.version}"
        for point in metadata.entry_points(group=GROUP)
        if point.dist is not None
    }
    for module, file in reversed(list(_places(error.__traceback__))):
        package = module.partition(".")[0]
        if package in OWN_PACKAGES:
            return None
        if package in plugins:
            return plugins[package]
        if not _is_installed(file):
            return f"The module {module} ({file})"
    return None


def _places(trace: TracebackType | None) -> Iterator[tuple[str, str]]:
    """Module and file of each frame from the outermost one to that of the error."""
    while trace is not None:
        yield str(trace.tb_frame.f_globals.get("__name__", "")), trace.tb_frame.f_code.co_filename
        trace = trace.tb_next


def _is_installed(file: str) -> bool:
    """Whether a file belongs to Python or to an installed package."""
    import sysconfig

    return file.startswith("<") or any(
        file.startswith(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")
    )


@contextmanager
def making(what: str) -> Iterator[None]:
    """Raises a `UserError` that says what cannot be made, and why."""
    try:
        yield
    except (ValueError, OSError, ImportError) as error:
        reason = _about_file(error) if isinstance(error, OSError) else str(error)
        raise UserError(f"Cannot make {what}: {reason}") from error


@contextmanager
def _plain_warnings(program: str) -> Iterator[None]:
    with warnings.catch_warnings():
        show = warnings.showwarning

        def show_plainly(message, category, filename, lineno, file=None, line=None) -> None:
            if category.__module__.partition(".")[0] in OWN_PACKAGES:
                print(f"{program}: warning: {message}", file=sys.stderr)
            else:
                show(message, category, filename, lineno, file, line)

        warnings.showwarning = show_plainly
        yield
