"""What was wrong with a description, and what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class Defect:
    """``kind``: short, the same for the same mistake. ``mend``: what was done; empty: left as it is,
    for somebody who knows."""

    subject: str
    kind: str
    detail: str
    mend: str = ""
    file: str = ""

    def as_row(self) -> dict[str, str]:
        """For JSON."""
        return asdict(self)


@dataclass
class Found:
    """Defects of one thing, gathered by the mends."""

    subject: str
    defects: list[Defect] = field(default_factory=list)

    def add(self, kind: str, detail: str, mend: str = "") -> None:
        """One more."""
        self.defects.append(Defect(self.subject, kind, detail, mend))


@dataclass(frozen=True)
class Summary:
    """The same mistake in the same file."""

    file: str
    kind: str
    count: int
    subjects: int
    example: str
    mend: str


def summary(defects: Iterable[Defect]) -> list[Summary]:
    """Defects by file and kind, with one example each."""
    groups: dict[tuple[str, str, str], list[Defect]] = {}
    for defect in defects:
        groups.setdefault((defect.file, defect.kind, defect.mend), []).append(defect)
    return [
        Summary(file, kind, len(same), len({d.subject for d in same}), _example(same), mend)
        for (file, kind, mend), same in sorted(groups.items())
    ]


def _example(same: list[Defect]) -> str:
    """The detail met most often."""
    return Counter(d.detail for d in same).most_common(1)[0][0]
