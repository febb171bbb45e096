"""Traced programs on disk, so that a later process neither traces nor lowers them.

JAX's compilation cache spares a process the compiler, but JAX finds a program there by its code, and to make that takes
longer than to load the compiled program. So the code is stored too, as `jax.export` writes it, under a digest of all
that it follows from: the source of ble-sim and ble-env, the versions of what they call, JAX's settings, and what the
caller says. What is made of anything else, such as a plugin's reward, is not stored, nor are programs for accelerators.
"""

import dataclasses
import enum
import functools
import hashlib
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import flatbuffers
import jax
import numpy as np
from jax import export

import ble_env
import ble_sim
from ble_env.host.devices import Device
from ble_sim.files import atomic, compilation_cache
from ble_sim.precision import float_dtype
from ble_sim.structs import STRUCTS

_OWN_PACKAGES = (ble_sim, ble_env)
_PLATFORM = "cpu"
_DIGEST_SIZE = 32
_ANY_PLATFORM = export.DisabledSafetyCheck.platform()
_registered: set[type] = set()


class NotStorableError(Exception):
    """A program follows from something that is not known by its description."""


def is_storing(device: Device) -> bool:
    """Whether this process stores the programs of a device.

    It does so for the CPU, if `ble_sim.files.compilation_cache.use_compilation_cache` was asked for it, and unless JAX
    keeps no cache or debugs.
    """
    config: Any = jax.config  # Type checkers do not know its settings.
    is_debugging = config.jax_debug_nans or config.jax_debug_infs or config.jax_disable_jit
    is_wanted = compilation_cache.programs_folder() is not None and config.jax_enable_compilation_cache
    return is_wanted and device.platform == _PLATFORM and not is_debugging


def stored_program(function: Any, what: str, arguments: Callable[[], tuple[Any, ...]]) -> export.Exported:
    """A program from the folder, or else traced here and left there.

    Args:
        function: made by `jax.jit`; nothing is traced if the program is found.
        what: all that the program follows from besides the source of these packages; see `described`.
        arguments: gives the function's arguments, or their shapes, if it has to be traced.

    Returns:
        The program. To call it costs a compilation, for which JAX has its cache.

    Raises:
        NotStorableError: it takes or returns a type of others, or uses a library that not every process loads.
    """
    folder = compilation_cache.programs_folder()
    digest = hashlib.sha256(f"{_surroundings()}\n{what}".encode()).hexdigest()
    path = None if folder is None else folder / f"{digest}.bin"
    _register_structs()
    program = None if path is None else _read(path)
    if program is None:
        try:
            program = export.export(function, platforms=[_PLATFORM])(*arguments())
            content = bytes(program.serialize())
        except (ValueError, TypeError, NotImplementedError) as error:  # Without a file it may work.
            raise NotStorableError(str(error)) from error
        if b"lapack" in content:
            raise NotStorableError("it uses LAPACK")
        if path is not None:
            _write(path, content)
    # For a program of the platform "cpu" JAX loads scipy's LAPACK, which takes longer than all the rest. None of these
    # uses it, and without the check of the platform its name does not matter.
    return dataclasses.replace(program, platforms=("any",), disabled_safety_checks=(_ANY_PLATFORM,))


def stored_function(function: Callable[..., Any], what: str) -> Callable[..., Any]:
    """A function whose program is stored, for callers that JAX traces: they trace a call in place of what it does.

    Args:
        function: of arrays and structs.
        what: all that the function follows from besides its arguments and the precision; see `described`.

    Returns:
        A function of the same arguments. Where the program cannot be stored, it is `function`.
    """

    def call(*arguments: Any) -> Any:
        shapes = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), arguments)
        name = f"{what} in {float_dtype()} of {shapes_of(arguments)}"
        try:
            program = stored_program(jax.jit(function), name, lambda: shapes)
        except NotStorableError:
            return function(*arguments)
        return program.call(*arguments)

    return call


def described(value: Any) -> str:
    """All that a value is made of, exactly, in words that are the same in every process.

    Raises:
        NotStorableError: it is not made of numbers, words, tuples and dataclasses of these packages alone.
    """
    kind = type(value)
    if value is None or kind in (bool, int, float, str):
        return repr(value)
    name = f"{kind.__module__}.{kind.__qualname__}"
    if kind is tuple:
        return f"({', '.join(map(described, value))},)"
    is_own = kind.__module__.partition(".")[0] in {package.__name__ for package in _OWN_PACKAGES}
    if is_own and isinstance(value, enum.Enum):
        return f"{name}.{value.name}"
    fields = [field.name for field in dataclasses.fields(value)] if dataclasses.is_dataclass(value) else None
    if not is_own or fields is None or set(vars(value)) != set(fields):
        raise NotStorableError(f"{name} is not known by its fields")
    return f"{name}({', '.join(f'{field}={described(getattr(value, field))}' for field in fields)})"


def shapes_of(tree: Any) -> str:
    """The structure of a pytree of arrays, with their shapes and types."""
    leaves, structure = jax.tree.flatten(tree)
    return f"{structure} {[str(jax.typeof(leaf)) for leaf in leaves]}"


@functools.cache
def _surroundings() -> str:
    """What all programs of this process follow from."""
    sources = hashlib.sha256()
    for package in _OWN_PACKAGES:
        folder = Path(str(package.__file__)).parent
        for file in sorted(folder.rglob("*.py")):
            content = file.read_bytes()
            sources.update(
                f"{package.__name__}/{file.relative_to(folder).as_posix()} {len(content)}\n".encode() + content
            )
    config: Any = jax.config
    settings = {name: value for name, value in config.values.items() if "cache" not in name}
    versions = sys.version, np.__version__, jax.__version__, metadata.version("jaxlib"), flatbuffers.__version__
    return f"{sources.hexdigest()} {versions} {sorted(settings.items())}"


def _register_structs() -> None:
    """Let `jax.export` write the structs of these packages that have been imported."""
    own = tuple(f"{package.__name__}." for package in _OWN_PACKAGES)
    for struct in STRUCTS:
        if struct in _registered or not struct.__module__.startswith(own):
            continue
        _registered.add(struct)
        export.register_pytree_node_serialization(
            struct,
            serialized_name=f"{struct.__module__}.{struct.__qualname__}",
            serialize_auxdata=lambda _: b"",
            deserialize_auxdata=lambda _: (),
        )


def _read(path: Path) -> export.Exported | None:
    """The program in a file; None if there is none, or it is damaged."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, code = content[:_DIGEST_SIZE], content[_DIGEST_SIZE:]
    return export.deserialize(bytearray(code)) if digest == hashlib.sha256(code).digest() else None


def _write(path: Path, code: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_bytes(path, hashlib.sha256(code).digest() + code)
    except OSError:  # It is as it was without.
        pass
