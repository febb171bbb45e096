"""JAX's persistent compilation cache in the user's cache folder, so that only the first run on a machine compiles."""

import os
import sys
import tempfile
from pathlib import Path

MIN_COMPILE_SECONDS = "0.2"
"""Compilations that take less time are not stored [s]."""


_programs_folder: Path | None = None


def programs_folder() -> Path | None:
    """Where this process keeps traced programs; None if it keeps none."""
    return _programs_folder


def use_compilation_cache(*, programs: bool = False) -> None:
    """Make JAX keep compiled programs in the user's cache folder.

    Call it before JAX is imported: JAX reads the environment variables that it sets at import. Variables that the user
    has set keep their values. Without a home folder, or with one that cannot be written to, there is no cache:
    everything works, only slower.

    Args:
        programs: keep traced programs as well, see `ble_env.host.stored_programs`. They are found again by the source
            of these packages, so this is for command lines, where nobody changes their functions in the process.
    """
    global _programs_folder
    try:
        folder = _user_cache_folder() / "ble" / "jax"
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # What is in it will be run.
        folder.mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):  # JAX would warn of each program that it cannot store.
            pass
    except (OSError, RuntimeError):
        return
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(folder))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", MIN_COMPILE_SECONDS)
    if programs:
        _programs_folder = folder.parent / "programs"


def _user_cache_folder() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return _home() / "Library" / "Caches"
    folder = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return folder if folder.is_absolute() else _home() / ".cache"  # The XDG rules ignore relative paths.


def _home() -> Path:
    """The home folder. Raises a RuntimeError if there is none: for a user that the system does not know."""
    if os.environ.get("HOME") == "":  # `Path.home` would take the root folder.
        raise RuntimeError("HOME is empty.")
    return Path.home()
