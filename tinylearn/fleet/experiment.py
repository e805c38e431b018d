"""Runs strategies on twins without a network, as fast as the generated C goes: what a strategy
learns, and what it costs in messages.

A visit is what a device does in a round: it takes the exchanged weights, learns its local part and
then its samples, and reports. Counted are the bytes of the messages that would carry that. The same
seed gives the same bytes.
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinylearn.device.build import build_twin
from tinylearn.device.host import read_info
from tinylearn.device.messages import HEADER
from tinylearn.device.twin import Twin, TwinLibrary
from tinylearn.errors import BadInputError, TinylearnError, UsageError
from tinylearn.fleet import guards, updates
from tinylearn.fleet.messages import Chunk, Encoding, Next, Pull, Receipt, Task, Update
from tinylearn.fleet.strategies.base import Floats, Report, Strategy, Work
from tinylearn.ir.graph import Graph

#: largest message that a device of the experiment takes
FRAME_BYTES = 1024
#: as the coordinator's: an update so many times larger than the usual ones is refused
_NORM_FACTOR = 10.0


@dataclass(frozen=True)
class Samples:
    """What a device has to learn from or is judged by: x [n, inputs], and y, uint32 labels [n] or
    float32 targets [n, outputs]. ``device``: whose they are; "" for one that is met once."""

    x: NDArray[Any]
    y: NDArray[Any]
    device: str = ""

    def __len__(self) -> int:
        return len(self.x)

    def part(self, start: int, stop: int | None = None) -> Samples:
        """Samples from ``start`` to before ``stop``."""
        return Samples(self.x[start:stop], self.y[start:stop], self.device)

    def repeated(self, passes: int) -> Samples:
        """All samples in their order, ``passes`` times over."""
        x = np.concatenate([self.x] * passes)
        return Samples(x, np.concatenate([self.y] * passes), self.device)


#: a device of the fleet, and as many samples of its as asked for, in the order in which they come
Draw = Callable[[np.random.Generator, int], Samples]


@dataclass(frozen=True)
class Model:
    """A generated project as a twin library, with names and bytes of its weights' tensors and the
    weights that a device comes with from the factory, float32 [n]."""

    library: TwinLibrary
    tensors: tuple[tuple[str, int], ...]
    initial: Floats

    @staticmethod
    def load(folder: Path) -> Model:
        """Compiles the project where needed. Raises BadInputError for another folder."""
        info = read_info(folder)
        tensors = tuple((str(row["name"]), int(row["bytes"])) for row in info["weights"])
        library = TwinLibrary(build_twin(folder, info["name"], info["target"], flags=("-O3",)))
        return Model(library, tensors, np.frombuffer(library.open().read_weights(), "<f4"))

    def with_initial(self, graph: Graph) -> Model:
        """The same with the weights of another graph of the same architecture."""
        arrays = [np.asarray(graph[name].data, "<f4").ravel() for name, _ in self.tensors]
        return replace(self, initial=np.concatenate(arrays))

    def exchanged(self, strategy: Strategy) -> int:
        """How many weights the strategy exchanges: all before its local tensors."""
        local = set(strategy.local_tensors([name for name, _ in self.tensors]))
        size = sum(size for name, size in self.tensors if name not in local)
        kept = [name in local for name, _ in self.tensors]
        if size == 0 or kept != sorted(kept):
            raise UsageError(
                f"strategy {strategy.name}: local tensors must be a tail of the weights"
            )
        return size // 4


@dataclass(frozen=True)
class Point:
    """Where a run is: rounds and visits so far, bytes of all messages, updates that the server's
    guards refused, and the metric."""

    rounds: int
    visits: int
    refused: int
    bytes_up: int
    bytes_down: int
    metric: float


def learn(twin: Twin, samples: Samples) -> None:
    """One step a sample, in order."""
    step = twin.learn_label if samples.y.dtype.kind in "iu" else twin.learn
    step(samples.x, samples.y)


def adapted(model: Model, weights: Floats, support: Samples, passes: int, rate: float) -> Twin:
    """A new device that starts from ``weights`` [n] and has learnt ``support``, ``passes`` times
    over at ``rate``. The local part, behind the exchanged weights, is as it came from the factory."""
    twin = model.library.open()
    twin.write_weights(weights.astype("<f4").tobytes())
    if passes:
        twin.learning_rate = rate
        learn(twin, support.repeated(passes))
    return twin


class Experiment:
    """A strategy at work on a fleet of twins.

    ``weights``: float32 [exchanged], the server's present version. ``local_parts``: bytes that
    devices with a name keep to themselves. ``draw`` says which devices answer, and with what.
    """

    def __init__(self, strategy: Strategy, model: Model, draw: Draw, seed: int) -> None:
        self.strategy, self.model, self._draw = strategy, model, draw
        self._exchanged = model.exchanged(strategy)
        self.weights = self.model.initial[: self._exchanged].copy()
        self._rng = np.random.default_rng(seed)
        self.local_parts: dict[str, bytes] = {}
        self._norms = deque[float](maxlen=guards.WINDOW)
        self.rounds = self.visits = self.refused = self.bytes_up = self.bytes_down = 0

    def run(self, rounds: int, metric: Callable[[Floats], float], every: int) -> Iterator[Point]:
        """Plays ``rounds`` rounds; yields a point before the first, after each ``every`` and after
        the last. ``metric`` judges the weights that a new device starts from."""
        yield self._point(metric)
        for done in range(1, rounds + 1):
            self.play_round()
            if done == rounds or done % every == 0:
                yield self._point(metric)

    def start(self) -> Floats:
        """float32 [n]: what a new device starts from; its local part is the factory's."""
        return np.concatenate([self.weights, self.model.initial[self._exchanged :]])

    def _point(self, metric: Callable[[Floats], float]) -> Point:
        figure = metric(self.start())
        return Point(self.rounds, self.visits, self.refused, self.bytes_up, self.bytes_down, figure)

    def play_round(self) -> None:
        """One round: the visits of its devices, and the aggregate of what passes the server's
        guards."""
        self.rounds += 1
        work = self.strategy.work(self.rounds)
        visits = [self._visit(work, index) for index in range(self.strategy.clients())]
        reports = [report for report in visits if report is not None]
        self.refused += len(visits) - len(reports)
        if reports:
            self.weights = self.strategy.aggregate(self.weights, reports, self.rounds)

    def _visit(self, work: Work, index: int) -> Report | None:
        samples = self._draw(self._rng, work.local_samples + work.samples)
        if len(samples) != work.local_samples + work.samples:
            raise TinylearnError(f"experiment: a device came with {len(samples)} samples, not "
                                 f"{work.local_samples + work.samples}")  # fmt: skip
        with np.errstate(invalid="ignore", over="ignore"):  # of a device that diverged
            encoding, stream = self._encoded(self._learnt(work, samples), work.share)
            self._count(len(stream))
            return self._guarded(encoding, stream, work.samples, index)

    def _guarded(
        self, encoding: Encoding, stream: bytes, samples: int, index: int
    ) -> Report | None:
        """The report, unless the coordinator's guards refuse the update."""
        crc = zlib.crc32(stream)
        try:
            delta, norm = guards.checked(
                encoding, stream, crc, self.weights, self._norms, _NORM_FACTOR
            )
        except BadInputError:
            return None
        self._norms.append(norm)
        return Report(f"{index:06d}", delta, samples)

    def _learnt(self, work: Work, samples: Samples) -> Floats:
        """float32 [exchanged]: the device's weights in the end. It keeps its local part."""
        twin = self.model.library.open()
        start = self.weights.tobytes()
        twin.write_weights(start + self._local_part(samples.device))
        twin.learning_rate = work.rate
        if work.local_samples:
            learn(twin, samples.part(0, work.local_samples))
            twin.write_weights(start)
        learn(twin, samples.part(work.local_samples).repeated(work.passes))
        content = twin.read_weights()
        twin.close()
        if samples.device:
            self.local_parts[samples.device] = content[len(start) :]
        return np.frombuffer(content[: len(start)], "<f4")

    def _local_part(self, device: str) -> bytes:
        return self.local_parts.get(device) or self.model.initial[self._exchanged :].tobytes()

    def _encoded(self, after: Floats, share: float) -> tuple[Encoding, bytes]:
        """The update's stream, as the device would send it."""
        if share >= 1:
            return Encoding.WEIGHTS, after.tobytes()
        return Encoding.SPARSE_DELTA, updates.encode_sparse(after - self.weights, share)

    def _count(self, stream_bytes: int) -> None:
        up, down = message_bytes(self.weights.nbytes, stream_bytes)
        self.visits += 1
        self.bytes_up += up
        self.bytes_down += down


def message_bytes(
    weights_bytes: int, stream_bytes: int, frame: int = FRAME_BYTES
) -> tuple[int, int]:
    """Bytes (up, down) of a visit's messages: the task, weights pulled in chunks, an update in
    pieces, and the receipt; no message is longer than ``frame``."""
    chunks, chunk_bytes = _pieces(weights_bytes, Chunk.layout.size, frame)
    pieces, piece_bytes = _pieces(stream_bytes, Update.layout.size, frame)
    pull, next_ = HEADER.size + Pull.layout.size, HEADER.size + Next.layout.size
    ends = 2 * HEADER.size + Task.layout.size + Receipt.layout.size
    return chunks * pull + piece_bytes, ends + chunk_bytes + (pieces - 1) * next_


def _pieces(size: int, layout_bytes: int, frame: int) -> tuple[int, int]:
    """Number of messages that carry ``size`` bytes, and their bytes together."""
    head = HEADER.size + layout_bytes
    count = -(-size // ((frame - head) & ~3))
    return count, size + count * head
