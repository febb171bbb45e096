"""Runs code whose system calls on files fail, or end the process, at a chosen call. Linux with a C compiler only.

A program sweeps the faults of scenarios (tests/support/crash_scenarios.py) in a process of its own:

    python failing_calls.py FOLDER SCENARIO=MOST ...

It prints for each the number of faults and a list of problems as JSON. MOST is how many faults it injects at most,
spread over the calls.
"""

import ctypes
import errno
import faulthandler
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from ble_eval.errors import UserError

SOURCE = Path(__file__).with_suffix(".c")
COUNT, FAIL_ONCE, FULL_DISK, KILL = range(4)
FAULTS = {
    "input/output error": (FAIL_ONCE, errno.EIO),
    "read-only": (FAIL_ONCE, errno.EROFS),
    "full disk": (FULL_DISK, errno.ENOSPC),
    "quota": (FULL_DISK, errno.EDQUOT),
    "kill": (KILL, 0),
}
LOST = "something is lost"
TIME_LIMIT = 120
"""Of a process (s). One that waits for ever is a problem like any other."""


def compiled(folder: Path) -> Path | None:
    """The library that fails calls; None where it cannot be made."""
    compiler = shutil.which("cc")
    if not sys.platform.startswith("linux") or compiler is None:
        return None
    library = folder / "failing_calls.so"
    words = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE), "-ldl"]
    return library if subprocess.run(words, capture_output=True).returncode == 0 else None


def swept(folder: Path, most: Mapping[str, int]) -> dict[str, tuple[int, list[str]]] | None:
    """Number of injected faults and problems in words, by scenario; None where faults cannot be injected.

    Args:
        folder: an empty folder.
        most: faults of each scenario, at most.
    """
    library = compiled(folder)
    if library is None:
        return None
    watched = folder / "watched"
    watched.mkdir()
    environment = {**os.environ, "LD_PRELOAD": str(library), "FAILING_FOLDER": str(watched), "JAX_PLATFORMS": "cpu"}
    words = [sys.executable, __file__, str(watched), *(f"{name}={number}" for name, number in most.items())]
    found = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=1800)
    assert found.returncode == 0, found.stderr[-4000:]
    print(found.stderr[-20_000:])  # pytest shows it of a test that fails: tracebacks, and where a process waits.
    return json.loads(found.stdout.splitlines()[-1])


class Child:
    """A forked process that runs a function with a fault, and what it has said to be finished until its end."""

    def __init__(self, function: Callable[[Callable[[str], None]], None], mode: int, number: int, error: int) -> None:
        reading, writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(reading)
            signal.alarm(TIME_LIMIT)
            faulthandler.dump_traceback_later(TIME_LIMIT - 10)
            status = 0
            try:
                self._run(function, writing, mode, number, error)
            except BaseException:
                import traceback

                traceback.print_exc()
                status = 1
            os._exit(status)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            self.said = pipe.read().splitlines()
        self.status = os.waitpid(self.pid, 0)[1]
        self.finished = [line[1:] for line in self.said if line.startswith("+")]

    def _run(self, function: Callable[..., None], writing: int, mode: int, number: int, error: int) -> None:
        def say(line: str) -> None:
            os.write(writing, line.encode() + b"\n")

        library = ctypes.CDLL(None)
        library.failing_calls_arm(mode, ctypes.c_long(number), error)
        try:
            function(lambda what: say(f"+{what}"))
        except (OSError, UserError) as failure:
            say(f"-{failure}")
            if mode == FAIL_ONCE:  # The process goes on.
                library.failing_calls_arm(COUNT, ctypes.c_long(0), 0)
                function(lambda what: say(f"+{what}"))
        say(f"={library.failing_calls_counted()}")


def sweep(scenario: str, folder: Path, most: int) -> tuple[int, list[str]]:
    import crash_scenarios

    prepare, run, check, summary = crash_scenarios.SCENARIOS[scenario]
    before, whole = folder / "before", folder / "whole"
    before.mkdir()
    Child(lambda finished: prepare(before), COUNT, 0, 0)
    shutil.copytree(before, whole)

    def end(place: Path, finished: Callable[[str], None]) -> None:
        run(place, finished)
        finished(repr(summary(place)))

    def go_on(place: Path, child: Child, finished: Callable[[str], None]) -> None:
        try:
            check(place, child.finished)
        except Exception:
            finished(LOST)
        end(place, finished)

    undisturbed = Child(lambda finished: end(whole, finished), COUNT, 0, 0)
    assert undisturbed.status == 0
    calls = int(undisturbed.said[-1].removeprefix("="))
    step = -(-len(FAULTS) * calls // most)
    problems: list[str] = []
    faults = 0
    for name, (mode, error) in FAULTS.items():
        for number in range(1 + 37 * faults % step, calls + 1, step):
            place = folder / "faulty"
            shutil.copytree(before, place)
            child = Child(lambda finished, place=place: run(place, finished), mode, number, error)
            faults += 1
            where = f"{name} at call {number} of {calls}"
            if child.status == signal.SIGALRM:
                problems.append(f"{where}: does not end ({child.said[-3:]})")
            elif child.status not in (0, signal.SIGKILL):
                problems.append(f"{where}: another exception than OSError ({child.said[-3:]})")
            again = Child(lambda finished, place=place, child=child: go_on(place, child, finished), COUNT, 0, 0)
            if LOST in again.finished:
                problems.append(f"{where}: finished {child.finished}, and lost some of it")
            if again.status != 0 or again.finished[-1:] != undisturbed.finished[-1:]:
                problems.append(f"{where}: goes on to {again.said[-3:]} in place of {undisturbed.said[-2:]}")
            shutil.rmtree(place)
    return faults, problems


if __name__ == "__main__":
    swept_here = {}
    for argument in sys.argv[2:]:
        scenario, _, most = argument.partition("=")
        place = Path(sys.argv[1], scenario)
        place.mkdir()
        swept_here[scenario] = sweep(scenario, place, int(most))
    print(json.dumps(swept_here))
