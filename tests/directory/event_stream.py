"""A listener to Server-Sent Events: sees what any client would, comments and all."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True)
class Seen:
    kind: str
    id: str
    data: dict[str, Any]


class Listener:
    """Blocks of lines as they come."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.blocks: queue.Queue[list[str] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def next(self, seconds: float = 10) -> Seen:
        """The next event."""
        block = self.blocks.get(timeout=seconds)
        assert block is not None, "the stream has ended"
        fields = dict(line.split(": ", 1) for line in block)
        assert set(fields) == {"event", "id", "data"}, "nothing but events, each complete"
        return Seen(fields["event"], fields["id"], json.loads(fields["data"]))

    def has_ended(self, seconds: float = 10) -> bool:
        return self.blocks.get(timeout=seconds) is None

    def _read(self) -> None:
        block: list[str] = []
        try:
            for line in self.answer.iter_lines():
                if line:
                    block.append(line)
                else:
                    self.blocks.put(block)
                    block = []
        except httpx.HTTPError:
            pass
        self.blocks.put(None)


@contextmanager
def listening(url: str, path: str = "/events", **headers: str) -> Iterator[Listener]:
    """Subscribed when the block begins."""
    with (
        httpx.Client(base_url=url, timeout=30) as client,
        client.stream("GET", path, headers=headers) as answer,
    ):
        yield Listener(answer)
