"""Time an evaluation from pressing return to its end, phase by phase.

    uv run benchmarks/start.py [--agent perciatelli44] [--precision float64] [--repeats 5] [--steps 40]

Processes like `ble-eval run --agent station_seeker --seeds 0 1` are started one after another. The first finds nothing
compiled, the others what it has left in the cache; of these the medians are printed. For each phase there are the
seconds that the user waits, and the processor time of all threads, which other programs disturb less. The flight is cut
short, so that what is not flying can be seen. Python's bytecode is there before, as pip leaves it at an installation.
"""

import argparse
import contextlib
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PHASES = (
    "interpreter",
    "import of the command line",
    "import of jax",
    "other imports",
    "settings, environment, agent",
    "programs",
    "first steps",
    "files and table",
)


def child(agent: str, precision: str, steps: int, *, import_only: bool) -> None:
    """Run the command in this process, and print the clocks at the ends of the phases as JSON."""
    clocks = []

    def mark() -> None:
        clocks.append((time.time(), time.process_time()))

    mark()
    from ble_eval import cli
    from ble_eval.commands import run

    mark()
    from ble_sim.files.compilation_cache import use_compilation_cache

    use_compilation_cache()
    import jax

    mark()
    from ble_agents.flying import side_by_side
    from ble_eval import eval_lib

    mark()
    if import_only:
        print(json.dumps(clocks))
        return
    patched: Any = eval_lib
    pilot_class: Any = side_by_side._Pilot
    fly, compile_programs = side_by_side.fly_side_by_side, pilot_class.compile

    def fly_short(policy, task, vehicle, precision, seeds, max_steps, **options):
        mark()
        yield from fly(policy, task, vehicle, precision, seeds, min(steps, max_steps), **options)
        mark()

    def compile_and_mark(pilot, make_tile):
        compile_programs(pilot, make_tile)
        mark()

    patched.fly_side_by_side, pilot_class.compile = fly_short, compile_and_mark
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        words = ["run", "--agent", agent, "--precision", precision, "--seeds", "0", "1", "--output-dir", folder]
        status = cli.main(words)
    mark()
    assert status == 0 and (jax, run)
    print(json.dumps(clocks))


def timed(words: list[str], cache: str) -> list[tuple[float, float]]:
    """Seconds of wall and processor in each phase of a process, and of all of it to its end."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("JAX_", "PYTHONDONT"))}
    variables = {**inherited, "XDG_CACHE_HOME": cache, "PYTHONPYCACHEPREFIX": str(Path(cache, "bytecode"))}
    start, used = time.time(), os.times()
    command = [sys.executable, __file__, "--child", *words]
    found = subprocess.run(command, env=variables, check=True, stdout=subprocess.PIPE)
    end, after = time.time(), os.times()
    clocks = [(start, 0.0), *json.loads(found.stdout.splitlines()[-1])]
    phases = [(late[0] - early[0], late[1] - early[1]) for early, late in itertools.pairwise(clocks)]
    cpu = sum(after[2:4]) - sum(used[2:4])
    return [*phases, (end - start, cpu)]


def main() -> None:
    """Run the processes and print a table."""
    parser = argparse.ArgumentParser(description="Time an evaluation from pressing return to its end.")
    parser.add_argument("--agent", default="station_seeker")
    parser.add_argument("--precision", default="float32", choices=["float32", "float64"])
    parser.add_argument("--steps", type=int, default=40, help="steps of an episode")
    parser.add_argument("--repeats", type=int, default=5, help="processes after the first")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--import-only", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.agent, arguments.precision, arguments.steps, import_only=arguments.import_only)
        return
    words = ["--agent", arguments.agent, "--precision", arguments.precision, "--steps", str(arguments.steps)]
    with tempfile.TemporaryDirectory() as cache:
        timed([*words, "--import-only"], cache)
        first = timed(words, cache)
        later = [timed(words, cache) for _ in range(arguments.repeats)]
    print(f"{'':30s}{'nothing compiled':>22s}{'later processes':>22s}")
    print(f"{'seconds':30s}" + f"{'wall':>11s}{'processor':>11s}" * 2)
    for index, phase in enumerate((*PHASES, "all")):
        medians = [statistics.median(run[index][clock] for run in later) for clock in (0, 1)]
        print(f"{phase:30s}" + "".join(f"{seconds:11.2f}" for seconds in (*first[index], *medians)))


if __name__ == "__main__":
    main()
