"""Drives one device over any transport: requests, replies, retries.

A request whose reply does not come is sent again with the same sequence number: the device
carries out a request with effects once and answers a repetition with the kept reply.
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import TracebackType
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from tinylearn.device import blob as blobs
from tinylearn.device import frames
from tinylearn.device.messages import (
    DTYPES,
    ERROR,
    FRAME_OVERHEAD,
    IS_REPLY,
    OFFSET,
    PREDICT_HEAD,
    READ_HEAD,
    Area,
    Capability,
    Cost,
    ErrorCode,
    Flag,
    Info,
    LearnMode,
    Message,
    Metrics,
    Reset,
    Setting,
    Status,
    StepReport,
    Type,
    is_unasked,
)
from tinylearn.device.transport import Transport
from tinylearn.device.values import exact
from tinylearn.errors import BadInputError, DeviceError, RefusedError, UsageError

Array = npt.NDArray[np.float32]
T = TypeVar("T")

SLOW = {Type.UPLOAD_BEGIN, Type.UPLOAD_COMMIT, Type.SAVE, Type.LOAD, Type.RESET}
"""Requests that erase or read flash: they get five times the time."""

#: pieces of a reply that are still taken when its time is over; noise may go on for ever
_LATE_READS = 1000
_ADVICE = {
    ErrorCode.VERSION: "it speaks protocol version {detail}; generate its firmware anew",
    ErrorCode.TYPE: "its firmware is older than this tinylearn; generate it anew",
    ErrorCode.LENGTH: "it expected another length; is its firmware of this tinylearn?",
    ErrorCode.AREA: "it has no such memory; was the model generated for learning?",
    ErrorCode.RANGE: "that is beyond the {detail} bytes it has there",
    ErrorCode.UNSUPPORTED: "its model or board cannot do that; see its capabilities",
    ErrorCode.VALUE: "the value makes no sense to it",
    ErrorCode.EMPTY: "there is nothing to go back to; take a snapshot or save first",
    ErrorCode.NO_STORE: "it has no memory to store weights in, or too little",
    ErrorCode.ORDER: "the upload was interrupted; start it again",
    ErrorCode.NOT_BLOB: "these bytes are no weights",
    ErrorCode.BLOB_VERSION: "the weights are of a format version that it does not know",
    ErrorCode.FOREIGN: "the weights belong to another model",
    ErrorCode.MALFORMED: "the weights' layout is not this model's",
    ErrorCode.DAMAGED: "the weights arrived damaged; send them again",
    ErrorCode.FLASH: "its flash failed; the weights it had are as they were",
    ErrorCode.TASK: "no task of a fleet is learning on it",
}


class Device:
    """A device that runs a generated model.

    ``timeout`` in seconds for one attempt, ``retries`` further attempts. ``on_message`` is given what
    the device sends unasked, its part in a fleet (``tinylearn.fleet.messages``). All methods raise
    DeviceError where the device stays silent or answers nonsense, RefusedError where it
    refuses; a refused request has changed nothing.
    """

    def __init__(self, transport: Transport, timeout: float = 2.0, retries: int = 4) -> None:
        self.transport = transport
        self.timeout = timeout
        self.retries = retries
        self._decoder = frames.Decoder()
        self._sequence = int.from_bytes(os.urandom(2), "little")
        self._replies: list[Message] = []
        self._info: Info | None = None
        self.on_message: Callable[[bytes], None] | None = None

    def __enter__(self) -> Device:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, e: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the transport."""
        self.transport.close()

    # ---- who it is, what it holds ----

    def info(self) -> Info:
        """Ask the device who it is. The device forgets the replies that it kept."""
        info = self._parsed(Info.unpack, self._request(Type.INFO))
        self._info = info
        self._info = replace(info, name=self._read(Area.NAME).decode("utf-8", "replace"))
        return self._info

    def metrics(self) -> Metrics:
        """Prequential metrics and counters."""
        return self._parsed(Metrics.unpack, self._request(Type.METRICS))

    def labels(self) -> tuple[int, ...]:
        """Label of each output in use; 0, 1, 2 … where the output cannot grow."""
        if Capability.GROW not in self._known().capabilities:
            return tuple(range(self._known().classes))
        data = self._read(Area.LABELS)
        self._check_whole(data, OFFSET.size, "LABELS")
        return struct.unpack(f"<{len(data) // 4}I", data)

    # ---- predict and learn ----

    def predict(self, x: npt.ArrayLike, observe: bool = False) -> Array:
        """Outputs for one input x of any shape; float32 [outputs].

        ``observe``: running statistics (standardisation) take x in first.
        """
        return self._predict(x, Flag.OBSERVE if observe else Flag.NONE)[0]

    def measure_predict(self, x: npt.ArrayLike) -> tuple[Array, Cost]:
        """As :meth:`predict`, with what the model's call cost."""
        return self._predict(x, Flag.MEASURE)

    def learn(
        self,
        x: npt.ArrayLike,
        *,
        label: int | None = None,
        target: npt.ArrayLike | None = None,
        measure: bool = False,
        raw: bool = False,
        task: bool = False,
    ) -> StepReport:
        """One sample with its label (uint32) or its target [outputs].

        ``raw``: the model's own step without the learner (metrics, drift, guard), for
        benchmarks; the label is then an output index. ``task``: refused unless a fleet's task is
        learning, so that a device that has just restarted learns nothing by it.
        """
        if (label is None) == (target is None):
            raise UsageError("learn: give either a label or a target")
        if label is not None and not 0 <= label < 1 << 32:
            raise UsageError(f"learn: label {label} is not within 0 .. 2^32 - 1")
        flags = (Flag.MEASURE if measure else Flag.NONE) | (Flag.RAW if raw else Flag.NONE)
        flags |= Flag.TASK if task else Flag.NONE
        self._write_values(Area.INPUT, x, self._known().inputs, "the input")
        if target is not None:
            flags |= Flag.TARGET
            self._write_values(Area.TARGET, target, self._known().outputs, "the target")
        payload = self._request(Type.LEARN, OFFSET.pack(label or 0), flags)
        return self._parsed(StepReport.unpack, payload)

    def set_learning_rate(self, rate: float) -> None:
        """Of every step from now on; not negative."""
        self._request(Type.SET, struct.pack("<f", rate), Setting.LEARNING_RATE)

    def set_mode(self, mode: LearnMode) -> None:
        """Learn never, always, or gated by the drift detector."""
        self._request(Type.SET, OFFSET.pack(mode), Setting.MODE)

    def clear_metrics(self) -> None:
        """Start the metrics anew; drift detector, gate and guard go on."""
        self._request(Type.SET, OFFSET.pack(0), Setting.CLEAR_METRICS)

    # ---- weights ----

    def read_weights(self) -> blobs.Blob:
        """The live weights with their labels."""
        info = self._known()
        table = self._read(Area.TENSORS)
        self._check_whole(table, blobs.TENSOR.size, "TENSORS")
        tensors = tuple((int(at), int(n)) for at, n in blobs.TENSOR.iter_unpack(table))
        labels = self.labels() if Capability.GROW in info.capabilities else ()
        return blobs.Blob(info.model_hash, tensors, self._read(Area.WEIGHTS), labels)

    def write_weights(self, blob: blobs.Blob | bytes) -> None:
        """Stage a blob in the device's store, have it verified there, and go over to it.

        The live weights and the store's newest change together, or not at all.
        """
        data = blob if isinstance(blob, bytes) else blob.pack()
        if len(data) < blobs.HEADER.size:
            raise BadInputError(f"weights blob: {len(data)} bytes are too few for its header")
        self._request(Type.UPLOAD_BEGIN, data[: blobs.HEADER.size])
        for offset, chunk in self._chunks(data, blobs.HEADER.size):
            self._request(Type.UPLOAD_CHUNK, OFFSET.pack(offset) + chunk)
        self._request(Type.UPLOAD_COMMIT)

    def save(self) -> None:
        """Store the live weights and labels: they are there after a restart."""
        self._request(Type.SAVE)

    def load(self) -> None:
        """Go back to the newest stored weights and labels."""
        self._request(Type.LOAD)

    def snapshot(self) -> None:
        """Keep the live weights in the guard's memory."""
        self._request(Type.SNAPSHOT)

    def rollback(self) -> None:
        """Go back to the snapshot, the device's own or one taken by :meth:`snapshot`."""
        self._request(Type.ROLLBACK)

    def reset(self, kind: Reset = Reset.PROGRAM) -> None:
        """Restart the program, or go back to the initial weights."""
        self._request(Type.RESET, flags=kind)

    # ---- messages that are no requests ----

    def pass_on(self, content: bytes) -> None:
        """Send a message that is answered, if at all, through ``on_message``."""
        self.transport.send(frames.encode(content))

    def listen(self, timeout: float) -> bool:
        """Take in what the device sends unasked, perhaps a part of a message; waits up to ``timeout`` s
        for it. False where nothing came."""
        data = self.transport.receive(timeout)
        self._take_in(data)
        self._replies.clear()
        return bool(data)

    # ---- transfers ----

    def _known(self) -> Info:
        return self._info or self.info()

    def _chunks(self, data: bytes, start: int = 0) -> Iterator[tuple[int, bytes]]:
        room = (self._known().frame_bytes - FRAME_OVERHEAD - OFFSET.size) & ~3
        for offset in range(start, len(data), room):
            yield offset, data[offset : offset + room]

    def _write_values(self, area: Area, values: npt.ArrayLike, count: int, what: str) -> None:
        dtype = self._known().input_dtype if area is Area.INPUT else DTYPES[0]
        array = exact(values, dtype, self.transport.name).ravel()
        if array.size != count:
            raise UsageError(f"{self.transport.name}: {what} has {array.size} values, not {count}")
        for offset, chunk in self._chunks(array.tobytes()):
            self._request(Type.WRITE, OFFSET.pack(offset) + chunk, area)

    def _read(self, area: Area, start: bytes = b"") -> bytes:
        """All bytes of an area, of which the first are known already."""
        data = bytearray(start)
        while True:
            payload = self._request(Type.READ, OFFSET.pack(len(data)), area)
            if len(payload) < READ_HEAD.size:
                raise DeviceError(f"{self.transport.name}: a READ reply is too short")
            offset, size = READ_HEAD.unpack_from(payload)
            new = payload[READ_HEAD.size :]
            if offset == len(data) and offset + len(new) == size:
                return bytes(data + new)
            data += new
            if offset + len(new) != len(data) or not new or len(data) > size:
                raise DeviceError(f"{self.transport.name}: reading {area.name} makes no progress")

    def _check_whole(self, data: bytes, size: int, what: str) -> None:
        if len(data) % size:
            raise DeviceError(
                f"{self.transport.name}: {what} holds {len(data)} bytes, not n * {size}"
            )

    def _predict(self, x: npt.ArrayLike, flags: Flag) -> tuple[Array, Cost]:
        info = self._known()
        self._write_values(Area.INPUT, x, info.inputs, "the input")
        payload = self._request(Type.PREDICT, flags=flags)
        if len(payload) < PREDICT_HEAD.size:
            raise DeviceError(f"{self.transport.name}: a PREDICT reply is too short")
        status, _, ticks, stack = PREDICT_HEAD.unpack_from(payload)
        if status == Status.REFUSED:
            raise RefusedError(f"{self.transport.name}: the input is not finite; not observed")
        outputs = payload[PREDICT_HEAD.size :]
        dtype = np.dtype(info.output_dtype)
        if len(outputs) < dtype.itemsize * info.outputs:
            outputs = self._read(Area.OUTPUT, outputs)
        if len(outputs) != dtype.itemsize * info.outputs:
            raise DeviceError(
                f"{self.transport.name}: {len(outputs)} bytes for {info.outputs} outputs"
            )
        return np.frombuffer(outputs, dtype), Cost(ticks, stack)

    # ---- one request ----

    def _request(self, kind: Type, payload: bytes = b"", flags: int = 0) -> bytes:
        """Payload of the reply."""
        self._sequence = (self._sequence + 1) & 0xFFFF
        request = Message(kind, self._sequence, payload, flags)
        frame = frames.encode(request.pack())
        for _ in range(1 + self.retries):
            self.transport.send(frame)
            reply = self._await(request)
            if reply is not None:
                return self._checked(request, reply)
        raise DeviceError(
            f"{self.transport.name}: no answer to {kind.name} in {1 + self.retries} attempts of "
            f"{self._patience(kind):g} s; is it running, and is this the right line?"
        )

    def _patience(self, kind: int) -> float:
        return self.timeout * (5 if kind in SLOW else 1)

    def _await(self, request: Message) -> Message | None:
        """What has come by the end is looked at in any case: it is this process that may have slept."""
        deadline, late = time.monotonic() + self._patience(request.type), 0
        while late < _LATE_READS:
            while self._replies:
                reply = self._replies.pop(0)
                if _answers(reply, request):
                    return reply
            left = deadline - time.monotonic()
            data = self.transport.receive(max(left, 0.0))
            if left <= 0 and not data:
                return None
            late += left <= 0
            self._take_in(data)
        return None

    def _take_in(self, data: bytes) -> None:
        for content in self._decoder.feed(data):
            message = self._parsed(Message.unpack, content)
            if not is_unasked(message.type):
                self._replies.append(message)
            elif self.on_message is not None:
                self.on_message(content)

    def _parsed(self, unpack: Callable[[bytes], T], payload: bytes) -> T:
        try:
            return unpack(payload)
        except BadInputError as e:
            raise DeviceError(f"{self.transport.name}: {e}; generate its firmware anew") from e

    def _checked(self, request: Message, reply: Message) -> bytes:
        if reply.type != Type.ERROR:
            return reply.payload
        kind = Type(request.type).name
        if len(reply.payload) != ERROR.size:
            raise DeviceError(f"{self.transport.name}: refused {kind} in a way that is unknown")
        code, _, detail = ERROR.unpack(reply.payload)
        if code not in set(ErrorCode):
            raise DeviceError(f"{self.transport.name}: refused {kind} with unknown code {code}")
        advice = _ADVICE[ErrorCode(code)].format(detail=detail)
        raise RefusedError(f"{self.transport.name}: refused {kind}: {advice}")


def _answers(reply: Message, request: Message) -> bool:
    """Late replies to earlier requests, and echoes of requests, do not."""
    if reply.sequence != request.sequence:
        return False
    return reply.type == Type.ERROR or reply.type == request.type | IS_REPLY
