"""Event files for TensorBoard that hold scalars and texts."""

import socket
import time
from pathlib import Path
from typing import Any

from tensorboardX.proto.event_pb2 import Event  # pyright: ignore[reportAttributeAccessIssue] - made at run time
from tensorboardX.record_writer import RecordWriter
from tensorboardX.summary import scalar, text


class ScalarWriter:
    """Writes scalars and texts to a new event file.

    The `SummaryWriter` of tensorboardX writes in a thread; after an error such as a full disk its callers wait forever.
    This one writes in the calling thread: errors reach the caller, and after `flush` the file is complete.

    Args:
        folder: folder of the file.

    Attributes:
        path: the file.

    Raises:
        OSError: the file cannot be written, here and in every method.
    """

    def __init__(self, folder: Path) -> None:
        # TensorBoard reads files in the order of their names; the count orders files of the same second.
        count = sum(1 for _ in folder.glob("events.out.tfevents.*"))
        self.path = folder / f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}.{count:04d}"
        self._records = RecordWriter(str(self.path))
        self._file: Any = self._records._writer
        self._write(Event(file_version="brain.Event:2"))
        self.flush()

    def add_scalar(self, tag: str, scalar_value: Any, global_step: int) -> None:
        """Log a number under a name. tensorboardX and PyTorch have a method of this name."""
        self._write(Event(step=int(global_step), summary=scalar(tag, scalar_value)))

    def add_text(self, tag: str, text_string: str, global_step: int) -> None:
        """Log a text in Markdown. tensorboardX and PyTorch have a method of this name."""
        self._write(Event(step=int(global_step), summary=text(tag, text_string)))

    def scalar(self, tag: str, value: Any, step: int) -> None:
        """Log a number under a name. flax has a method of this name, which the original's agents call."""
        self.add_scalar(tag, value, step)

    def flush(self) -> None:
        """Hand everything logged to the operating system, which a kill of the process does not lose."""
        self._file.flush()  # `self._records.flush` also waits for the disk, longer than an episode takes.

    def close(self) -> None:
        """Close the file; no scalar can be logged afterwards."""
        self._records.close()

    def _write(self, event: Event) -> None:
        event.wall_time = time.time()
        self._records.write(event.SerializeToString())
