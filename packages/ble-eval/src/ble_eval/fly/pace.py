"""Keeps flights in step with each other and with a clock."""

import threading
import time
from collections.abc import Callable


class FlightStopped(Exception):  # noqa: N818 - no error
    """The flight is not to go on."""


class Pace:
    """Keeps flights, each in a thread of its own, side by side: none is a step ahead of another.

    Args:
        num_flights: their number.
        steps_per_second: not faster than this; 0 for as fast as they are computed.
        clock: seconds from any origin.
    """

    def __init__(
        self, num_flights: int, steps_per_second: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._steps = dict.fromkeys(range(num_flights), -1)
        """Of the flights that have not ended; -1 before the start."""
        self._seconds_per_step = 1.0 / steps_per_second if steps_per_second else 0.0
        self._clock = clock
        self._start: float | None = None
        self._is_stopped = False
        self._changed = threading.Condition()

    def await_turn(self, flight: int) -> None:
        """Wait until the flight before this one has begun: the first one compiles what all of them share.

        Raises:
            FlightStopped: `stop` was called.
        """
        with self._changed:
            while self._steps.get(flight - 1, 0) < 0:
                self._check()
                self._changed.wait()
            self._check()

    def reach(self, flight: int, steps: int) -> None:
        """Say that a flight has made so many steps, 0 at its start, and wait until it may make the next.

        Raises:
            FlightStopped: `stop` was called.
        """
        with self._changed:
            self._steps[flight] = steps
            self._changed.notify_all()
            while min(self._steps.values()) < steps:
                self._check()
                self._changed.wait()
            if self._start is None:
                self._start = self._clock()
            due = self._start + steps * self._seconds_per_step
            while not self._is_stopped and (early := due - self._clock()) > 0.0:
                self._changed.wait(early)
            self._check()

    def end(self, flight: int) -> None:
        """Say that a flight has ended: the others wait for it no more."""
        with self._changed:
            self._steps.pop(flight, None)
            self._changed.notify_all()

    def stop(self) -> None:
        """Stop all flights at their next steps."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()

    def _check(self) -> None:
        if self._is_stopped:
            raise FlightStopped
