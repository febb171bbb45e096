"""JAX's persistent compilation cache in the user's cache folder, so that only the first run on a machine compiles."""

import os
import sys
from pathlib import Path

MIN_COMPILE_SECONDS = "0.2"
"""Compilations that take less time are not stored [s]."""


def use_compilation_cache() -> None:
    """Make JAX keep compiled programs in the user's cache folder.

    Call it before JAX is imported: JAX reads the environment variables that it sets at import. Variables that the user
    has set keep their values.
    """
    folder = _user_cache_folder() / "ble" / "jax"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:  # Without a cache everything works, only slower.
        return
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(folder))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", MIN_COMPILE_SECONDS)


def _user_cache_folder() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
