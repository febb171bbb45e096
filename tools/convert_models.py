#!/usr/bin/env python3
# /// script
# requires-python = ">=3.11"
# dependencies = ["ble-sim", "msgpack>=1.0", "numpy>=2.0"]
#
# [tool.uv.sources]
# ble-sim = { path = "../packages/ble-sim" }
# ///
"""Read the two pretrained models out of the original's published wheel and write them as plain float32 arrays.

    uv run tools/convert_models.py OUTPUT_DIR [WHEEL]

Without WHEEL, `pip download` fetches balloon_learning_environment 1.0.1 (35 MB). Writes offlineskies22_decoder.npz
(w0..w3 [in, out], b0..b3: 64-1000-1000-1000-4410) and perciatelli44.npz (w0..w7, b0..b7: 1099 - 7 x 600 - 153), and
fails if their values are not those that the packages expect. The decoder is a msgpack of Flax arrays; Perciatelli44 is
a frozen TensorFlow graph, read here as plain protobuf fields, so TensorFlow is not needed.

Both models are data of the Balloon Learning Environment's authors under the Apache License 2.0.
"""

import io
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgpack
import numpy as np

from ble_sim.files.models import arrays_digest

DIGESTS = {
    "offlineskies22_decoder": "9f31897b84238e670a9f287d7062deb27549d1fca742bc78c6d04a655dc4c355",
    "perciatelli44": "26e7582e5c6dcb45dbdf8438add3e8953ce9fe485ca9642b94ef58e728257ce5",
}
DT_FLOAT = 1


def protobuf_fields(buffer: bytes) -> Iterator[tuple[int, Any]]:
    """Yield (field number, value) of one message; length-delimited values as bytes."""
    position = 0

    def varint() -> int:
        nonlocal position
        value = shift = 0
        while True:
            byte = buffer[position]
            position += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while position < len(buffer):
        number, wire_type = divmod(varint(), 8)
        if wire_type == 0:
            yield number, varint()
            continue
        size = varint() if wire_type == 2 else {1: 8, 5: 4}[wire_type]
        yield number, buffer[position : position + size]
        position += size


def graph_constants(graph: bytes) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the names and values of the float32 constants of a frozen TensorFlow graph (a GraphDef)."""
    for number, node in protobuf_fields(graph):
        if number != 1:
            continue
        parts = list(protobuf_fields(node))
        fields = dict(parts)
        if fields[2] != b"Const":
            continue
        for attribute in (dict(protobuf_fields(value)) for key, value in parts if key == 5):
            if attribute[1] != b"value":
                continue
            tensor = dict(protobuf_fields(dict(protobuf_fields(attribute[2]))[8]))
            if tensor.get(1) != DT_FLOAT or 4 not in tensor:  # Small constants are stored otherwise.
                continue
            dimensions = [
                dict(protobuf_fields(value)).get(1, 0) for key, value in protobuf_fields(tensor[2]) if key == 2
            ]
            yield fields[1].decode(), np.frombuffer(tensor[4], "<f4").reshape(dimensions)


def flax_array(code: int, data: bytes) -> Any:
    """Decode Flax's msgpack extension 1: an array as (shape, dtype name, bytes)."""
    if code != 1:
        return msgpack.ExtType(code, data)
    shape, dtype, raw = msgpack.unpackb(data, raw=True)
    return np.frombuffer(raw, dtype.decode()).reshape(shape)


def layers(pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> dict[str, np.ndarray]:
    """Name (kernel, bias) pairs, in the order of the network, w0, b0, w1, ..."""
    arrays = {}
    for i, (kernel, bias) in enumerate(pairs):
        arrays[f"w{i}"], arrays[f"b{i}"] = kernel, bias
    return arrays


def decoder_arrays(file: bytes) -> dict[str, np.ndarray]:
    """Read the wind decoder from its msgpack file."""
    dense = msgpack.unpackb(file, ext_hook=flax_array, strict_map_key=False)["params"]
    return layers((dense[f"Dense_{i}"]["kernel"], dense[f"Dense_{i}"]["bias"]) for i in range(4))


def agent_arrays(file: bytes) -> dict[str, np.ndarray]:
    """Read Perciatelli44's online network from its frozen graph."""
    constants = dict(graph_constants(file))
    stems = ["Online/fully_connected" + (f"_{i}" if i else "") for i in range(8)]
    return layers((constants[f"{stem}/weights"], constants[f"{stem}/biases"]) for stem in stems)


def main(target: str, wheel: str | None = None) -> None:
    """Convert both models into the folder `target`."""
    with tempfile.TemporaryDirectory() as folder:
        if wheel is None:
            command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder]
            subprocess.run([*command, "balloon_learning_environment==1.0.1"], check=True)
            wheel = str(next(Path(folder).glob("*.whl")))
        with zipfile.ZipFile(io.BytesIO(Path(wheel).read_bytes())) as archive:
            models = "balloon_learning_environment/models/"
            converted = {
                "offlineskies22_decoder": decoder_arrays(archive.read(models + "offlineskies22_decoder.msgpack")),
                "perciatelli44": agent_arrays(archive.read(models + "perciatelli44.pb")),
            }

    Path(target).mkdir(parents=True, exist_ok=True)
    for name, arrays in converted.items():
        digest = arrays_digest(arrays)
        if digest != DIGESTS[name]:
            sys.exit(f"{name}: the values have the SHA-256 {digest}, expected {DIGESTS[name]}")
        path = Path(target) / f"{name}.npz"
        np.savez_compressed(path, allow_pickle=False, **arrays)
        print(f"wrote {path}")


if __name__ == "__main__":
    main(*sys.argv[1:])
