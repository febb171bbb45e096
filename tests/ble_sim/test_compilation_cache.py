import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ble_sim.files import compilation_cache
from ble_sim.files.compilation_cache import use_compilation_cache

FOLDER = "JAX_COMPILATION_CACHE_DIR"
SECONDS = "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    for name in (FOLDER, SECONDS):
        monkeypatch.setenv(name, "so that it is restored afterwards")
        monkeypatch.delenv(name)
    monkeypatch.setattr(compilation_cache, "_programs_folder", None)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_jax_takes_the_folder_in_the_users_cache(tmp_path):
    use_compilation_cache()
    folder = tmp_path / "cache" / "ble" / "jax"
    assert folder.is_dir()
    names = "jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs"
    script = f"import jax; print(*(getattr(jax.config, name) for name in {names}))"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.split() == [str(folder), "0.2"]


@pytest.mark.skipif(os.name == "nt", reason="has other permissions")
def test_nobody_else_may_enter_the_folder_since_what_is_in_it_is_run(tmp_path):
    before = os.umask(0)
    try:
        use_compilation_cache()
    finally:
        os.umask(before)
    assert (tmp_path / "cache" / "ble").stat().st_mode & 0o777 == 0o700


def test_traced_programs_are_kept_where_that_is_asked_for(tmp_path):
    use_compilation_cache()
    assert compilation_cache.programs_folder() is None
    use_compilation_cache(programs=True)
    assert compilation_cache.programs_folder() == tmp_path / "cache" / "ble" / "programs"


def test_the_users_settings_have_their_way(monkeypatch):
    monkeypatch.setenv(FOLDER, "elsewhere")
    use_compilation_cache()
    assert os.environ[FOLDER] == "elsewhere"


def test_a_home_that_cannot_be_written_to_is_no_obstacle(monkeypatch, tmp_path):
    (tmp_path / "cache").touch()
    use_compilation_cache(programs=True)
    assert FOLDER not in os.environ
    assert compilation_cache.programs_folder() is None


def test_without_a_home_there_is_no_cache(monkeypatch, tmp_path):
    import pwd

    def nobody(uid):
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    monkeypatch.delenv("XDG_CACHE_HOME")
    for home in (None, ""):
        monkeypatch.delenv("HOME", raising=False)
        if home is not None:
            monkeypatch.setenv("HOME", home)
        use_compilation_cache()
        assert FOLDER not in os.environ
    assert list(tmp_path.iterdir()) == []


def test_a_relative_cache_folder_is_ignored(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", "cache")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    use_compilation_cache()
    assert os.environ[FOLDER] == str(tmp_path / "home" / ".cache" / "ble" / "jax")
    assert not (tmp_path / "cache").exists()


def test_a_cache_that_cannot_be_written_to_is_left_alone(monkeypatch, tmp_path):
    def refuse(*arguments, **keywords):
        raise OSError(errno.EROFS, "Read-only file system")

    (tmp_path / "cache" / "ble" / "jax").mkdir(parents=True)
    monkeypatch.setattr(compilation_cache.tempfile, "TemporaryFile", refuse)
    use_compilation_cache()
    assert FOLDER not in os.environ


@pytest.mark.parametrize(
    ("platform", "folder"), [("linux", ".cache"), ("darwin", "Library/Caches"), ("win32", "AppData/Local")]
)
def test_each_system_has_its_folder(monkeypatch, tmp_path, platform, folder):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    use_compilation_cache()
    assert (tmp_path / folder / "ble" / "jax").is_dir()
