"""Omniglot (Lake, Salakhutdinov, Tenenbaum 2015): few-shot recognition of handwritten characters.

The characters are split once, a fifth for unseen devices. A device of the fleet is an alphabet, in
one of four orientations (Vinyals et al. 2016 rotate to have more characters); an unseen device has
five new characters, 5 or 1 drawings of each. Images are 20x20, one at a time.
"""

from __future__ import annotations

import io
import zipfile
from collections import defaultdict
from functools import cache

import numpy as np
from networks import Network
from streams import data_folder

from tasks.base import RANDOM, Setting, Task, Trial, shuffled
from tinylearn.errors import MissingToolError
from tinylearn.fleet.experiment import Draw, Samples
from tinylearn.ir.graph import Graph

_SIDE, _DRAWERS, _WAY, _OUTPUTS = 20, 20, 5, 40
_SHIFT = 2
_RATE = 0.02


def network(seed: int) -> Graph:
    """Four convolutions of stride 2 and a last layer that starts from zeros; ReLU."""
    net = Network("omniglot", (_SIDE, _SIDE, 1), seed)
    for filters in (16, 32, 32, 32):
        net.conv(filters, "relu")
    return net.dense(_OUTPUTS, "softmax", zero=True).graph()


@cache
def characters() -> dict[tuple[str, str], np.ndarray]:
    """Drawings by alphabet and character: float32 [20, side, side], ink 1 on 0."""
    found: dict[tuple[str, str], dict[str, np.ndarray]] = defaultdict(dict)
    for part in ("small1", "small2"):
        path = data_folder() / "omniglot" / f"images_background_{part}.zip"
        with zipfile.ZipFile(path) as archive:
            for name in sorted(n for n in archive.namelist() if n.endswith(".png")):
                _, alphabet, character, drawing = name.split("/")
                found[alphabet, character][drawing] = _image(archive.read(name))
    return {key: np.stack([d[n] for n in sorted(d)]) for key, d in sorted(found.items())}


def _image(content: bytes) -> np.ndarray:
    try:
        from PIL import Image
    except ImportError:
        raise MissingToolError(
            "reading Omniglot needs Pillow: pip install 'tinylearn[plots]'"
        ) from None
    picture = Image.open(io.BytesIO(content)).convert("L")
    return 1 - np.asarray(picture.resize((_SIDE, _SIDE), Image.Resampling.BOX), np.float32) / 255


@cache
def _split() -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Characters of the fleet, and of unseen devices: one in five."""
    keys = list(characters())
    order = np.random.default_rng(99).permutation(len(keys))
    unseen = len(keys) // 5
    return [keys[i] for i in order[unseen:]], [keys[i] for i in order[:unseen]]


@cache
def alphabets() -> list[tuple[str, np.ndarray]]:
    """Devices of the fleet by name: [characters, 20, side, side]."""
    by_alphabet = defaultdict(list)
    for key in sorted(_split()[0]):
        by_alphabet[key[0]].append(characters()[key])
    return [
        (f"{name} {90 * turns}", np.rot90(np.stack(drawings), turns, (2, 3)))
        for name, drawings in by_alphabet.items()
        for turns in range(4)
    ]


def _moved(rng: np.random.Generator, images: np.ndarray) -> np.ndarray:
    """Each image shifted by up to two pixels, as no one centres what they draw: [n, side * side]."""
    shifts = rng.integers(-_SHIFT, _SHIFT + 1, (len(images), 2))
    moved = [np.roll(i, tuple(s), (0, 1)) for i, s in zip(images, shifts, strict=True)]
    return np.stack(moved).reshape(len(images), -1)


def draw(seed: int) -> Draw:
    """One of the alphabets, which labels its characters 0, 1, 2 .. for good."""
    devices = alphabets()

    def visit(rng: np.random.Generator, count: int) -> Samples:
        name, drawings = devices[rng.integers(len(devices))]
        labels = rng.integers(0, len(drawings), count)
        images = drawings[labels, rng.integers(0, _DRAWERS, count)]
        return Samples(_moved(rng, images), labels.astype(np.uint32), name)

    return visit


def draw_few(seed: int) -> Draw:
    """A device that is met once: five characters of any alphabets, in any order."""
    drawings = np.concatenate([images for _, images in alphabets()])

    def visit(rng: np.random.Generator, count: int) -> Samples:
        chosen = rng.choice(len(drawings), _WAY, replace=False)
        labels = np.arange(count) % _WAY
        images = drawings[chosen[labels], rng.integers(0, _DRAWERS, count)]
        return shuffled(rng, Samples(_moved(rng, images), labels.astype(np.uint32)))

    return visit


def _trial(rng: np.random.Generator, pool: np.ndarray, shots: int) -> Trial:
    chosen = rng.choice(len(pool), _WAY, replace=False)
    order = np.stack([rng.permutation(_DRAWERS) for _ in range(_WAY)])
    labels = np.repeat(np.arange(_WAY), shots).astype(np.uint32)
    images = pool[chosen[:, None], order]
    support = Samples(images[:, :shots].reshape(_WAY * shots, -1), labels)
    judged = images[:, shots:].reshape(_WAY * (_DRAWERS - shots), -1)
    truth = np.repeat(np.arange(_WAY), _DRAWERS - shots).astype(np.uint32)
    return Trial(shuffled(rng, support), Samples(judged, truth))


def trials(count: int, seed: int) -> dict[str, list[Trial]]:
    """Unseen characters, 5 at a time, in the orientation in which they were drawn."""
    pool = np.stack([characters()[key] for key in _split()[1]])
    found = {}
    for shots in (5, 1):
        rng = np.random.default_rng(7_000_000 + shots)
        found[f"{_WAY}-way {shots}-shot"] = [_trial(rng, pool, shots) for _ in range(count)]
    return found


# Equal numbers of learning steps, 768,000, for each. What keeps the last layer local has alphabets
# as devices; what shares it would have them disagree on what an output means, and has devices with
# five characters each, as the papers do.
_VISITS, _FEW = 15_000, 50
_COMMON = {"samples": _FEW, "rate": _RATE}
_SEVERAL = {**_COMMON, "devices": 5, "passes": 2}
TASK = Task(
    "omniglot", "accuracy", network, draw, trials, passes=8, rate=0.005,
    settings=(
        Setting(RANDOM, 0),
        Setting("fed_sgd", _VISITS, {"samples": _FEW, "devices": 5, "rate": 0.1,
                                     "server_rate": 0.1}, accumulate=_FEW, draw=draw_few),
        Setting("fed_avg", _VISITS // 2, _SEVERAL, draw=draw_few),
        Setting("reptile", _VISITS // 2, {**_SEVERAL, "rate": 0.1},
                accumulate=10, draw=draw_few),
        Setting("tiny_reptile", _VISITS, {**_COMMON, "outer_rate": 0.5},
                draw=draw_few),
        Setting("tiny_meta_fed", 12_000, {"samples": 64, "local_samples": 0, "rate": _RATE, "share": 1.0}),
    ),
    quick=200,
)  # fmt: skip
