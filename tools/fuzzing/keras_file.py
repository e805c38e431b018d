"""Keras archives: the zip itself, and config and weights under a valid directory."""

from __future__ import annotations

import io
import json
import random
import zipfile
from typing import Any

import h5py
import numpy as np
from engine import changed_bytes, scratch

from tinylearn.importers import keras
from tinylearn.pipeline import Choices, compile_graph

_MEMBERS = ("config.json", "model.weights.h5")


def _layer(kind: str, name: str, **settings: Any) -> dict[str, Any]:
    config = {"name": name, "trainable": True, "dtype": "float32", **settings}
    return {"module": "keras.layers", "class_name": kind, "config": config,
            "registered_name": None, "name": name}  # fmt: skip


def _archive(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


class KerasFile:
    """See engine.Parser."""

    def __init__(self) -> None:
        self.path = scratch("net.keras")

    def seeds(self) -> list[bytes]:
        """A small convolutional network."""
        layers = [
            _layer("InputLayer", "x", batch_shape=[None, 4, 4, 1]),
            _layer("Conv2D", "c", filters=2, kernel_size=[3, 3], padding="same"),
            _layer("MaxPooling2D", "p", pool_size=[2, 2]),
            _layer("Flatten", "f"),
            _layer("Dense", "d", units=2, activation="softmax", use_bias=True),
        ]
        config = {"module": "keras", "class_name": "Sequential", "registered_name": None,
                  "config": {"name": "net", "layers": layers}}  # fmt: skip
        shapes = {"conv2d": (3, 3, 1, 2), "dense": (8, 2)}
        buffer = io.BytesIO()
        with h5py.File(buffer, "w") as file:
            for name, shape in shapes.items():
                file[f"layers/{name}/vars/0"] = np.ones(shape, "f4")
                file[f"layers/{name}/vars/1"] = np.zeros(2, "f4")
        contents = (json.dumps(config).encode(), buffer.getvalue())
        return [_archive(dict(zip(_MEMBERS, contents, strict=True)))]

    def mutate(self, rng: random.Random, data: bytes, other: bytes) -> bytes:
        """The whole archive, or a member under a valid checksum."""
        if rng.random() < 0.2:
            return changed_bytes(rng, data, other)
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                members = {name: archive.read(name) for name in _MEMBERS}
        except Exception:  # a seed that is itself damaged
            return changed_bytes(rng, data, other)
        name = rng.choice(_MEMBERS)
        members[name] = changed_bytes(rng, members[name], members[name])
        return _archive(members)

    def run(self, data: bytes) -> None:
        """Import and compile."""
        self.path.write_bytes(data)
        compile_graph(keras.load(self.path), Choices(learn="all"))
