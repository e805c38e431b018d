"""Messages between coordinator and devices: the host's copy of ``firmware/src/tl_fleet_message.h``.

A message is the header of the device protocol and a body, everything little-endian; drawn byte
by byte in ``firmware/FORMAT.md``, section 6. MQTT carries one a payload, a serial line one a frame.
The device is reactive: each message down is answered by what it needs next, so that a message sent
again never does harm and the device needs no clock.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, fields
from enum import IntEnum, IntFlag
from typing import Any, ClassVar, TypeVar

from tinylearn.device.messages import HEADER, Message
from tinylearn.errors import BadInputError

#: largest message, header and body: the header's length field has 16 bits
MOST_BYTES = HEADER.size + 0xFFFF

B = TypeVar("B", bound="Body")


class Capability(IntFlag):
    """What a device can do, from ANNOUNCE."""

    NONE = 0
    LEARN = 1
    STORE = 4
    SPARSE = 8


class TaskFlag(IntFlag):
    """How a task is to be done."""

    NONE = 0
    SPARSE = 1
    INLINE = 2


class Encoding(IntEnum):
    """What the stream of an update holds; see ``updates``."""

    WEIGHTS = 0
    SPARSE_DELTA = 1


class Phase(IntEnum):
    """Where a device is with its task."""

    IDLE = 0
    PULLING = 1
    LEARNING = 2
    SENDING = 3
    DONE = 4


class Verdict(IntEnum):
    """What became of an update, told by its receipt."""

    ACCEPTED = 0
    LATE = 1
    STALE = 2
    FOREIGN = 3
    REFUSED = 4
    ENDED = 5


class Fault(IntEnum):
    """Why a device cannot do what it was asked."""

    VERSION = 1
    TYPE = 2
    LENGTH = 3
    MODEL = 4
    UNSUPPORTED = 5
    DAMAGED = 6
    STORE = 7
    DIVERGED = 8


@dataclass(frozen=True)
class Body:
    """Base of all bodies: ``kind`` is the type in the header, ``layout`` of the fixed fields, in order. Where
    ``has_data``, the last field ``data`` takes the rest of the message."""

    kind: ClassVar[int]
    layout: ClassVar[struct.Struct]
    has_data: ClassVar[bool] = False

    def pack(self, sequence: int = 0) -> bytes:
        """The whole message."""
        values = [getattr(self, field.name) for field in fields(self)]
        data = values.pop() if self.has_data else b""
        return Message(self.kind, sequence, self.layout.pack(*values) + data).pack()

    @classmethod
    def unpack(cls: type[B], payload: bytes) -> B:
        """From a message's body. Raises BadInputError where its length or a value is wrong."""
        size = cls.layout.size
        if len(payload) < size or (len(payload) > size and not cls.has_data):
            raise BadInputError(f"{cls.__name__}: {len(payload)} bytes, expected {size}")
        values: list[Any] = list(cls.layout.unpack_from(payload))
        if cls.has_data:
            values.append(bytes(payload[size:]))
        try:
            return cls(*values)
        except ValueError as error:
            raise BadInputError(f"{cls.__name__}: {error}") from None


# ---- up: from a device ----


@dataclass(frozen=True)
class Announce(Body):
    """Who is there. ``capabilities``, ``frame_bytes`` the largest message that it takes,
    ``free_ram``, ``weights_bytes`` and ``model_hash`` tell what it can do; ``births`` counts its
    starts; ``deployed`` is the version in its store; ``run``, ``round`` name the task it is in."""

    kind: ClassVar[int] = 0x20
    layout: ClassVar[struct.Struct] = struct.Struct("<HHIIIIII16s")

    capabilities: Capability
    frame_bytes: int
    free_ram: int
    weights_bytes: int
    births: int
    deployed: int
    run: int
    round: int
    model_hash: bytes

    def __post_init__(self) -> None:
        object.__setattr__(self, "capabilities", Capability(self.capabilities & 13))


@dataclass(frozen=True)
class Pull(Body):
    """Asks for ``room`` bytes of the weights of a version from ``offset`` on."""

    kind: ClassVar[int] = 0x21
    layout: ClassVar[struct.Struct] = struct.Struct("<IIIIHxx")

    run: int
    round: int
    version: int
    offset: int
    room: int


@dataclass(frozen=True)
class Update(Body):
    """A piece of an update: ``data`` at ``offset`` of a stream of ``total`` bytes with CRC-32
    ``crc``, the same in every piece. ``samples`` learnt, ``loss`` their mean before each step."""

    kind: ClassVar[int] = 0x22
    layout: ClassVar[struct.Struct] = struct.Struct("<IIHHIIIIf")
    has_data: ClassVar[bool] = True

    run: int
    round: int
    attempt: int
    encoding: Encoding
    offset: int
    total: int
    crc: int
    samples: int
    loss: float
    data: bytes

    def __post_init__(self) -> None:
        object.__setattr__(self, "encoding", Encoding(self.encoding))


@dataclass(frozen=True)
class Progress(Body):
    """Where a device is with a task, and how well it does: ``loss`` and ``error`` are its
    learner's fading averages."""

    kind: ClassVar[int] = 0x23
    layout: ClassVar[struct.Struct] = struct.Struct("<IIHBxIffI")

    run: int
    round: int
    attempt: int
    phase: Phase
    samples: int
    loss: float
    error: float
    free_ram: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "phase", Phase(self.phase))


@dataclass(frozen=True)
class Deployed(Body):
    """The version that a device now has in its store, with the fault that kept it from a newer
    one (0: none)."""

    kind: ClassVar[int] = 0x24
    layout: ClassVar[struct.Struct] = struct.Struct("<IBxxx")

    version: int
    fault: int


@dataclass(frozen=True)
class Gone(Body):
    """The will of a device: the connection of its start number ``births`` is lost."""

    kind: ClassVar[int] = 0x25
    layout: ClassVar[struct.Struct] = struct.Struct("<I")

    births: int


@dataclass(frozen=True)
class Refusal(Body):
    """A device cannot do what it was asked: the message's type, and a detail by fault."""

    kind: ClassVar[int] = 0x2F
    layout: ClassVar[struct.Struct] = struct.Struct("<BBxxIII")

    fault: Fault
    request: int
    detail: int
    run: int
    round: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "fault", Fault(self.fault))


# ---- down: from the coordinator ----


@dataclass(frozen=True)
class Task(Body):
    """Learn ``samples`` samples ``passes`` times from ``version``, at ``rate``.

    Of the weights the bytes ``first`` .. ``first + size`` are exchanged, both multiples of 4;
    ``crc`` is theirs. With ``local_samples`` the rest, the local part, is learnt first on so many
    samples; then the exchanged part is put back to the version. ``share`` of the exchanged weights,
    those that moved most, come back where SPARSE. With INLINE ``data`` holds the bytes of the version.
    """

    kind: ClassVar[int] = 0x30
    layout: ClassVar[struct.Struct] = struct.Struct("<IIHHIIIIIHHffI16s")
    has_data: ClassVar[bool] = True

    run: int
    round: int
    attempt: int
    flags: TaskFlag
    version: int
    first: int
    size: int
    crc: int
    samples: int
    passes: int
    local_samples: int
    rate: float
    share: float
    deadline_ms: int
    model_hash: bytes
    data: bytes = b""

    def __post_init__(self) -> None:
        object.__setattr__(self, "flags", TaskFlag(self.flags & 3))


@dataclass(frozen=True)
class Chunk(Body):
    """Bytes of a version's weights from ``offset`` (within what is exchanged) on."""

    kind: ClassVar[int] = 0x31
    layout: ClassVar[struct.Struct] = struct.Struct("<II")
    has_data: ClassVar[bool] = True

    version: int
    offset: int
    data: bytes


def chunk(data: bytes, asked: Pull) -> Chunk:
    """The bytes that a device asks for, as many as it has room for."""
    room = min(asked.room, 0xFFFF - Chunk.layout.size)
    return Chunk(asked.version, asked.offset, data[asked.offset : asked.offset + room])


@dataclass(frozen=True)
class Next(Body):
    """The offset of an update that should come next."""

    kind: ClassVar[int] = 0x32
    layout: ClassVar[struct.Struct] = struct.Struct("<III")

    run: int
    round: int
    offset: int


@dataclass(frozen=True)
class Receipt(Body):
    """What became of the update of a task, durably. The device may forget it."""

    kind: ClassVar[int] = 0x33
    layout: ClassVar[struct.Struct] = struct.Struct("<IIHBx")

    run: int
    round: int
    attempt: int
    verdict: Verdict

    def __post_init__(self) -> None:
        object.__setattr__(self, "verdict", Verdict(self.verdict))


@dataclass(frozen=True)
class Deploy(Body):
    """Pull ``version``, a blob of ``size`` bytes (section 3), into the store and run it. Its bytes
    are pulled with run and round 0."""

    kind: ClassVar[int] = 0x34
    layout: ClassVar[struct.Struct] = struct.Struct("<III16s")

    version: int
    size: int
    crc: int
    model_hash: bytes


@dataclass(frozen=True)
class Who(Body):
    """Asks for an ANNOUNCE."""

    kind: ClassVar[int] = 0x35
    layout: ClassVar[struct.Struct] = struct.Struct("<")


def _by_kind(*bodies: type[Body]) -> dict[int, type[Body]]:
    return {body.kind: body for body in bodies}


UP = _by_kind(Announce, Pull, Update, Progress, Deployed, Gone, Refusal)
DOWN = _by_kind(Task, Chunk, Next, Receipt, Deploy, Who)


def unpack(content: bytes, known: dict[int, type[Body]]) -> Body:
    """The body of a message of one way (``UP`` or ``DOWN``). Raises BadInputError."""
    if len(content) > MOST_BYTES:
        raise BadInputError(f"message: {len(content)} bytes, at most {MOST_BYTES}")
    message = Message.unpack(content)
    if message.type not in known:
        raise BadInputError(f"message: type {message.type:#04x} is not one of this way")
    return known[message.type].unpack(message.payload)
