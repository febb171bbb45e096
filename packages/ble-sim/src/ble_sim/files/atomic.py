"""Files that are written whole or not at all, even if the process is killed or the disk is full."""

import contextlib
import errno
import itertools
import json
import os
import re
import socket
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ble_sim.files.locks import process_lives

if TYPE_CHECKING:
    import numpy as np

_counter = itertools.count()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path in the folder of `path` to write to; it replaces `path` when the block succeeds.

    The new file has the permissions of the old one, and those that the umask leaves if there was none. A link stays,
    and the file that it points to is replaced.

    Raises:
        OSError: the file cannot be written or renamed, `path` is a folder, or it is write-protected.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    exists = target.exists()
    if exists and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    temporary = target.with_name(_temporary_name(target.name))
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    try:
        if exists:
            with contextlib.suppress(OSError):  # Some file systems have no permissions.
                temporary.chmod(stat.S_IMODE(target.stat().st_mode))
        yield temporary
        sync_file(temporary)
        temporary.replace(target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            name_file(error, path, temporary)
        raise
    _sync_folder(target.parent)


def name_file(error: OSError, path: Path, temporary: Path | None = None) -> None:
    """Let an error of the system say which file it is about, if it says none, or the temporary one."""
    if error.errno is not None and error.filename in (None, temporary, str(temporary)):
        error.filename = str(path)


def sync_file(path: Path) -> None:
    """Wait until the disk has a file. Otherwise a power cut may leave a name with the content missing."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files that dead processes of this machine have left in a folder.

    Those of other machines and of running processes stay. So does what cannot be removed.
    """
    pattern = re.compile(rf"[.].+[.]{re.escape(_host())}[.]([0-9]+)-[0-9]+[.]tmp")
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            match = pattern.fullmatch(entry.name)
            if match and entry.is_file(follow_symlinks=False) and not process_lives(int(match[1])):
                with contextlib.suppress(OSError):
                    os.unlink(entry)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file. Raises OSError where that fails."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8. Raises OSError where that fails."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: object, *, indent: int | None = None) -> None:
    """Write a JSON file that ends with a newline.

    Raises:
        OSError: the file cannot be written.
        TypeError: a value has no JSON type.
        ValueError: a number is not finite.
    """
    write_text(path, json_text(value, indent=indent))


def json_text(value: object, *, indent: int | None = None) -> str:
    """The text of a JSON file that ends with a newline.

    Raises:
        TypeError: a value has no JSON type.
        ValueError: a number is not finite.
    """
    return json.dumps(value, indent=indent, allow_nan=False) + "\n"


def write_arrays(path: Path, arrays: "Mapping[str, np.ndarray]") -> None:
    """Write an .npz file of arrays by name, not compressed. Raises OSError where that fails."""
    import numpy as np  # Here, so that command lines can import this module without it.

    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, **arrays)  # pyright: ignore[reportArgumentType] - no array is named like a parameter


def _temporary_name(name: str) -> str:
    """A name that no other process on any machine has; it is not longer than file systems allow."""
    return f".{name.encode()[:100].decode(errors='ignore')}.{_host()}.{os.getpid()}-{next(_counter)}.tmp"


def _host() -> str:
    return re.sub("[^A-Za-z0-9-]", "_", socket.gethostname())[:64]


def _sync_folder(folder: Path) -> None:
    """Wait until the disk has the names of a folder, where the system can do that."""
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):  # The file is in place. Some file systems do not sync folders.
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
