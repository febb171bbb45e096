"""Locks on files and folders, so that two processes do not write to one run.

A lock is a small file that says in JSON who holds it. The operating system's lock on that file (flock, or its
counterpart on Windows) ends with the process, so that what a killed process leaves blocks nobody. On a file system
without such locks the holder's process number decides, and a holder on another machine blocks until the file is
deleted by hand.
"""

import contextlib
import datetime as dt
import errno
import json
import os
import socket
import sys
import time
import weakref
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL}
"""What file systems without locks answer."""

_SETTLING_TIME = 0.1
"""Seconds until the last of several processes that take a lock without the operating system's help has written."""


class LockedError(OSError):
    """A file or folder is in use by another process, or another object in this one; the message names the process."""


@dataclass(frozen=True)
class Holder:
    """Who holds a lock.

    Attributes:
        host: name of the machine.
        pid: number of the process.
        since: time at which the lock was taken, ISO 8601 in UTC.
        process: identifies the process among those that have had its number, where /proc says so; else empty.
    """

    host: str
    pid: int
    since: str
    process: str


class Lock:
    """A lock that this object holds until `release`, the end of a `with` block, or the end of the process.

    Args:
        path: the file or the folder to lock. The lock is the file `.lock` in a folder, which must exist, and
            `.NAME.lock` beside a file, which need not.

    Attributes:
        path: the file or folder.
        file: the lock's own file, removed at the release.

    Raises:
        LockedError: it is in use.
        OSError: the lock's file cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._descriptor: int | None = None
        self.path = Path(path)
        self.file = self.path / ".lock" if self.path.is_dir() else self.path.with_name(f".{self.path.name}.lock")
        self._descriptor = self._acquired()
        _HELD.add(self)

    def release(self) -> None:
        """Remove the lock's file and let others have the lock. Does nothing the second time."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        _HELD.discard(self)
        if os.name == "nt":  # An open file cannot be removed there, and one that another has opened since stays.
            os.close(descriptor)
            with contextlib.suppress(OSError):
                self.file.unlink()
            return
        with contextlib.suppress(OSError):
            # Removed while locked: who has opened it meanwhile finds it gone once the lock is free, and tries again.
            if _is_same_file(descriptor, self.file):
                self.file.unlink()
        os.close(descriptor)

    def __enter__(self) -> "Lock":
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def __del__(self) -> None:
        if not sys.is_finalizing():
            self.release()

    def _acquired(self) -> int:
        while True:
            try:
                descriptor = os.open(self.file, os.O_RDWR | os.O_CREAT, 0o666)
            except PermissionError:
                if not self.file.exists():
                    raise
                descriptor = os.open(self.file, os.O_RDONLY)  # It is of another user.
            try:
                if self._is_taken(descriptor):
                    return descriptor
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)

    def _is_taken(self, descriptor: int) -> bool:
        """Take the lock of an open file; False if the file was replaced meanwhile, so that it must be opened again.

        Raises:
            LockedError: another holds it.
        """
        has_locks = True
        try:
            _lock(descriptor)
        except OSError as error:
            has_locks = error.errno not in _NO_LOCKS
            holder = _holder(descriptor)
            if has_locks or (holder is not None and _may_live(holder)):
                raise self._refusal(holder, has_locks) from None
        if not _is_same_file(descriptor, self.file):
            return False
        ours = _this_process()
        content = json.dumps(asdict(ours)).encode() + b"\n"
        try:
            os.lseek(descriptor, 0, os.SEEK_SET)
            os.write(descriptor, content)
            os.ftruncate(descriptor, len(content))
        except OSError as error:
            self.file.unlink()
            if error.errno == errno.EBADF:  # Opened for reading: a process of another user has left it.
                return False
            raise
        if not has_locks:
            time.sleep(_SETTLING_TIME)
            if (last := _holder(descriptor)) != ours:
                raise self._refusal(last, has_locks)
        return True

    def _refusal(self, holder: Holder | None, has_locks: bool) -> LockedError:
        by = "another process" if holder is None else f"process {holder.pid} on {holder.host} since {holder.since}"
        remedy = "Wait until it ends, or stop it."
        if not has_locks:
            remedy += f" If it has ended already, delete {self.file}."
        return LockedError(f"{self.path} is in use by {by}. {remedy}")


@contextlib.contextmanager
def locked(path: str | os.PathLike[str]) -> Iterator[Lock]:
    """Hold the lock of a file or a folder during the block.

    Raises:
        LockedError: it is in use.
        OSError: the lock's file cannot be written.
    """
    with Lock(path) as lock:
        yield lock


def process_lives(pid: int) -> bool:
    """Whether a process of this number runs on this machine; True where that cannot be found out."""
    if os.name == "nt":
        return True  # There, `os.kill` would end it.
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # It belongs to another user.
        return True
    return True


_HELD: "weakref.WeakSet[Lock]" = weakref.WeakSet()


def _close_in_child() -> None:
    """A forked child keeps no lock of its parent, which may end before it."""
    for lock in list(_HELD):
        if lock._descriptor is not None:
            os.close(lock._descriptor)
            lock._descriptor = None
    _HELD.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_in_child)


def _lock(descriptor: int) -> None:
    """Raises an OSError if another has the lock, or if there are no locks."""
    if sys.platform == "win32":
        import msvcrt

        os.lseek(descriptor, 2**30, os.SEEK_SET)  # Behind the content, since others cannot read a locked byte.
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _is_same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _holder(descriptor: int) -> Holder | None:
    """Who is written in a lock's file; None if it is empty or holds something else."""
    try:
        os.lseek(descriptor, 0, os.SEEK_SET)
        return Holder(**json.loads(os.read(descriptor, 4096)))
    except (OSError, ValueError, TypeError):
        return None


def _this_process() -> Holder:
    pid = os.getpid()
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    return Holder(socket.gethostname(), pid, now, _process_identity(pid))


def _process_identity(pid: int) -> str:
    """The space of process numbers and the time at which a process was started, on Linux; else empty."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            started = stat.read().rpartition(b")")[2].split()[19].decode()
        return f"{os.readlink('/proc/self/ns/pid')} {started}"
    except (OSError, IndexError):
        return ""


def _may_live(holder: Holder) -> bool:
    """Whether a process may still run: not if it is one of this machine and has ended."""
    if holder.host != socket.gethostname():
        return True
    namespace = holder.process.partition(" ")[0]
    here = _process_identity(holder.pid)
    if here and namespace and namespace != here.partition(" ")[0]:
        return True  # In another container, whose processes cannot be seen from here.
    if here and holder.process:
        return here == holder.process
    return process_lives(holder.pid)
