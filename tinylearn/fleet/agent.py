"""A device as the fleet sees it: messages down in, messages up out, without I/O of its own."""

from __future__ import annotations

from tinylearn.device.twin import ROOM, Twin
from tinylearn.errors import BadInputError
from tinylearn.fleet.board import Board, TwinBoard, unpacked
from tinylearn.fleet.feed import Feed, Source
from tinylearn.fleet.messages import DOWN, Announce, Gone, Phase, Progress, Task, Who, unpack


class Agent:
    """``births`` counts its starts. Without a ``source`` the board learns from its own stream.

    ``take`` and ``learn`` return what goes up; ``handle`` is both, until the task has all that
    it needs.
    """

    def __init__(
        self, name: str, board: Board, source: Source | None, births: int = 1, free_ram: int = 0
    ) -> None:
        self.name, self.board, self.births, self.free_ram = name, board, births, free_ram
        self._source = source
        self._task: Task | None = None
        self._feed: Feed | None = None

    # ---- who it is ----

    def announce(self) -> bytes:
        """Its ANNOUNCE, the retained state of its link."""
        return self.board.announce(self.births, self.free_ram)

    def will(self) -> bytes:
        """Its GONE, for when the connection is lost."""
        return Gone(self.births).pack()

    def reborn(self) -> None:
        """The board has restarted: what it had of a task is gone."""
        self.births += 1
        self._task = self._feed = None

    # ---- messages ----

    def handle(self, content: bytes) -> list[bytes]:
        """One message down, and all that the task then learns. That it is learning need not be
        told when it is over already."""
        messages = self.take(content)
        while self.wants_samples:
            messages = [*filter(_is_news, messages), *self.learn()]
        return messages

    def take(self, content: bytes) -> list[bytes]:
        """One message down; the answers. What is no such message is not passed on."""
        try:
            said = unpack(content, DOWN)
        except BadInputError:
            return []
        if isinstance(said, Who):
            return [self.announce()]
        if isinstance(said, Task):
            self._note_task(said)
        return self.sent(self.board.take(content))

    def sent(self, messages: list[bytes]) -> list[bytes]:
        """Notes what the device sends; the same messages."""
        for message in messages:
            said = unpacked(message)
            if isinstance(said, Progress) and said.phase is Phase.LEARNING:
                self._note_learning(said)
            elif not isinstance(said, Announce):
                self._feed = None
        return messages

    def _note_task(self, task: Task) -> None:
        if self._task is None or _key(task) != _key(self._task):
            self._task, self._feed = task, None

    def _note_learning(self, said: Progress) -> None:
        """The device wants samples: from the first on, where it has just begun; from where it is, where this
        gateway has. In a local part that is not known, as it counts its own."""
        if self._source is None or self._task is None or _key(self._task) != _key(said):
            return
        if self._feed is None:
            self._feed = Feed(self.name, self._task, self._source)
            self._feed.taken(0 if self._task.local_samples else said.samples)
        elif said.samples == 0 and self._feed.at not in (0, self._task.local_samples):
            self._feed.rewind()

    # ---- samples ----

    @property
    def wants_samples(self) -> bool:
        """Whether the task is learning, and there are samples for it."""
        return self._feed is not None

    def learn(self, most: int | None = None) -> list[bytes]:
        """Teaches up to ``most`` samples; what the device then sends."""
        feed = self._feed
        if feed is None:
            return []
        used, messages = self.board.learn(*feed.next(most))
        feed.taken(used)
        self.sent(messages)
        if used == 0 or feed.is_over:
            self._feed = None
        return messages


class TwinAgent(Agent):
    """An agent whose board is a twin in this process."""

    def __init__(
        self, name: str, twin: Twin, source: Source, births: int = 1, free_ram: int = 0,
        frame_bytes: int = ROOM,
    ) -> None:  # fmt: skip
        super().__init__(name, TwinBoard(twin, frame_bytes), source, births, free_ram)
        self.twin = twin

    def restart(self) -> None:
        """As after a power cut: the twin's flash is all that is left."""
        self.twin.restart()
        self.reborn()


def _is_news(message: bytes) -> bool:
    said = unpacked(message)
    return not isinstance(said, Progress) or said.phase is not Phase.LEARNING


def _key(said: Task | Progress) -> tuple[int, int, int]:
    return said.run, said.round, said.attempt
