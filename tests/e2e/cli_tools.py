"""What the command-line tests share: `.keras` files written by hand, and the command itself."""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tinylearn.cli.main import main

ROOT = Path(__file__).resolve().parents[2]


def layer(kind: str, name: str, **settings: Any) -> dict[str, Any]:
    """A layer's entry as Keras 3 writes it."""
    config = {"name": name, "trainable": True, "dtype": "float32", **settings}
    return {"module": "keras.layers", "class_name": kind, "config": config, "name": name}


def keras_bytes(layers: list[dict[str, Any]], weights: Mapping[str, np.ndarray]) -> bytes:
    """A Sequential model as a `.keras` file."""
    net = {"name": "net", "layers": layers}
    stored = io.BytesIO()
    with h5py.File(stored, "w") as file:
        for name, values in weights.items():
            file[f"layers/{name}"] = values
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        config = {"module": "keras", "class_name": "Sequential", "config": net}
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", stored.getvalue())
    return packed.getvalue()


def dense_net(inputs: int, *layers: tuple[int, str], seed: int = 0) -> bytes:
    """Dense layers of (units, activation), with seeded weights."""
    random, width = np.random.default_rng(seed), inputs
    entries = [layer("InputLayer", "x", batch_shape=[None, inputs])]
    weights = {}
    for i, (units, activation) in enumerate(layers):
        entries.append(layer("Dense", f"d{i}", units=units, activation=activation, use_bias=True))
        group = f"dense_{i}" if i else "dense"
        kernel = random.normal(0, width**-0.5, (width, units))
        weights[f"{group}/vars/0"] = kernel.astype("f4")
        weights[f"{group}/vars/1"] = np.full(units, 0.1, "f4")
        width = units
    return keras_bytes(entries, weights)


def convolutional_net() -> bytes:
    """6x6x1 -> 3x3 convolution of 2 filters -> 3 classes."""
    random = np.random.default_rng(1)
    entries = [
        layer("InputLayer", "x", batch_shape=[None, 6, 6, 1]),
        layer("Conv2D", "conv", filters=2, kernel_size=[3, 3], strides=[1, 1], padding="valid",
              data_format="channels_last", dilation_rate=[1, 1], groups=1, activation="relu",
              use_bias=True),
        layer("Flatten", "flat", data_format="channels_last"),
        layer("Dense", "out", units=3, activation="softmax", use_bias=True),
    ]  # fmt: skip
    weights = {
        "conv2d/vars/0": random.normal(0, 0.3, (3, 3, 1, 2)).astype("f4"),
        "conv2d/vars/1": np.zeros(2, "f4"),
        "dense/vars/0": random.normal(0, 0.2, (32, 3)).astype("f4"),
        "dense/vars/1": np.zeros(3, "f4"),
    }
    return keras_bytes(entries, weights)


#: a classifier, a regression, an autoencoder, a network of images, one for no microcontroller
NETS = {
    "mlp": lambda: dense_net(4, (6, "relu"), (3, "softmax")),
    "other": lambda: dense_net(4, (5, "relu"), (3, "softmax")),
    "regressor": lambda: dense_net(2, (3, "tanh"), (1, "linear")),
    "autoencoder": lambda: dense_net(4, (2, "relu"), (4, "linear")),
    "cnn": convolutional_net,
    "large": lambda: dense_net(64, (64, "relu"), (3, "softmax")),
}


@dataclass(frozen=True)
class Result:
    """What a command returned and printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """stdout as one JSON value; fails where anything else was printed there."""
        return json.loads(self.out)


def tinylearn(*words: object) -> Result:
    """Runs a command in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main([str(word) for word in words])
        except SystemExit as stop:
            code = int(stop.code or 0)
    return Result(code, out.getvalue(), err.getvalue())


def done(*words: object) -> Result:
    """Runs a command that must succeed and say nothing on stderr."""
    result = tinylearn(*words)
    assert (result.code, result.err) == (0, ""), result
    return result


def refused(code: int, *words: object, match: str = "") -> str:
    """Runs a command that must fail: nothing on stdout, one line on stderr that names things."""
    result = tinylearn(*words)
    assert result.code == code, result
    assert result.out == ""
    assert result.err.startswith(f"tinylearn {words[0]}: ")
    assert result.err.count("\n") == 1, result.err
    assert "Traceback" not in result.err
    assert match in result.err, result.err
    return result.err


def snapshot(folder: Path) -> dict[str, bytes]:
    """All files below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def stream(path: Path, width: int = 4, n: int = 40, classes: int = 3, **arrays: Any) -> Path:
    """Writes a seeded stream as .npz; ``arrays`` replace its x or y."""
    random = np.random.default_rng(5)
    made = {
        "x": random.normal(size=(n, width)).astype("f4"),
        "y": random.integers(0, classes, n),
        **arrays,
    }
    np.savez(path, **{name: values for name, values in made.items() if values is not None})
    return path
