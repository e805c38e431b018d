"""Numbers and layouts of the device protocol: the host's copy of ``firmware/src/tl_message.h``.

Everything is little-endian. ``firmware/FORMAT.md`` draws each message.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from enum import IntEnum, IntFlag
from typing import Any

from tinylearn.errors import BadInputError

PROTOCOL_VERSION = 1
HEADER = struct.Struct("<BBHHH")  # version, type, sequence, payload length, flags
FRAME_OVERHEAD = HEADER.size + 4  # with the CRC
OFFSET = struct.Struct("<I")
READ_HEAD = struct.Struct("<II")  # offset, size of the area
PREDICT_HEAD = struct.Struct("<BxHII")  # status, outputs in use, instructions, stack
STEP = struct.Struct("<BBHIfII")
ERROR = struct.Struct("<BBxxI")
INFO = struct.Struct("<BBHHHIIIIIHH16s")
METRICS = struct.Struct("<IIIIIfffffHBBI")
NO_OUTPUT = 0xFFFF
IS_REPLY = 0x80
_UNASKED = range(0x20, 0x40)


def is_unasked(kind: int) -> bool:
    """Whether a message of this type comes without a request: those of ``tinylearn.fleet``."""
    return kind in _UNASKED


class Type(IntEnum):
    """Requests; a reply is its request's number + ``IS_REPLY``, or ERROR."""

    INFO = 1
    READ = 2
    WRITE = 3
    PREDICT = 4
    LEARN = 5
    SET = 6
    METRICS = 7
    SNAPSHOT = 8
    ROLLBACK = 9
    UPLOAD_BEGIN = 10
    UPLOAD_CHUNK = 11
    UPLOAD_COMMIT = 12
    SAVE = 13
    LOAD = 14
    RESET = 15
    ERROR = 0xFF


class Area(IntEnum):
    """What READ reads and WRITE writes."""

    INPUT = 1
    TARGET = 2
    OUTPUT = 3
    WEIGHTS = 4
    TENSORS = 5
    LABELS = 6
    NAME = 7


class Flag(IntFlag):
    """How PREDICT and LEARN run."""

    NONE = 0
    MEASURE = 1
    RAW = 2
    TARGET = 4
    OBSERVE = 8
    TASK = 16


class Setting(IntEnum):
    """Keys of SET."""

    LEARNING_RATE = 1
    MODE = 2
    CLEAR_METRICS = 3


class LearnMode(IntEnum):
    """When the device learns."""

    NEVER = 0
    ALWAYS = 1
    GATED = 2


class Reset(IntEnum):
    """Kinds of RESET: restart the program, initial weights, initial weights and empty store."""

    PROGRAM = 0
    WEIGHTS = 1
    FACTORY = 2


class Capability(IntFlag):
    """What a device can do, from INFO."""

    NONE = 0
    LEARN = 1
    GROW = 2
    STORE = 4
    SNAPSHOT = 8
    COUNT = 16
    STACK = 32
    RESTART = 64


#: NumPy types of x and y by their number in INFO
DTYPES = ("<f4", "|i1", "|u1")
_INPUT_TYPE_SHIFT, _OUTPUT_TYPE_SHIFT, _TYPE_MASK = 8, 10, 3


class Loss(IntEnum):
    """How the model's loss reads its target."""

    NONE = 0
    MSE = 1
    BINARY = 2
    CATEGORICAL = 3


class Status(IntEnum):
    """What became of a sample."""

    OK = 0
    REFUSED = 1
    FULL = 2
    UNKNOWN_LABEL = 3


class Event(IntFlag):
    """What happened with a sample besides."""

    NONE = 0
    LEARNED = 1
    HIT = 2
    DRIFT = 4
    NEW_CLASS = 8
    SNAPSHOT = 16
    ROLL_BACK = 32
    GATE_OPEN = 64


class ErrorCode(IntEnum):
    """Codes of ERROR."""

    VERSION = 1
    TYPE = 2
    LENGTH = 3
    AREA = 4
    RANGE = 5
    UNSUPPORTED = 6
    VALUE = 7
    EMPTY = 8
    NO_STORE = 9
    ORDER = 10
    NOT_BLOB = 11
    BLOB_VERSION = 12
    FOREIGN = 13
    MALFORMED = 14
    DAMAGED = 15
    FLASH = 16
    TASK = 17


@dataclass(frozen=True)
class Message:
    """One message, either way."""

    type: int
    sequence: int
    payload: bytes = b""
    flags: int = 0

    def pack(self) -> bytes:
        """Header and payload: the content of a frame."""
        size = len(self.payload)
        header = HEADER.pack(PROTOCOL_VERSION, self.type, self.sequence, size, self.flags)
        return header + self.payload

    @classmethod
    def unpack(cls, content: bytes) -> Message:
        """From the content of a frame. Raises BadInputError where it is no message."""
        if len(content) < HEADER.size:
            raise BadInputError(f"message: {len(content)} bytes are too few for a header")
        version, kind, sequence, size, flags = HEADER.unpack_from(content)
        if version != PROTOCOL_VERSION:
            raise BadInputError(f"message: protocol version {version}, not {PROTOCOL_VERSION}")
        if size != len(content) - HEADER.size:
            raise BadInputError("message: its length is not what its header says")
        return cls(kind, sequence, content[HEADER.size :], flags)


def unpack(layout: struct.Struct, payload: bytes, what: str) -> tuple[Any, ...]:
    """Fields of a reply. Raises BadInputError where the payload has another length."""
    if len(payload) != layout.size:
        raise BadInputError(f"{what} reply: {len(payload)} bytes, expected {layout.size}")
    return layout.unpack(payload)


def _dtype(number: int) -> str:
    number &= _TYPE_MASK
    if number >= len(DTYPES):
        raise BadInputError(f"INFO reply: element type {number} is none that tinylearn knows")
    return DTYPES[number]


@dataclass(frozen=True)
class Info:
    """Who the device is. Sizes in bytes, inputs and outputs in elements, of
    NumPy types ``input_dtype`` and ``output_dtype``."""

    api_version: int
    loss: Loss
    max_classes: int
    frame_bytes: int
    capabilities: Capability
    inputs: int
    outputs: int
    weights_bytes: int
    state_bytes: int
    session_bytes: int
    tensor_count: int
    classes: int
    model_hash: bytes
    name: str = ""
    input_dtype: str = DTYPES[0]
    output_dtype: str = DTYPES[0]

    @classmethod
    def unpack(cls, payload: bytes) -> Info:
        """From an INFO reply, without the name. Raises BadInputError."""
        api, loss, *rest = unpack(INFO, payload, "INFO")
        if loss not in set(Loss):
            raise BadInputError(f"INFO reply: loss {loss} is none that tinylearn knows")
        most, frame, can, *sizes = rest
        known = Capability(can & ((1 << _INPUT_TYPE_SHIFT) - 1))
        info = cls(api, Loss(loss), most, frame, known, *sizes)
        info = replace(info, input_dtype=_dtype(can >> _INPUT_TYPE_SHIFT),
                       output_dtype=_dtype(can >> _OUTPUT_TYPE_SHIFT))  # fmt: skip
        if frame < FRAME_OVERHEAD + INFO.size:
            raise BadInputError(f"INFO reply: frames of {frame} bytes are too small")
        return info


@dataclass(frozen=True)
class Cost:
    """What a call cost: counter ticks (instructions or cycles) and stack bytes; 0 unknown."""

    instructions: int
    stack_bytes: int


@dataclass(frozen=True)
class StepReport:
    """One sample as the device saw it. ``loss`` is that before learning.

    ``output``: predicted class as index of an output, ``label``: its label; None for a
    regression, for a sample that was refused, and in a raw step.
    """

    status: Status
    events: Event
    output: int | None
    label: int | None
    loss: float
    cost: Cost

    @classmethod
    def unpack(cls, payload: bytes) -> StepReport:
        """From a LEARN reply. Raises BadInputError."""
        status, events, output, label, loss, ticks, stack = unpack(STEP, payload, "LEARN")
        if status not in set(Status):
            raise BadInputError(f"LEARN reply: status {status} is none that tinylearn knows")
        if output == NO_OUTPUT:
            output = label = None
        return cls(Status(status), Event(events), output, label, loss, Cost(ticks, stack))

    @property
    def learned(self) -> bool:
        """The weights took the sample in."""
        return Event.LEARNED in self.events

    @property
    def hit(self) -> bool:
        """The class was predicted right."""
        return Event.HIT in self.events

    @property
    def drift(self) -> bool:
        """A drift of the stream was detected at this sample."""
        return Event.DRIFT in self.events


@dataclass(frozen=True)
class Metrics:
    """Prequential metrics: each sample is tested before it is learnt.

    ``recent_*`` are fading averages, ``mean_*`` those over all samples. ``error``: share of
    wrong predictions, or the mean absolute error of a regression.
    """

    samples: int
    learned: int
    refused: int
    drifts: int
    roll_backs: int
    recent_loss: float
    mean_loss: float
    recent_error: float
    mean_error: float
    learning_rate: float
    classes: int
    mode: LearnMode
    gate_open: bool
    snapshot_held: bool
    bad_frames: int

    @classmethod
    def unpack(cls, payload: bytes) -> Metrics:
        """From a METRICS reply. Raises BadInputError."""
        fields = unpack(METRICS, payload, "METRICS")
        mode, state, bad = fields[11:]
        if mode not in set(LearnMode):
            raise BadInputError(f"METRICS reply: mode {mode} is none that tinylearn knows")
        states = LearnMode(mode), bool(state & 1), bool(state & 2), bad
        values: tuple[Any, ...] = (*fields[:11], *states)
        return cls(*values)
