"""Updates that come in pieces."""

from __future__ import annotations

from dataclasses import dataclass, field

from tinylearn.errors import BadInputError
from tinylearn.fleet.messages import Encoding, Update
from tinylearn.fleet.updates import most_bytes


@dataclass
class Assembly:
    """The pieces of one update so far, in order. ``count``: exchanged weights, which bound it."""

    count: int
    stream: bytearray = field(default_factory=bytearray)
    _fixed: tuple[Encoding, int, int] | None = None

    def add(self, piece: Update) -> bool:
        """Takes the piece that comes next and leaves any other; whether all is there.

        A piece of another stream begins anew. Raises BadInputError where it cannot be one.
        """
        if piece.total > most_bytes(piece.encoding, self.count):
            raise BadInputError(f"an update of {piece.total} bytes for {self.count} weights")
        fixed = piece.encoding, piece.total, piece.crc
        if fixed != self._fixed:
            self.stream, self._fixed = bytearray(), fixed
        if piece.offset == len(self.stream):
            self.stream += piece.data
        if len(self.stream) > piece.total:
            raise BadInputError(f"{len(self.stream)} bytes of an update of {piece.total}")
        return len(self.stream) == piece.total

    @property
    def next(self) -> int:
        """The offset of the piece that should come next."""
        return len(self.stream)
