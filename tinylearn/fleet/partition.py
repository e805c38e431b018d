"""Who has which of the samples of one file: some set apart, the others spread over the devices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from tinylearn.device.stream import Stream
from tinylearn.errors import UsageError
from tinylearn.fleet.feed import Samples, Source

Indices = NDArray[np.intp]


@dataclass(frozen=True)
class Partition:
    """Indices of samples: ``held_out`` by nobody, ``devices`` each its own, none empty."""

    held_out: Indices
    devices: tuple[Indices, ...]


def partitioned(
    stream: Stream, owners: NDArray[Any] | None, devices: int | None, skew: float | None,
    held_out: float, seed: int,
) -> Partition:  # fmt: skip
    """The share ``held_out`` is drawn from all samples. Of the others each of ``owners`` [n] is a
    device and has its own; ``devices`` of them are drawn where not all take part. Without owners
    they are dealt out in equal parts, with ``skew`` as ``skewed`` says. Raises UsageError."""
    rng = np.random.default_rng([seed, 1])
    order = rng.permutation(len(stream)).astype(np.intp)
    apart, rest = np.split(order, [round(held_out * len(stream))])
    if owners is not None:
        if skew is not None:
            raise UsageError(f"{stream.name}: says whose its samples are; leave --skew out")
        return Partition(apart, _owned(rest, owners, devices, stream.name, rng))
    count = 100 if devices is None else devices
    if len(rest) < count:
        raise UsageError(f"{stream.name}: {len(rest)} samples are too few for {count} devices")
    if skew is None:
        return Partition(apart, tuple(np.array_split(rest, count)))
    if stream.labels is None:
        raise UsageError(f"{stream.name}: --skew is about labels, and it has none")
    parts = skewed(stream.labels[rest], count, skew, rng)
    return Partition(apart, tuple(rest[part] for part in parts))


def _owned(
    rest: Indices, owners: NDArray[Any], devices: int | None, name: str, rng: np.random.Generator
) -> tuple[Indices, ...]:
    names, whose = np.unique(owners[rest], return_inverse=True)
    if devices is not None and devices > len(names):
        raise UsageError(f"{name}: has samples of {len(names)} devices, not of {devices}")
    count = len(names) if devices is None else devices
    chosen = np.sort(rng.permutation(len(names))[:count])
    return tuple(rest[whose == number] for number in chosen)


def skewed(
    labels: NDArray[np.int64], devices: int, alpha: float, rng: np.random.Generator
) -> tuple[Indices, ...]:
    """Deals out samples in equal parts whose labels differ: each device's shares of the classes are
    drawn from a Dirichlet distribution around those of all, the more alike the larger ``alpha``; it
    draws from them until it has its number, without those that are used up (Hsu, Qi, Brown 2019,
    "Measuring the Effects of Non-Identical Data Distribution for Federated Visual Classification").
    """
    classes, counts = np.unique(labels, return_counts=True)
    piles = [list(rng.permutation(np.flatnonzero(labels == c))) for c in classes]
    sizes = [len(part) for part in np.array_split(labels, devices)]
    prior = alpha * counts / counts.sum()
    return tuple(_dealt(piles, rng.dirichlet(prior), size, rng) for size in sizes)


def _dealt(
    piles: list[list[int]], shares: NDArray[np.float64], size: int, rng: np.random.Generator
) -> Indices:
    """Takes ``size`` samples from the piles."""
    taken: list[int] = []
    while len(taken) < size:
        left = np.array([len(pile) for pile in piles])
        chances = np.where(left > 0, shares, 0.0)
        if chances.sum() <= 0:
            chances = left.astype(np.float64)
        wanted = rng.multinomial(size - len(taken), chances / chances.sum())
        for pile, count in zip(piles, np.minimum(wanted, left), strict=True):
            taken += [pile.pop() for _ in range(count)]
    return np.sort(np.array(taken, np.intp))


def source_of(stream: Stream, parts: dict[str, Indices], seed: int) -> Source:
    """Draws a task's samples from those of its device, none twice before all have been drawn; by
    ``seed``, device and round."""
    y = stream.labels if stream.labels is not None else stream.targets
    assert y is not None

    def source(device: str, run: int, round_: int, count: int) -> Samples:
        rng = np.random.default_rng([seed, round_, crc32(device.encode())])
        own, which = parts[device], np.empty(0, np.intp)
        while len(which) < count:
            which = np.concatenate([which, rng.permutation(own)])
        return stream.x[which[:count]], y[which[:count]]

    return source
