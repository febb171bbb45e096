"""Event files for TensorBoard that hold scalars."""

import socket
import time
from pathlib import Path
from typing import Any

from tensorboardX.proto.event_pb2 import Event  # pyright: ignore[reportAttributeAccessIssue] - made at run time
from tensorboardX.record_writer import RecordWriter
from tensorboardX.summary import scalar


class ScalarWriter:
    """Writes scalars to a new event file.

    tensorboardX's own `SummaryWriter` leaves the writing to a thread, and whoever logs waits forever for a thread that
    has met a full disk. Here it is the caller who writes: errors reach him, and after `flush` all is in the file.

    Args:
        folder: where the file goes.

    Attributes:
        path: the file.

    Raises:
        OSError: the file cannot be written, here and in every method.
    """

    def __init__(self, folder: Path) -> None:
        # TensorBoard reads files in the order of their names; the count tells those of one second apart.
        count = sum(1 for _ in folder.glob("events.out.tfevents.*"))
        self.path = folder / f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}.{count:04d}"
        self._records = RecordWriter(str(self.path))
        self._file: Any = self._records._writer
        self._write(Event(file_version="brain.Event:2"))
        self.flush()

    def add_scalar(self, tag: str, scalar_value: Any, global_step: int) -> None:
        """Log a number under a name, as tensorboardX and PyTorch call it."""
        self._write(Event(step=int(global_step), summary=scalar(tag, scalar_value)))

    def scalar(self, tag: str, value: Any, step: int) -> None:
        """Log a number under a name, as flax and the original's agents call it."""
        self.add_scalar(tag, value, step)

    def flush(self) -> None:
        """Hand all that was logged to the operating system; a killed process loses none of it."""
        self._file.flush()  # The records' own `flush` waits for the disk besides, longer than an episode takes.

    def close(self) -> None:
        """Close the file; nothing can be logged afterwards."""
        self._records.close()

    def _write(self, event: Event) -> None:
        event.wall_time = time.time()
        self._records.write(event.SerializeToString())
