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
    """The same mistake, with the detail met most often; ``file``: empty where it is of several."""

    kind: str
    count: int
    files: int
    things: int
    example: str
    mend: str
    file: str = ""


def summary(defects: Iterable[Defect], by_file: bool = False) -> list[Summary]:
    """Defects by kind, or by file and kind."""
    groups: dict[tuple[str, str], list[Defect]] = {}
    for defect in defects:
        groups.setdefault((defect.file if by_file else "", defect.kind), []).append(defect)
    return [_summary(file, same) for (file, _), same in sorted(groups.items())]


def _summary(file: str, same: list[Defect]) -> Summary:
    detail = Counter(d.detail for d in same).most_common(1)[0][0]
    example = next(d for d in same if d.detail == detail)
    things = {d.subject for d in same}
    files = {d.file for d in same}
    return Summary(same[0].kind, len(same), len(files), len(things), detail, example.mend, file)
