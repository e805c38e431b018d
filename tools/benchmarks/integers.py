"""Accuracy of learning in integers beside learning in float32: same networks, streams and rates.

Each seed starts from random weights, learns one stream sample by sample in the generated C, and is
judged on samples that it has not seen.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from streams import STREAMS, Data

from tinylearn import __version__
from tinylearn.cli.output import print_table
from tinylearn.device.twin import load_twin
from tinylearn.emit.generate import project_files
from tinylearn.emit.model import EmittedModel
from tinylearn.emit.write import write_project
from tinylearn.importers import keras as importer
from tinylearn.ir.graph import Graph
from tinylearn.pipeline import Choices, compile_graph
from tinylearn.targets import find

RATE = 0.02
ARITHMETICS = ("float32", "int8")


@dataclass(frozen=True)
class Row:
    """Accuracies after the stream, by seed; RAM of the model in bytes."""

    stream: str
    arithmetic: str
    samples: int
    rate: float
    accuracy: list[float]
    accuracy_on_the_way: list[float]
    ram_bytes: int

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return float(np.mean(self.accuracy))


def network(data: Data, seed: int, folder: Path) -> Graph:
    """A network of random weights, as Keras starts it."""
    import keras

    keras.utils.set_random_seed(seed)
    layers = [getattr(keras.layers, layer.kind)(**layer.arguments) for layer in data.layers]
    path = folder / "net.keras"
    keras.Sequential([keras.Input(data.x.shape[1:]), *layers]).save(path)
    return importer.load(path)


def learnt(
    graph: Graph, data: Data, rate: float, arithmetic: str, folder: Path
) -> tuple[float, float, int]:
    """(accuracy after the stream, accuracy of each sample before it is learnt, RAM)."""
    compiled = compile_graph(graph, Choices("all", rate=rate, arithmetic=arithmetic))
    model = EmittedModel("net", compiled, "net.keras", "0" * 64, __version__)
    write_project(folder, project_files(model, find("cortex-m0"), "makefile"))
    twin = load_twin(folder, "net", "cortex-m0").open()
    hits = [_hits(twin.predict(data.x[:1]), data.labels[:1])]
    for i in range(0, len(data.x), 50):
        part = slice(i, i + 50)
        hits.append(_hits(twin.predict(data.x[part]), data.labels[part]))
        twin.learn_label(data.x[part], data.labels[part])
    accuracy = float(np.mean(_hits(twin.predict(data.x_test), data.labels_test)))
    return accuracy, float(np.mean(np.concatenate(hits))), compiled.ram_bytes


def _hits(y: np.ndarray, labels: np.ndarray) -> np.ndarray:
    y = y.reshape(len(labels), -1)
    return ((y[:, 0] > 0.5) if y.shape[1] == 1 else y.argmax(axis=1)) == labels


def measure(name: str, seeds: int, rate: float) -> list[Row]:
    """Both arithmetics on one stream."""
    found: dict[str, list[tuple[float, float, int]]] = {a: [] for a in ARITHMETICS}
    samples = 0
    for seed in range(seeds):
        data = STREAMS[name](seed)
        samples = len(data.x)
        print(f"{name}, seed {seed}: {samples} samples", file=sys.stderr)
        for arithmetic in ARITHMETICS:
            with tempfile.TemporaryDirectory() as folder:
                graph = network(data, seed, Path(folder))
                found[arithmetic].append(learnt(graph, data, rate, arithmetic, Path(folder) / "p"))
    return [
        Row(name, a, samples, rate, [f[0] for f in got], [f[1] for f in got], got[0][2])
        for a, got in found.items()
    ]


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", default=";".join(STREAMS), help="of " + "; ".join(STREAMS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rate", type=float, default=RATE, help="learning rate")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    names = args.streams.split(";")
    rows = [row for n in names for row in measure(n, args.seeds, args.rate)]
    if args.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
        return
    lines = [
        (r.stream, r.arithmetic, r.samples, r.rate, f"{r.mean:.4f}",
         f"{min(r.accuracy):.4f} .. {max(r.accuracy):.4f}", f"{np.mean(r.accuracy_on_the_way):.4f}",
         r.ram_bytes)
        for r in rows
    ]  # fmt: skip
    columns = (
        "stream",
        "arithmetic",
        ">samples",
        ">rate",
        ">accuracy after",
        ">of the seeds",
        ">on the way",
        ">RAM B",
    )
    print_table(columns, lines)


if __name__ == "__main__":
    main()
