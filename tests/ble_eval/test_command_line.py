"""What every command line does: verbs, flags in either spelling, ~, errors in one line, signals, streams."""

import errno
import io
import os
import signal
import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
import tyro
from installed_plugins import GROUP, install_distribution, run_python

import ble_eval.cli
import ble_train.cli
from ble_env.checks import NotFiniteError
from ble_eval.command_line import streams
from ble_eval.command_line.errors import explanation, making, run_command
from ble_eval.command_line.parsing import Switch, expand_home, parse_words
from ble_eval.command_line.signals import Stopping
from ble_eval.errors import UserError
from ble_sim.files.locks import LockedError
from ble_train.checkpoints import CheckpointError
from ble_train.collectors.dispatcher import CollectorWarning
from ble_train.loops.runs import RunLength


@dataclass(frozen=True)
class DropOptions:
    height_km: float = 20.0
    chart: Path = Path("chart.nc")
    note: str = ""


@dataclass(frozen=True)
class DropArguments:
    """Drop a sonde."""

    base_dir: Path
    num_sondes: int = 1
    num_ropes: int = 1
    seeds: tuple[int, ...] = ()
    logs: tuple[Path, ...] = ()
    is_dry_run: Switch = False
    wind_field_options: Annotated[DropOptions, tyro.conf.arg(name="wind-field")] = DropOptions()


def parsed(*words: str) -> DropArguments:
    return parse_words(DropArguments, expand_home(words), "drop")


@pytest.mark.parametrize(
    "words",
    [
        ["--base-dir", "a", "--num-sondes", "3", "--is-dry-run", "--wind-field.height-km", "7"],
        ["--base_dir", "a", "--num_sondes", "3", "--is_dry_run", "--wind_field.height_km", "7"],
        ["--base_dir=a", "--num-sondes=3", "--is-dry_run", "--wind-field.height_km=7"],
        ["--wind_field.height-km=7", "--is_dry-run", "--num_sondes=3", "--base-dir=a"],
        ["--base_dir=a", "--num-sondes=2", "--num_sondes=3", "--is-dry-run", "--wind-field.height-km=7"],
    ],
    ids=["hyphens", "underscores", "mixed", "other order", "the last one counts"],
)
def test_either_spelling_does_the_same(words):
    arguments = parsed(*words)
    assert arguments == DropArguments(Path("a"), 3, is_dry_run=True, wind_field_options=DropOptions(7.0))


def test_values_keep_their_underscores_and_hyphens():
    arguments = parsed("--base_dir=a_b-c=d", "--wind_field.note", "x_y-z", "--logs", "l_1", "l-2")
    assert arguments.base_dir == Path("a_b-c=d")
    assert arguments.wind_field_options.note == "x_y-z"
    assert arguments.logs == (Path("l_1"), Path("l-2"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--base", "a"], "Unknown flag --base: flags are not abbreviated. Did you mean --base-dir?"),
        (["--num_s=3"], "Unknown flag --num_s=3: flags are not abbreviated. Did you mean --num-sondes?"),
        (["--num", "3"], "Did you mean --num-sondes or --num-ropes?"),
        (["--num-sonde", "3"], "Did you mean --num-sondes?"),
        (["-num-sondes", "3"], "Unknown flag -num-sondes. Did you mean --num-sondes?"),
        (["--nothing-like-it"], "Unknown flag --nothing-like-it. `drop --help` lists the flags."),
        (["--wind-field.hieght-km", "3"], "Did you mean --wind-field.height-km?"),
        (["--wind-field.q", "3"], "Unknown flag --wind-field.q."),
        (["extra"], "Nothing takes the word 'extra'."),
        (["--", "--num-sondes", "3"], "--num-sondes stands after --"),
        (["--seeds", "1", "--seeds", "2"], "--seeds is given 2 times. Give it once, with all its values."),
        (["--logs", "a", "--logs=b"], "--logs is given 2 times."),
    ],
)
def test_unknown_words_get_the_nearest_spelling(words, message):
    with pytest.raises(UserError) as caught:
        parsed("--base-dir", "a", *words)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--base-dir", ""], "Error parsing --base-dir: the path is empty"),
        (["--base-dir="], "Error parsing --base-dir: the path is empty"),
        (["--base_dir", "a", "--logs", ""], "Error parsing --logs"),
    ],
)
def test_an_empty_path_is_refused(words, message, capsys):
    with pytest.raises(SystemExit) as stop:
        parsed(*words)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


def test_home_stands_for_the_tilde_in_every_place(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    arguments = parsed("--base-dir=~/run", "--logs", "~", "~/a b", "a~", "./~", "--wind_field.chart=~/chart.nc")
    assert arguments.base_dir == tmp_path / "run"
    assert arguments.logs == (tmp_path, tmp_path / "a b", Path("a~"), Path("~"))
    assert arguments.wind_field_options.chart == tmp_path / "chart.nc"
    assert parsed("--base-dir", "a", "--wind-field.note", "~/text").wind_field_options.note == str(tmp_path / "text")
    assert expand_home(["~root/x"]) == [os.path.expanduser("~root/x")]
    assert expand_home(["~no_such_user/x", "-x=~/a"]) == ["~no_such_user/x", "-x=~/a"]


@pytest.mark.parametrize("home", ["", None], ids=["empty", "neither HOME nor an entry in passwd"])
@pytest.mark.parametrize("word", ["~", "~/run", "--base-dir=~/run"])
def test_a_tilde_without_a_home_is_named(monkeypatch, home, word):
    import pwd

    def nobody(uid):
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    if home is None:
        monkeypatch.delenv("HOME", raising=False)
    else:
        monkeypatch.setenv("HOME", home)
    with pytest.raises(UserError, match="no home folder here, since HOME is not set"):
        expand_home([word])
    assert expand_home(["--base-dir", "/a"]) == ["--base-dir", "/a"]


PROGRAMS = {"ble-eval": ble_eval.cli.main, "ble-train": ble_train.cli.main}


@pytest.mark.parametrize("name", PROGRAMS)
def test_versions_help_and_mistakes_in_the_verb(name, capsys):
    main = PROGRAMS[name]
    assert main(["--version"]) == 0
    versions = capsys.readouterr().out.splitlines()
    assert versions[0] == f"{name} 0.1.0"
    assert {"ble-sim", "jax", "numpy", "python"} <= {line.split()[0] for line in versions}
    assert main(["--help"]) == main(["-h"]) == 0
    text = capsys.readouterr().out
    assert f"usage: {name} VERB" in text
    assert "run " in text
    assert main([]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err in text
    for words, message in [
        (["rnu"], "Unknown verb 'rnu'. Did you mean 'run'?"),
        (["--versoin"], "Did you mean '--version'?"),
        (["--agent", "random", "run"], "The verb comes first, before flags such as --agent."),
        (["RUN"], "Unknown verb 'RUN'."),
        ([""], "usage:"),
    ]:
        assert main(words) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert message in err


def test_a_working_folder_that_was_deleted_is_named(monkeypatch, tmp_path, capsys):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert ble_eval.cli.main(["compare", "/a", "/b"]) == 2
    assert "The working folder does not exist any more." in capsys.readouterr().err
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "a.json"), "There is no a.json. Check"),
        (PermissionError(errno.EACCES, "Permission denied", "/b"), "/b may not be read or written: permission denied."),
        (IsADirectoryError(errno.EISDIR, "Is a directory", b"c"), "c is a folder. Name a file."),
        (NotADirectoryError(errno.ENOTDIR, "Not a directory", "f/x"), "f/x cannot be a path: a part of it is a file"),
        (OSError(errno.EROFS, "Read-only file system", "d"), "d is on a read-only file system."),
        (OSError(errno.ENOSPC, "No space left on device"), "No space is left for the output. Free some"),
        (OSError(errno.EMFILE, "Too many open files", "e"), "`ulimit -n`"),
        (OSError(errno.EIO, "Input/output error", "e"), "e: input/output error."),
        (OSError("in words"), "in words"),
        (LockedError("r is in use by process 3."), "r is in use by process 3."),
        (NotFiniteError("The reward is nan."), "The reward is nan."),
        (CheckpointError("All are damaged."), "All are damaged."),
        (UserError("mistake"), "mistake"),
        (MemoryError(), "The memory is used up. Fewer environments"),
        (RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes."), "The memory is used up."),
        (RuntimeError("Unable to initialize backend 'cuda': no\n such"), "JAX has no such device here: Unable"),
    ],
)
def test_what_a_user_can_cause_takes_one_line(error, message, capsys):
    def fail():
        raise error

    assert run_command("fly", fail) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("fly: error: ")
    assert message in err
    assert err.count("\n") == 1
    assert "[Errno" not in err


@pytest.mark.parametrize("error", [ValueError("a bug"), KeyError("a"), RuntimeError("b"), ZeroDivisionError()])
def test_other_errors_are_no_mistakes_of_the_user(error):
    assert explanation(error) is None


def test_a_value_error_out_of_our_own_raise_has_a_message_for_the_user(capsys):
    assert run_command("fly", lambda: RunLength(num_hours=-1.0) and 0) == 2
    assert capsys.readouterr().err == "fly: error: num_hours must be positive, got -1.0\n"


def test_what_cannot_be_made_is_named_with_the_reason():
    with pytest.raises(UserError, match=r"Cannot make the kite: There is no k\.npz\."), making("the kite"):
        Path("k.npz").read_bytes()


PLUGIN = """
from ble_sim.plugins import AgentRegistration, hookimpl

def fail(*arguments, **keywords):
    return 1 / 0

@hookimpl
def ble_register_agents():
    return [AgentRegistration("broken", fail)]
"""


def test_an_error_in_a_plugin_names_it_and_shows_its_traceback_on_demand(tmp_path, monkeypatch, capsys):
    install_distribution(tmp_path, "ble-broken", "0.3", {GROUP: {"broken": "broken_plugin"}})
    (tmp_path / "broken_plugin.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(tmp_path)
    import broken_plugin  # type: ignore[import-not-found]

    assert run_command("fly", broken_plugin.fail) == 1
    line = "fly: error: The plugin ble-broken 0.3 failed: ZeroDivisionError: division by zero."
    assert capsys.readouterr().err == f"{line} Set BLE_TRACEBACK=1 to see its traceback.\n"
    monkeypatch.setenv("BLE_TRACEBACK", "1")
    assert run_command("fly", broken_plugin.fail) == 1
    err = capsys.readouterr().err
    assert "Traceback (most recent call last)" in err
    assert "return 1 / 0" in err


def test_a_mistake_of_ours_is_raised():
    namespace = {"__name__": "ble_sim.some_module"}
    exec("def fail():\n    return ()[0]", namespace)
    with pytest.raises(IndexError):
        run_command("fly", namespace["fail"])


def test_warnings_of_ours_take_a_line_and_those_of_others_stay(capsys):
    def warn():
        warnings.warn("a collector failed", CollectorWarning, stacklevel=2)
        warnings.warn("old", DeprecationWarning, stacklevel=2)
        return 0

    with pytest.warns(DeprecationWarning, match="old"):
        assert run_command("fly", warn) == 0
    assert capsys.readouterr().err == "fly: warning: a collector failed\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_a_command_with_its_status(number, capsys):
    before = signal.getsignal(number)

    def command():
        signal.raise_signal(number)
        raise AssertionError

    def command_that_catches():
        try:
            return command()
        except KeyboardInterrupt:
            return 130

    assert run_command("fly", command) == 128 + number
    assert capsys.readouterr().err == "fly: stopped\n"
    assert run_command("fly", command_that_catches) == 128 + number
    assert capsys.readouterr().err == ""
    assert signal.getsignal(number) is before


def test_a_second_signal_ends_the_process_at_once(monkeypatch):
    ends = []
    monkeypatch.setattr(os, "_exit", ends.append)
    with Stopping() as stopping:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        assert stopping.status == 143
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert ends == [130]


def test_a_signal_that_is_ignored_stays_ignored(monkeypatch):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # As nohup has it.
    try:
        with Stopping() as stopping:
            signal.raise_signal(signal.SIGHUP)
        assert stopping.status is None
    finally:
        signal.signal(signal.SIGHUP, before)


def test_what_an_encoding_lacks_is_written_in_ascii():
    streams.prepare_handler()
    text = "TWR50 0.3 ± 0.1 ━╸ │x│ ╭─╮ • … é"
    assert text.encode("ascii", streams.PLAIN) == b"TWR50 0.3 +/- 0.1 -- |x| +-+ * ... ?"
    assert "±é•".encode("latin-1", streams.PLAIN) == "±é*".encode("latin-1")
    assert "name\udcff".encode("utf-8", streams.PLAIN) == b"name\xff"
    assert "name\udcff".encode("ascii", streams.PLAIN) == b"name\xff"


def test_a_reader_that_is_gone_does_not_end_the_writer():
    read, write = os.pipe()
    stream = io.TextIOWrapper(io.BufferedWriter(streams.Outlet(write, (BrokenPipeError,))))
    os.close(read)
    for _ in range(3):
        print("line", file=stream, flush=True)
    stream.detach()
    os.close(write)


def test_a_full_disk_is_reported_once():
    full = os.open("/dev/full", os.O_WRONLY)
    stream = io.TextIOWrapper(io.BufferedWriter(streams.Outlet(full, (BrokenPipeError,))))
    print("line", file=stream)
    with pytest.raises(OSError, match="No space left"):
        stream.flush()
    stream.flush()
    stream.detach()
    os.close(full)


COMMAND = f"exec {sys.executable} -m ble_eval"


@pytest.mark.parametrize(
    ("line", "status", "out", "err"),
    [
        (f"{COMMAND} compare a.json b 2>&1 >&- <&-", 2, "ble-eval: error: There is no a.json.", ""),
        (f"{COMMAND} compare a b 2>&-", 2, "", ""),
        (f"{COMMAND} --help >/dev/full", 2, "", "No space is left for the output."),
        (f"COLUMNS=1 TERM=dumb PYTHONIOENCODING=ascii {COMMAND} compare --help", 0, "usage: ble-eval compare", ""),
    ],
    ids=["closed output and input", "closed errors", "full disk", "ascii, a column, a dumb terminal"],
)
def test_streams_of_every_kind(tmp_path, line, status, out, err):
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == status, done.stderr
    assert out in done.stdout
    assert err in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "Exception ignored" not in done.stderr
    assert len(done.stderr.splitlines()) <= 1


def test_ctrl_c_finds_its_handler_before_anything_else_is_imported():
    loaded = run_python("import sys, ble_eval.cli, ble_train.cli; print(*sys.modules)").split()
    assert not {"tyro", "rich", "numpy", "pluggy", "jax", "importlib.metadata"} & set(loaded)
