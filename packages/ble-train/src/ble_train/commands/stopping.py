"""Signals during a training: the first asks it to stop where it can be continued, the next one stops it at once."""

import sys
from types import FrameType

from ble_eval.command_line.errors import INTERRUPTED
from ble_eval.command_line.signals import Stopping


class StopRequests(Stopping):
    """While the context lasts, the first signal is a request that the training looks for, and the next one interrupts.

    Attributes:
        at_once: whether the first signal, too, raises a KeyboardInterrupt, as nothing is lost by it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.at_once = True

    @property
    def requested(self) -> bool:
        """Whether a signal has come."""
        return self.number is not None

    @property
    def status(self) -> int:
        """The exit status that goes with the signal, as shells have it."""
        return super().status or INTERRUPTED

    def _stop(self, number: int, frame: FrameType | None) -> None:
        again, self.number = self.requested, number
        if again or self.at_once:
            raise KeyboardInterrupt
        print("\nStopping after the step or episode in progress. Ctrl-C again stops at once.", file=sys.stderr)
