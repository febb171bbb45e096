"""The command `ble-train`."""

from collections.abc import Sequence

from ble_eval.command_line.verbs import Program, Verb

VERBS = (
    Verb("run", "ble_train.commands.run:main", "Train an agent."),
    Verb("export", "ble_train.commands.export:main", "Write a trained agent as a file of plain arrays."),
    Verb("wind", "ble_train.commands.wind:main", "Train the generative wind on wind fields of your own."),
    Verb("plugins", "ble_train.commands.plugins:main", "List the extensions that are installed, and what failed."),
)

PROGRAM = Program("ble-train", "Train balloon agents.", VERBS, ("optax",))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv`, that of the process by default, and return the exit status.

    Raises:
        SystemExit: after --help, and with status 2 when flags cannot be parsed.
    """
    return PROGRAM.run(argv)
