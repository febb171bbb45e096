import errno
import json
import os
import re
import socket
import subprocess
import sys
from dataclasses import asdict, replace

import pytest

from ble_sim.files import locks
from ble_sim.files.locks import Lock, LockedError, locked

HERE = f"process {os.getpid()} on {re.escape(socket.gethostname())} since 20"


def holding(path) -> "subprocess.Popen[str]":
    """A process that holds a lock until it is killed."""
    code = "import sys, time; from ble_sim.files.locks import Lock; lock = Lock(sys.argv[1]); print(1, flush=True)"
    words = [sys.executable, "-c", f"{code}; time.sleep(600)", str(path)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "1\n"
    return process


@pytest.mark.parametrize("name", ["", "a.json", "with space é.json"])
def test_the_second_is_refused_with_host_and_process_of_the_first(tmp_path, name):
    path = tmp_path / name
    with locked(path) as lock:
        with pytest.raises(LockedError, match=rf"^{re.escape(str(path))} is in use by {HERE}.*Wait.*stop it\.$"):
            Lock(path)
        assert lock.file.parent == tmp_path
        assert lock.file.name in (".lock", f".{name}.lock")
        assert json.loads(lock.file.read_text())["pid"] == os.getpid()
    assert list(tmp_path.iterdir()) == []
    lock.release()  # The second time it does nothing, even if another has the lock.
    with locked(path) as other:
        lock.release()
        assert other.file.exists()


def test_another_process_blocks_until_it_is_killed(tmp_path):
    process = holding(tmp_path)
    try:
        with pytest.raises(LockedError, match=f"process {process.pid} on "):
            Lock(tmp_path)
    finally:
        process.kill()
        process.communicate()
    assert (tmp_path / ".lock").exists()
    with locked(tmp_path):
        assert json.loads((tmp_path / ".lock").read_text())["pid"] == os.getpid()
    assert list(tmp_path.iterdir()) == []


def test_a_forked_child_does_not_keep_the_lock_of_its_parent(tmp_path):
    code = """
import os, sys, time
from ble_sim.files.locks import Lock
lock = Lock(sys.argv[1])
child = os.fork()
if child == 0:
    os.close(1)
    time.sleep(600)
print(child, flush=True)
os._exit(0)
"""
    found = subprocess.run([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        Lock(tmp_path).release()
    finally:
        os.kill(int(found.stdout), 9)


@pytest.mark.parametrize("content", ["", "nothing", "[]", '{"host": "a"}'])
def test_a_lock_file_of_another_kind_is_taken_when_it_is_free(tmp_path, content):
    (tmp_path / ".lock").write_text(content)
    with locked(tmp_path) as lock:
        assert json.loads(lock.file.read_text())["host"] == socket.gethostname()


def test_only_one_of_many_has_it(tmp_path):
    code = """
import sys
from pathlib import Path
from ble_sim.files.locks import LockedError, locked
folder, count = Path(sys.argv[1]), 0
while count < 40:
    try:
        with locked(folder / "a"):
            number = int((folder / "number").read_text() or 0)
            (folder / "number").write_text(str(number + 1))
            count += 1
    except LockedError:
        pass
"""
    (tmp_path / "number").write_text("0")
    processes = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) for _ in range(4)]
    assert [process.wait(timeout=120) for process in processes] == [0] * 4
    assert (tmp_path / "number").read_text() == "160"
    assert [path.name for path in tmp_path.iterdir()] == ["number"]


@pytest.fixture
def no_locks(monkeypatch):
    """A file system without locks."""

    def refuse(descriptor):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(locks, "_lock", refuse)


@pytest.mark.usefixtures("no_locks")
def test_without_locks_of_the_system_the_process_decides(tmp_path):
    with locked(tmp_path) as lock, pytest.raises(LockedError, match=rf"{HERE}.* delete {re.escape(str(lock.file))}\.$"):
        Lock(tmp_path)
    process = holding(tmp_path)
    try:
        with pytest.raises(LockedError, match=f"process {process.pid} on "):
            Lock(tmp_path)
    finally:
        process.kill()
        process.communicate()
    Lock(tmp_path).release()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_locks")
@pytest.mark.parametrize(
    ("change", "blocks"),
    [
        ({"host": "elsewhere"}, True),
        ({"process": "pid:[1] 5"}, True),  # Another container, whose processes are not seen.
        ({"process": ""}, True),
        ({"since": "2020-01-01T00:00:00+00:00"}, True),
        ({"pid": 2**22 + 1, "process": ""}, False),  # No process has this number.
        ({"started": "5"}, False),  # An earlier process had the number of this one.
    ],
)
def test_a_holder_that_may_live_blocks_without_locks_of_the_system(tmp_path, change, blocks):
    holder = locks._this_process()
    if not holder.process:
        pytest.skip("There is no /proc.")
    if started := change.pop("started", None):
        change = {"process": f"{holder.process.partition(' ')[0]} {started}"}
    (tmp_path / ".lock").write_text(json.dumps(asdict(replace(holder, **change))))
    if blocks:
        with pytest.raises(LockedError, match="delete"):
            Lock(tmp_path)
    else:
        Lock(tmp_path).release()


@pytest.mark.usefixtures("no_locks")
def test_the_last_of_two_that_take_a_lock_at_once_has_it(tmp_path, monkeypatch):
    def another_writes(seconds):
        (tmp_path / ".lock").write_text(json.dumps(asdict(replace(locks._this_process(), pid=1))))

    monkeypatch.setattr(locks.time, "sleep", another_writes)
    with pytest.raises(LockedError, match="process 1 on"):
        Lock(tmp_path)
    assert (tmp_path / ".lock").exists()


def test_the_lock_file_of_another_user(tmp_path, monkeypatch):
    plain_open = os.open

    def refuse_writing(path, flags, *arguments, **keywords):
        if flags & os.O_RDWR and os.path.exists(path):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return plain_open(path, flags, *arguments, **keywords)

    process = holding(tmp_path)
    monkeypatch.setattr(os, "open", refuse_writing)
    try:
        with pytest.raises(LockedError, match=f"process {process.pid} on "):
            Lock(tmp_path)
    finally:
        process.kill()
        process.communicate()
    with locked(tmp_path) as lock:
        assert json.loads(lock.file.read_text())["pid"] == os.getpid()


def test_a_folder_that_cannot_be_written_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        Lock(tmp_path / "missing" / "a.json")


def test_a_lock_file_that_somebody_removes_is_not_removed_from_its_next_holder(tmp_path):
    first = Lock(tmp_path)
    first.file.unlink()
    with locked(tmp_path) as second:
        first.release()
        assert second.file.exists()
        with pytest.raises(LockedError):
            Lock(tmp_path)


def test_a_full_disk_leaves_no_lock(tmp_path, monkeypatch):
    def full(descriptor, content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space"):
            Lock(tmp_path)
    assert list(tmp_path.iterdir()) == []
    Lock(tmp_path).release()
