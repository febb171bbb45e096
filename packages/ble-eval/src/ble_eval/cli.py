"""The command `ble-eval`."""

from collections.abc import Sequence

from ble_eval.command_line.verbs import Program, Verb

VERBS = (
    Verb("run", "ble_eval.commands.run:main", "Fly an agent through the episodes of a suite."),
    Verb("fly", "ble_eval.commands.fly:main", "Watch one flight of each agent, and draw it as a picture or film."),
    Verb("winds", "ble_eval.commands.winds:main", "Show the winds of a seed: forecast, truth and belief."),
    Verb("merge", "ble_eval.commands.merge:main", "Join the result files of shards."),
    Verb("compare", "ble_eval.commands.compare:main", "Compare agents on the same seeds."),
    Verb("limits", "ble_eval.commands.limits:main", "Take the best flights of each seed as its limit."),
    Verb("report", "ble_eval.commands.report:main", "Show the results of agents, and their flights, in one HTML file."),
    Verb("plugins", "ble_eval.commands.plugins:main", "List the extensions that are installed, and what failed."),
)

PROGRAM = Program("ble-eval", "Evaluate balloon agents.", VERBS)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv`, that of the process by default, and return the exit status.

    Raises:
        SystemExit: after --help, and with status 2 when flags cannot be parsed.
    """
    return PROGRAM.run(argv)
