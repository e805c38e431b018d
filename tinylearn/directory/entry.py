"""A registered thing, as it is kept and as it is given out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from tinylearn.directory.registration import Registration, rfc3339

CONTEXT = "https://www.w3.org/2022/wot/discovery"
_TD_CONTEXTS = frozenset(
    {
        "https://www.w3.org/2019/wot/td/v1",
        "https://www.w3.org/2022/wot/td/v1.1",
        "http://www.w3.org/ns/td",
        "https://www.w3.org/ns/wot-next/td",
    }
)


@dataclass(frozen=True)
class Entry:
    """``content``: the Thing Description as it came, with ``id`` and without ``registration``."""

    id: str
    content: Mapping[str, Any]
    registration: Registration

    @cached_property
    def etag(self) -> str:
        """Names this state of it: no other state of the thing, before or after, has the same. The
        time of retrieval, which differs in each answer, is left out of account."""
        said = self.registration.members()
        state = json.dumps([self.content, said], ensure_ascii=True).encode()
        return f'"{hashlib.blake2b(state, digest_size=12).hexdigest()}"'

    def enriched(self, retrieved: datetime | None = None) -> dict[str, Any]:
        """With the registration, and the context that says what that means."""
        registration = self.registration.members()
        if retrieved is not None:
            registration["retrieved"] = rfc3339(retrieved)
        context = _with_discovery(self.content.get("@context"))
        return {**self.content, "@context": context, "registration": registration}


def _with_discovery(context: Any) -> Any:
    """Right behind the contexts of Thing Descriptions, so that what follows keeps its say."""
    found = list(context) if isinstance(context, list) else [context]
    if CONTEXT in found:
        return context
    place = 1
    while place < len(found) and isinstance(found[place], str) and found[place] in _TD_CONTEXTS:
        place += 1
    return [*found[:place], CONTEXT, *found[place:]]
