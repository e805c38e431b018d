"""A project's graph file: members of the archive changed under a valid checksum, and the values
of its JSON."""

from __future__ import annotations

import io
import json
import random
import zipfile
from typing import Any

import numpy as np
from engine import changed_bytes, scratch
from support.graphs import Net

from tinylearn.emit import graph_file
from tinylearn.pipeline import Choices, compile_graph

_STRANGE = (None, True, -1, 0, 1, 3, 1 << 31, 1 << 63, 0.5, 1e999, float("nan"), "", "float32", "int8",
            "weights", "dense", [], [0], [1, 2], {}, {"": 0})  # fmt: skip


def _strange(rng: random.Random, value: Any) -> Any:
    """The value with something else in one place of it."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(sorted(value))
        return {**value, key: _strange(rng, value[key])}
    if isinstance(value, list) and value and rng.random() < 0.9:
        at, items = rng.randrange(len(value)), list(value)
        if rng.random() < 0.1:
            del items[at]
        elif rng.random() < 0.1:
            items.insert(at, items[rng.randrange(len(items))])
        else:
            items[at] = _strange(rng, items[at])
        return items
    return rng.choice(_STRANGE)


class GraphFile:
    """See engine.Parser."""

    def __init__(self) -> None:
        self.path = scratch("net_graph.npz")

    def seeds(self) -> list[bytes]:
        """A convolutional network, and one of dense layers under a head."""
        image = Net("image", (4, 4, 1))
        image.conv("conv", 2, act="relu")
        image.batch_norm("norm")
        image.flatten()
        image.dense("out", 2, act="softmax")
        plain = Net("plain", (3,))
        plain.dense("hidden", 4, act="tanh")
        plain.dense("out", 2, act="softmax")
        choices = (Choices(learn="last:1"), Choices(learn="all", max_classes=4))
        return [
            graph_file.dump(net.done(), c) for net, c in zip((image, plain), choices, strict=True)
        ]

    def mutate(self, rng: random.Random, data: bytes, other: bytes) -> bytes:
        """Bytes of the file or of a member, or a value of the JSON."""
        if rng.random() < 0.1:
            return changed_bytes(rng, data, other)
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                members = {name: archive.read(name) for name in archive.namelist()}
            name = rng.choice(sorted(members)) if rng.random() < 0.3 else "graph.npy"
            if name == "graph.npy" and rng.random() < 0.9:
                members[name] = self._changed_json(rng, members[name])
            else:
                members[name] = changed_bytes(rng, members[name], members[name])
        except Exception:  # a seed that is itself damaged
            return changed_bytes(rng, data, other)
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, content in members.items():
                archive.writestr(zipfile.ZipInfo(name), content)
        return buffer.getvalue()

    def _changed_json(self, rng: random.Random, member: bytes) -> bytes:
        described = json.loads(np.load(io.BytesIO(member)).tobytes())
        for _ in range(rng.choice((1, 1, 2, 3))):
            described = _strange(rng, described)
        buffer = io.BytesIO()
        np.save(buffer, np.frombuffer(json.dumps(described).encode(), np.uint8))
        return buffer.getvalue()

    def run(self, data: bytes) -> None:
        """Load, and compile with the choices of the file."""
        self.path.write_bytes(data)
        graph, choices = graph_file.load(self.path)
        compile_graph(graph, choices)
