"""Standard streams that a command can rely on, whatever its process was started with."""

import codecs
import io
import os
import shutil
import sys
from typing import Any, TextIO

MIN_COLUMNS = 40
"""Narrower terminals count as so wide: libraries that lay out text do not end for a few columns."""

PLAIN = "ble_plain"
"""The name of an error handler of codecs: characters that an encoding lacks are written in ASCII."""

_ASCII = {"±": "+/-", "•": "*", "…": "...", "─": "-", "━": "-", "╸": "-", "╺": "-", "│": "|", "┃": "|"}
_CORNERS = "╭╮╰╯┌┐└┘├┤┬┴┼┏┓┗┛┡┩┢┪╇╈╞╡╪┳┻"


def prepare_streams() -> None:
    """Make the standard streams safe to write to.

    - A stream that is closed leads nowhere.
    - What is printed for a reader that is gone (`| head -1`) is dropped, and the command goes on: it may have hours of
      work to finish. Messages to standard error are also dropped where they cannot be written for another reason.
    - Characters that the encoding lacks are written in ASCII.
    - A terminal of a few columns counts as one of `MIN_COLUMNS`.
    """
    _open_closed_descriptors()
    prepare_handler()
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: SIM115 - open as long as the process
    sys.stdout = _replaced(sys.stdout, 1, drops=(BrokenPipeError,))
    sys.stderr = _replaced(sys.stderr, 2, drops=(OSError,))
    if shutil.get_terminal_size().columns < MIN_COLUMNS:
        os.environ["COLUMNS"] = str(MIN_COLUMNS)


def prepare_handler() -> None:
    """Register the error handler `PLAIN`."""
    codecs.register_error(PLAIN, _in_ascii)


def _open_closed_descriptors() -> None:
    """Point 0, 1 and 2 nowhere if they are closed: a file that is opened later would get their place, and messages."""
    while True:
        descriptor = os.open(os.devnull, os.O_RDWR)
        if descriptor > 2:
            os.close(descriptor)
            return


def _replaced(stream: TextIO | None, descriptor: int, drops: tuple[type[OSError], ...]) -> TextIO:
    if stream is None:
        return open(os.devnull, "w", encoding="utf-8")
    if not isinstance(stream, io.TextIOWrapper):  # Another program has replaced it.
        return stream
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(Outlet(descriptor, drops)),
        encoding=stream.encoding,
        errors=PLAIN,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


class Outlet(io.RawIOBase):
    """Writes to a descriptor until that fails; from then on what is written is dropped.

    Args:
        descriptor: of the operating system.
        drops: errors that are not raised. One of another kind is raised once.
    """

    def __init__(self, descriptor: int, drops: tuple[type[OSError], ...]) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._drops = drops
        self._is_lost = False

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def write(self, content: Any, /) -> int:
        if not self._is_lost:
            try:
                return os.write(self._descriptor, content)
            except OSError as error:
                self._is_lost = True
                if not isinstance(error, self._drops):
                    raise
        return len(content)


def _in_ascii(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    if all("\udc80" <= character <= "\udcff" for character in text):  # Bytes of a file's name that are not UTF-8.
        return bytes(ord(character) - 0xDC00 for character in text), error.end
    return "".join("+" if one in _CORNERS else _ASCII.get(one, "?") for one in text), error.end
