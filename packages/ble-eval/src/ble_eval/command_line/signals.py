"""Signals that stop a command: Ctrl-C, SIGTERM, SIGHUP."""

import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

_DEFAULTS = {
    "SIGINT": signal.default_int_handler,
    "SIGTERM": signal.SIG_DFL,
    "SIGHUP": signal.SIG_DFL,
}
"""What a process does without this module. A signal with another handler keeps it: `nohup` ignores SIGHUP."""


class Stopping:
    """While the context lasts, the first signal raises a KeyboardInterrupt, and another one ends the process at once.

    What is finished is on the disk at any time, so nothing is lost by the second.

    Attributes:
        number: of the signal that came; None before it.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._replaced: dict[int, Any] = {}

    @property
    def status(self) -> int | None:
        """The exit status of a process that the signal stopped, as shells have it; None if none came."""
        return None if self.number is None else 128 + self.number

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for name, default in _DEFAULTS.items():
                number = getattr(signal, name, None)  # Windows has no SIGHUP.
                if number is None:
                    continue
                handler = signal.getsignal(number)
                if handler == default or isinstance(getattr(handler, "__self__", None), Stopping):  # Of an outer one.
                    self._replaced[number] = signal.signal(number, self._stop)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._replaced.items():
            signal.signal(number, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if self.number is not None:
            os._exit(128 + number)
        self.number = number
        raise KeyboardInterrupt
