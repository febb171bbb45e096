"""JAX's persistent compilation cache, so that only the first run on a machine waits for the compiler."""

import os
import sys
from pathlib import Path

MIN_COMPILE_SECONDS = "0.2"
"""Compilations quicker than this are repeated rather than stored."""


def use_compilation_cache() -> None:
    """Lets JAX keep compiled programs in the user's cache folder; settings that are in the environment
    already have their way.

    JAX reads these variables when it is imported: call this before.
    """
    folder = _user_cache_folder() / "ble" / "jax"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:  # a home that cannot be written to costs time, not the run
        return
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(folder))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", MIN_COMPILE_SECONDS)


def _user_cache_folder() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
