"""Host twins: the generated C in this process, as any number of devices.

A twin rounds as its target does and speaks the device protocol, so its trajectory is the
board's. For speed it also has direct calls on whole arrays. Calls release the GIL; calls on
one twin are serialised, different twins run in parallel.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinylearn.device.build import build_twin
from tinylearn.device.messages import DTYPES, Loss
from tinylearn.device.values import exact
from tinylearn.errors import DeviceError, RefusedError, UsageError

_DECLARATIONS = """
typedef struct twin twin_t;
typedef struct {
  uint32_t inputs, outputs, weights_bytes, state_bytes, max_classes, loss;
  uint32_t can_learn, input_type, output_type, frame_bytes;
  uint8_t hash[16];
  const char *name;
} twin_info_t;
void twin_info(twin_info_t *info);
twin_t *twin_open(void);
void twin_close(twin_t *twin);
void twin_restart(twin_t *twin);
void twin_send(twin_t *twin, const uint8_t *bytes, size_t n);
size_t twin_waiting(const twin_t *twin);
size_t twin_receive(twin_t *twin, uint8_t *to, size_t n);
void twin_init(twin_t *twin);
int twin_predict(twin_t *twin, const void *x, void *y, size_t n);
int twin_observe(twin_t *twin, const void *x, void *y, size_t n);
int twin_update(twin_t *twin, const void *x, const float *t, float *losses, size_t n);
int twin_learn(twin_t *twin, const void *x, const float *t, float *losses, size_t n);
int twin_update_label(twin_t *twin, const void *x, const uint32_t *l, float *losses, size_t n);
int twin_learn_label(twin_t *twin, const void *x, const uint32_t *l, float *losses, size_t n);
int twin_read(const twin_t *twin, uint32_t offset, void *to, uint32_t n);
int twin_write(twin_t *twin, uint32_t offset, const void *from, uint32_t n);
int twin_set_rate(twin_t *twin, float rate);
float twin_rate(const twin_t *twin);
uint32_t twin_classes(const twin_t *twin);
int twin_add_class(twin_t *twin);
size_t twin_fleet_take(twin_t *twin, const uint8_t *in, size_t n, uint8_t *out, size_t room);
size_t twin_fleet_announce(const twin_t *twin, uint32_t births, uint32_t free_ram, uint8_t *out,
                           size_t room);
int twin_fleet_phase(const twin_t *twin);
size_t twin_fleet_learn(twin_t *twin, const void *x, const float *t, const uint32_t *labels,
                        size_t n, size_t *used, uint8_t *out, size_t room);
"""

_LOST = 2**64 - 1
#: what a twin takes and sends at once where the caller does not say: the most that an ANNOUNCE can tell
ROOM = 0xFFFF
#: least that any message of the fleet fits in
_LEAST_ROOM = 72
_LEARNING = 2  # tl_phase_t

Floats = NDArray[np.float32]


@cache
def _foreign() -> Any:
    from cffi import FFI

    ffi = FFI()
    ffi.cdef(_DECLARATIONS)
    return ffi


@dataclass(frozen=True)
class TwinInfo:
    """The model of a twin library. Sizes in bytes; inputs and outputs in elements."""

    name: str
    hash: bytes
    inputs: int
    outputs: int
    weights_bytes: int
    state_bytes: int
    max_classes: int
    loss: int
    can_learn: bool
    input_dtype: str
    output_dtype: str
    frame_bytes: int


class TwinLibrary:
    """A compiled project. ``open`` makes a new device of it."""

    def __init__(self, path: Path) -> None:
        """Loads the library; raises DeviceError where the host refuses it."""
        self.ffi = _foreign()
        try:
            self.lib = self.ffi.dlopen(str(path))
        except OSError as error:
            raise DeviceError(f"twin library {path}: cannot be loaded ({error})") from None
        self.info = self._read_info()
        self.uncleared = self.ffi.new_allocator(should_clear_after_alloc=False)

    def _read_info(self) -> TwinInfo:
        got = self.ffi.new("twin_info_t *")
        self.lib.twin_info(got)
        return TwinInfo(
            self.ffi.string(got.name).decode(), bytes(got.hash), got.inputs, got.outputs,
            got.weights_bytes, got.state_bytes, got.max_classes, got.loss, bool(got.can_learn),
            DTYPES[got.input_type], DTYPES[got.output_type],
            got.frame_bytes,
        )  # fmt: skip

    def open(self, name: str = "") -> Twin:
        """A device with initial weights and erased flash, in 0.01 ms and a few kB."""
        return Twin(self, name or f"twin of {self.info.name}")


def load_twin(folder: Path, name: str, target: str) -> TwinLibrary:
    """Compiles the project for this host, unless that has been done, and loads it."""
    return TwinLibrary(build_twin(folder, name, target))


class Twin:
    """One device in this process: a ``Transport``, and direct calls on its model."""

    def __init__(self, library: TwinLibrary, name: str) -> None:
        self.name = name
        self.info = library.info
        self._ffi, self._lib = library.ffi, library.lib
        self._uncleared = library.uncleared
        pointer = self._lib.twin_open()
        if pointer == self._ffi.NULL:
            raise DeviceError(f"{name}: not enough memory for another twin")
        self._twin = self._ffi.gc(pointer, self._lib.twin_close)
        self._arrived = threading.Condition(threading.Lock())
        self._closed = False

    # ---- Transport ----

    def send(self, data: bytes) -> None:
        """Feeds bytes to the device, which answers before this returns."""
        with self._arrived:
            self._require_open()
            self._lib.twin_send(self._twin, data, len(data))
            self._arrived.notify_all()

    def receive(self, timeout: float) -> bytes:
        """What the device has answered; waits up to ``timeout`` s for another thread's send."""
        with self._arrived:
            self._require_open()
            if self._lib.twin_waiting(self._twin) == 0 and timeout > 0:
                self._arrived.wait(timeout)
                self._require_open()
            return self._take()

    def _take(self) -> bytes:
        n = self._lib.twin_waiting(self._twin)
        if n == _LOST:
            raise DeviceError(f"{self.name}: not enough memory for its answers")
        if n == 0:
            return b""
        buffer = self._ffi.new("uint8_t[]", n)
        return bytes(self._ffi.buffer(buffer, self._lib.twin_receive(self._twin, buffer, n)))

    def close(self) -> None:
        """Frees the device's memory."""
        with self._arrived:
            if not self._closed:
                self._closed = True
                self._ffi.release(self._twin)
            self._arrived.notify_all()

    def _require_open(self) -> None:
        if self._closed:
            raise DeviceError(f"{self.name}: is closed")

    # ---- direct calls ----

    def restart(self) -> None:
        """As after power-on; the weights stored in flash are loaded."""
        self._call(lambda: self._lib.twin_restart(self._twin))

    def init(self) -> None:
        """Initial weights."""
        self._call(lambda: self._lib.twin_init(self._twin))

    def predict(self, x: ArrayLike) -> Floats:
        """[n, inputs] (or [inputs]) -> [n, outputs] (or [outputs]), of the model's types."""
        return self._forward(self._lib.twin_predict, x)

    def observe(self, x: ArrayLike) -> Floats:
        """As ``predict``; running statistics take each sample in first."""
        return self._forward(self._lib.twin_observe, x)

    def update(self, x: ArrayLike, target: ArrayLike) -> Floats:
        """One SGD step for the sample of the last ``predict``; the loss before it, [1]."""
        return self._learn(self._lib.twin_update, x, self._rows(target, self.info.outputs))

    def update_label(self, x: ArrayLike, label: ArrayLike) -> Floats:
        """As ``update`` with an output index as target."""
        return self._learn(self._lib.twin_update_label, x, self._labels(label))

    def learn(self, x: ArrayLike, target: ArrayLike) -> Floats:
        """Predict and update, sample by sample; float32 [n] losses before each step (NaN where
        a sample was refused). x [n, inputs], target [n, outputs]."""
        return self._learn(self._lib.twin_learn, x, self._rows(target, self.info.outputs))

    def learn_label(self, x: ArrayLike, label: ArrayLike) -> Floats:
        """As ``learn`` with output indices [n] as targets."""
        return self._learn(self._lib.twin_learn_label, x, self._labels(label))

    def read_weights(self) -> bytes:
        """All weights, in the layout of the project's info file."""
        weights = bytearray(self.info.weights_bytes)
        buffer = self._ffi.from_buffer(weights)
        if weights:
            self._check(
                self._call(lambda: self._lib.twin_read(self._twin, 0, buffer, len(weights)))
            )
        return bytes(weights)

    def write_weights(self, data: bytes, offset: int = 0) -> None:
        """Replaces weights from a byte offset on; raises RefusedError beyond their end."""
        if offset < 0 or offset + len(data) > self.info.weights_bytes:
            raise RefusedError(f"{self.name}: has {self.info.weights_bytes} bytes of weights, "
                               f"not {offset + len(data)}")  # fmt: skip
        self._check(self._call(lambda: self._lib.twin_write(self._twin, offset, data, len(data))))

    @property
    def learning_rate(self) -> float:
        """Step size of SGD."""
        return float(self._call(lambda: self._lib.twin_rate(self._twin)))

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        self._check(self._call(lambda: self._lib.twin_set_rate(self._twin, rate)))

    @property
    def classes(self) -> int:
        """Outputs in use."""
        return int(self._call(lambda: self._lib.twin_classes(self._twin)))

    def add_class(self) -> int:
        """Takes another output into use; its index. Raises RefusedError where none is left."""
        index = int(self._call(lambda: self._lib.twin_add_class(self._twin)))
        if index < 0:
            raise RefusedError(f"{self.name}: has no output left for another class")
        return index

    # ---- the fleet's messages; see tinylearn/fleet/messages.py ----

    def fleet(self, content: bytes, room: int = ROOM) -> bytes | None:
        """One message of the coordinator in; the device's answer, if it has one.

        ``room``: most bytes of a message that the device can take and send, at least 72.
        """
        arguments = (content, len(content))
        return self._message(self._lib.twin_fleet_take, arguments, room)

    def announce(self, births: int = 0, free_ram: int = 0, frame_bytes: int = ROOM) -> bytes:
        """The device's ANNOUNCE; ``frame_bytes`` is the room for its messages."""
        arguments = (births, free_ram)
        return self._message(self._lib.twin_fleet_announce, arguments, frame_bytes) or b""

    def fleet_learn(self, x: ArrayLike, y: ArrayLike, room: int = ROOM) -> tuple[int, bytes | None]:
        """Teaches samples, one after the other, while the fleet's task wants them.

        x [n, inputs]; y labels, integers [n], or targets [n, outputs]. Ends early where the device
        has something to send. Returns the samples used, and that message.
        """
        rows, targets, labels = self._samples(x, y)
        used = self._ffi.new("size_t *")
        arguments = (self._ffi.from_buffer(rows), targets, labels, len(rows), used)
        message = self._message(self._lib.twin_fleet_learn, arguments, room)
        return int(used[0]), message

    @property
    def is_wanting_samples(self) -> bool:
        """Whether the fleet's task learns at present."""
        return bool(self._call(lambda: self._lib.twin_fleet_phase(self._twin)) == _LEARNING)

    def _samples(self, x: ArrayLike, y: ArrayLike) -> tuple[NDArray[Any], Any, Any]:
        """Inputs, and pointers to targets or labels, of which one is NULL."""
        rows, null = self._inputs(x), self._ffi.NULL
        by_label = np.asarray(y).dtype.kind in "iu" and self.info.loss != Loss.MSE
        wanted = self._labels(y) if by_label else self._rows(y, self.info.outputs)
        if len(wanted) != len(rows):
            raise UsageError(f"{self.name}: {len(rows)} samples but {len(wanted)} targets")
        kind = "uint32_t[]" if by_label else "float[]"
        pointer = self._ffi.from_buffer(kind, wanted)
        return rows, null if by_label else pointer, pointer if by_label else null

    def _message(self, function: Callable[..., int], arguments: Any, room: int) -> bytes | None:
        if room < _LEAST_ROOM:
            raise UsageError(f"{self.name}: fleet messages need {_LEAST_ROOM} bytes, not {room}")
        out = self._uncleared("uint8_t[]", room)
        n = self._call(lambda: function(self._twin, *arguments, out, room))
        return bytes(self._ffi.buffer(out, n)) if n else None

    # ---- arrays in and out of C ----

    def _call(self, function: Callable[[], Any]) -> Any:
        with self._arrived:
            self._require_open()
            return function()

    def _check(self, result: int) -> None:
        if result != 0:
            raise RefusedError(f"{self.name}: its model cannot do that; was it generated to learn?")

    def _rows(self, values: ArrayLike, width: int) -> Floats:
        """float32 [n, width], contiguous; raises UsageError for another size."""
        return self._shaped(np.ascontiguousarray(values, dtype=np.float32), width)

    def _inputs(self, x: ArrayLike) -> NDArray[Any]:
        """As ``_rows``, of the model's own type."""
        return self._shaped(exact(x, self.info.input_dtype, self.name), self.info.inputs)

    def _shaped(self, rows: NDArray[Any], width: int) -> NDArray[Any]:
        if rows.size % width or rows.size == 0:
            raise UsageError(f"{self.name}: takes {width} values a sample, not {rows.size}")
        return rows.reshape(-1, width)

    def _labels(self, values: ArrayLike) -> NDArray[np.uint32]:
        labels = np.atleast_1d(np.asarray(values))
        if labels.dtype.kind not in "iu" or np.any(labels < 0) or np.any(labels >= 2**32):
            raise UsageError(f"{self.name}: labels are whole numbers from 0 on")
        return np.ascontiguousarray(labels, dtype=np.uint32)

    def _floats(self, array: Floats) -> Any:
        return self._ffi.from_buffer("float[]", array)

    def _forward(self, function: Callable[..., int], x: ArrayLike) -> Floats:
        rows = self._inputs(x)
        y = np.empty((len(rows), self.info.outputs), self.info.output_dtype)
        arguments = (self._ffi.from_buffer(rows), self._ffi.from_buffer(y), len(rows))
        self._check(self._call(lambda: function(self._twin, *arguments)))
        return y if np.size(x) != self.info.inputs or np.ndim(x) > 1 else y[0]

    def _learn(self, function: Callable[..., int], x: ArrayLike, target: NDArray[Any]) -> Floats:
        rows = self._inputs(x)
        if len(rows) != len(target):
            raise UsageError(f"{self.name}: {len(rows)} samples but {len(target)} targets")
        losses = np.empty(len(rows), np.float32)
        kind = "uint32_t[]" if target.dtype == np.uint32 else "float[]"
        arguments = (self._ffi.from_buffer(rows), self._ffi.from_buffer(kind, target))
        self._check(
            self._call(lambda: function(self._twin, *arguments, self._floats(losses), len(rows)))
        )
        return losses
