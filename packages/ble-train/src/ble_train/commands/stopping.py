"""Signals during a training: the first asks it to stop where it can be continued, the next one stops it at once."""

import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import Any, Self

from ble_eval.command_line.errors import INTERRUPTED

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


class StopSignals:
    """Receives Ctrl-C, SIGTERM and SIGHUP while the context lasts. One that the process ignores stays ignored.

    Attributes:
        requested: whether a signal has come.
        at_once: whether the first signal, too, raises a KeyboardInterrupt at once, as nothing is lost by it.
        status: the exit status that goes with the signal, as shells have it.
    """

    def __init__(self) -> None:
        self.requested = False
        self.at_once = True
        self.status = INTERRUPTED
        self._replaced: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # Python allows it only there.
            numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]  # Windows has no SIGHUP.
            for number in numbers:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._replaced[number] = signal.signal(number, self._receive)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._replaced.items():
            signal.signal(number, handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self.status = 128 + number
        again, self.requested = self.requested, True
        if again or self.at_once:
            raise KeyboardInterrupt
        print("\nStopping after the step or episode in progress. Ctrl-C again stops at once.", file=sys.stderr)
