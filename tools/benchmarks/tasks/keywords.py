"""Spoken keywords: a speaker is a device (Free Spoken Digit Dataset).

Each seed leaves one speaker out, who then adapts with two takes of each word and is judged by others.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from networks import Network
from streams import recordings

from tasks.base import Task, Trial, every_strategy, shuffled
from tinylearn.fleet.experiment import Draw, Samples
from tinylearn.ir.graph import Graph

_WORDS, _SHOTS, _JUDGED = 10, 2, 10
_VISITS, _SAMPLES, _RATE = 600, 40, 0.02


def network(seed: int) -> Graph:
    """64 log band energies, 32 ReLU units, 10 words; the last layer starts from zeros."""
    return (
        Network("keywords", (64,), seed).dense(32, "relu").dense(10, "softmax", zero=True).graph()
    )


@cache
def _speakers(left_out: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Features of the fleet's speakers by name, and of the one left out: [words, takes, 64],
    standardised by the fleet's mean and deviation."""
    spoken = recordings()
    names = sorted(spoken)
    new = names.pop(left_out % len(names))
    known = np.concatenate([spoken[name].reshape(-1, 64) for name in names])
    mean, deviation = known.mean(axis=0), known.std(axis=0) + 1e-3
    scaled = {n: ((v - mean) / deviation).astype(np.float32) for n, v in spoken.items()}
    return {n: scaled[n] for n in names}, scaled[new]


def draw(seed: int) -> Draw:
    """One of the known speakers, saying random words."""
    speakers = list(_speakers(seed)[0].items())

    def visit(rng: np.random.Generator, count: int) -> Samples:
        name, takes = speakers[rng.integers(len(speakers))]
        words = rng.integers(0, _WORDS, count)
        return Samples(takes[words, rng.integers(0, takes.shape[1], count)],
                       words.astype(np.uint32), name)  # fmt: skip

    return visit


def trials(count: int, seed: int) -> dict[str, list[Trial]]:
    """The speaker left out, with other takes each time."""
    takes = _speakers(seed)[1]
    rng = np.random.default_rng(7_000_000 + seed)
    return {"2 takes a word": [_trial(rng, takes) for _ in range(count)]}


def _trial(rng: np.random.Generator, takes: np.ndarray) -> Trial:
    chosen = np.stack([t[rng.permutation(len(t))[: _SHOTS + _JUDGED]] for t in takes])
    words = np.repeat(np.arange(_WORDS), _SHOTS).astype(np.uint32)
    support = Samples(chosen[:, :_SHOTS].reshape(-1, 64), words)
    truth = np.repeat(np.arange(_WORDS), _JUDGED).astype(np.uint32)
    return Trial(shuffled(rng, support), Samples(chosen[:, _SHOTS:].reshape(-1, 64), truth))


TASK = Task(
    "keywords", "accuracy", network, draw, trials, passes=8, rate=0.01,
    settings=every_strategy(_VISITS, _SAMPLES, _RATE),
    seeds=5, quick=4,
)  # fmt: skip
