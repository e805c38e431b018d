"""Labelled streams for judging learning: handwritten digits, spoken digits, room occupancy."""

from __future__ import annotations

import io
import itertools
import wave
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

_FRAMES, _BANDS, _WINDOW = 8, 8, 256


@dataclass(frozen=True)
class Layer:
    """A Keras layer by the name of its class, and its arguments."""

    kind: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


def _dense(*layers: tuple[int, str]) -> tuple[Layer, ...]:
    """Dense layers of (units, activation)."""
    return tuple(Layer("Dense", {"units": n, "activation": name}) for n, name in layers)


def _convolution(kind: str, kernel: int, strides: int = 1, **arguments: Any) -> Layer:
    return Layer(
        kind, {"kernel_size": kernel, "strides": strides, "activation": "relu", **arguments}
    )


_CNN = (
    _convolution("Conv2D", 3, filters=8, padding="same"),
    _convolution("Conv2D", 3, 2, filters=16),
    Layer("Flatten"),
    *_dense((10, "softmax")),
)
_SEPARABLE = (
    _convolution("Conv2D", 3, filters=16, padding="same"),
    Layer("MaxPooling2D", {"pool_size": 2}),
    _convolution("DepthwiseConv2D", 3, padding="same"),
    _convolution("Conv2D", 1, filters=32),
    Layer("AveragePooling2D", {"pool_size": 2}),
    Layer("Flatten"),
    *_dense((10, "softmax")),
)


@dataclass(frozen=True)
class Data:
    """Samples to learn from, in order, and samples to judge by. ``layers``: a network for them."""

    x: np.ndarray
    labels: np.ndarray
    x_test: np.ndarray
    labels_test: np.ndarray
    layers: tuple[Layer, ...]


def data_folder() -> Path:
    """The data beside the checkout."""
    return Path(__file__).resolve().parents[3] / "shared" / "data"


def _split(x: np.ndarray, labels: np.ndarray, held_out: int, passes: int, seed: int,
           layers: tuple[Layer, ...]) -> Data:  # fmt: skip
    """Shuffled by seed; the last samples are held out, the others streamed ``passes`` times."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(x))
    learnt, tested = order[:-held_out], order[-held_out:]
    stream = np.concatenate([rng.permutation(learnt) for _ in range(passes)])
    mean, deviation = x[learnt].mean(axis=0), x[learnt].std(axis=0) + 1e-3
    scaled = ((x - mean) / deviation).astype(np.float32)
    return Data(scaled[stream], labels[stream], scaled[tested], labels[tested], layers)


def digits(seed: int) -> Data:
    """8x8 images of handwritten digits (scikit-learn), two passes."""
    from sklearn.datasets import load_digits

    found = load_digits()
    layers = _dense((32, "relu"), (10, "softmax"))
    return _split(found.data / 16.0, found.target, 400, 2, seed, layers)


def _digit_images(seed: int, layers: tuple[Layer, ...]) -> Data:
    """The same samples as images, for a CNN."""
    flat = digits(seed)
    x, x_test = (v.reshape(-1, 8, 8, 1) for v in (flat.x, flat.x_test))
    return replace(flat, x=x, x_test=x_test, layers=layers)


def digits_cnn(seed: int) -> Data:
    """Digits for two convolutions and a dense layer."""
    return _digit_images(seed, _CNN)


def digits_separable(seed: int) -> Data:
    """Digits for a depthwise separable network with pooling."""
    return _digit_images(seed, _SEPARABLE)


def _bands() -> np.ndarray:
    """Edges of the frequency bands, in bins of the spectrum: equal steps of mel, 100 to 3800 Hz."""
    low, high = (2595 * np.log10(1 + f / 700) for f in (100, 3800))
    edges = 700 * (10 ** (np.linspace(low, high, _BANDS + 1) / 2595) - 1)
    return np.rint(edges / 8000 * _WINDOW).astype(int)


def front_end(samples: np.ndarray) -> np.ndarray:
    """Log energies of 8 bands in 8 frames spread over a recording of 8 kHz: float64 [64]."""
    padded = np.pad(samples, (0, max(0, _WINDOW - len(samples))))
    starts = np.linspace(0, len(padded) - _WINDOW, _FRAMES).astype(int)
    frames = np.stack([padded[s : s + _WINDOW] for s in starts]) * np.hanning(_WINDOW)
    power = np.abs(np.fft.rfft(frames)) ** 2
    edges = _bands()
    parts = [power[:, a:b].sum(axis=1) for a, b in itertools.pairwise(edges)]
    return np.log(np.stack(parts, axis=1) + 1.0).ravel()


def _takes() -> Iterator[tuple[str, np.ndarray]]:
    """File name (digit_speaker_take.wav) and features of every recording, sorted."""
    with zipfile.ZipFile(data_folder() / "free-spoken-digits" / "recordings.zip") as archive:
        for name in sorted(n for n in archive.namelist() if n.endswith(".wav")):
            with wave.open(io.BytesIO(archive.read(name))) as recording:
                samples = np.frombuffer(recording.readframes(recording.getnframes()), "<i2")
            yield Path(name).name, front_end(samples.astype(np.float64))


def spoken_digits(seed: int) -> Data:
    """Spoken digits of five speakers through ``front_end``, two passes."""
    names, x = zip(*_takes(), strict=True)
    layers = _dense((32, "relu"), (10, "softmax"))
    return _split(np.array(x), np.array([int(n[0]) for n in names]), 500, 2, seed, layers)


def recordings() -> dict[str, np.ndarray]:
    """The spoken digits by speaker: float64 [digits, takes, 64]."""
    found = defaultdict[str, list[list[np.ndarray]]](lambda: [[] for _ in range(10)])
    for name, features in _takes():
        digit, speaker, _ = name.split("_")
        found[speaker][int(digit)].append(features)
    return {speaker: np.array(digits) for speaker, digits in found.items()}


def _lines(name: str) -> list[list[str]]:
    text = (data_folder() / "occupancy" / name).read_text()
    return [line.split(",") for line in text.splitlines()[1:]]


def _rows(name: str) -> tuple[np.ndarray, np.ndarray]:
    cells = np.array([[float(c) for c in line[2:]] for line in _lines(name)])
    return cells[:, :-1], cells[:, -1].astype(int)


def occupancy_days(name: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """A file's minutes by day (YYYY-MM-DD): float64 [minutes, 5] and occupied or not [minutes]."""
    x, labels = _rows(name)
    days = np.array([line[1].strip('"').split()[0] for line in _lines(name)])
    return {str(day): (x[days == day], labels[days == day]) for day in np.unique(days)}


def occupancy(seed: int) -> Data:
    """Minutes of a room in time order, other days to judge by. The seed is the network's alone."""
    (x, labels), (x_test, labels_test) = _rows("datatraining.txt"), _rows("datatest.txt")
    mean, deviation = x.mean(axis=0), x.std(axis=0)
    scaled, tested = (((v - mean) / deviation).astype(np.float32) for v in (x, x_test))
    return Data(scaled, labels, tested, labels_test, _dense((16, "relu"), (1, "sigmoid")))


STREAMS: dict[str, Callable[[int], Data]] = {
    "digits": digits,
    "spoken digits": spoken_digits,
    "occupancy": occupancy,
    "digits, CNN": digits_cnn,
    "digits, separable": digits_separable,
}
