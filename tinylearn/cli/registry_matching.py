"""Options and tables that verbs about matches have in common."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tinylearn.registry.matching.match import Match

#: what speaks against a pair, by match.py's words for it
_MARKS = {"sensor": "S", "operator": "O", "need": "N", "RAM": "R", "flash": "F", "FPU": "P"}
_LEGEND = "S lacks a sensor, O operator not supported, N need not known or it cannot, R RAM, F flash, P no FPU"


def add_match_options(verb: argparse.ArgumentParser) -> None:
    """What a match is about."""
    verb.add_argument(
        "--mode",
        choices=("inference", "learning"),
        default="inference",
        help="what the device is to do with the model (default inference)",
    )
    verb.add_argument(
        "--allow-soft-float",
        action="store_true",
        help="float models also on cores without FPU, some 50 times slower",
    )


def as_json(found: Match) -> dict[str, Any]:
    """A match as plain values."""
    need = found.need
    return {
        "device": found.device, "model": found.model, "mode": found.mode, "fits": found.fits,
        "reasons": list(found.reasons), "kinds": list(found.kinds), "warnings": list(found.warnings),
        "need": need and {"ram_bytes": need.ram_bytes, "flash_bytes": need.flash_bytes,
                          "macs": need.macs, "measured": need.measured},
        "ram_left": found.ram_left, "flash_left": found.flash_left, "accuracy": found.accuracy,
        "seconds": found.seconds, "joules": found.joules,
    }  # fmt: skip


def mark(found: Match) -> str:
    """A match in letters."""
    return check() if found.fits else "".join(dict.fromkeys(_MARKS[kind] for kind in found.kinds))


def check() -> str:
    """A check mark, where the terminal has one."""
    try:
        "✓".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return "yes"
    return "✓"


def legend() -> str:
    """What the words mean."""
    return f"{check()} fits, {_LEGEND}"


def size(count: int | None) -> str:
    """Bytes that are left or short, where known."""
    from tinylearn.registry.matching import words

    if count is None:
        return ""
    return words.size(count) if count >= 0 else f"-{words.size(-count)}"


def left(count: int | None) -> str:
    """The same in words."""
    if count is None:
        return "the device's not known"
    return f"{size(abs(count))} {'left' if count >= 0 else 'too much'}"


def scaled(value: float | None, unit: str) -> str:
    """Seconds or joules, with a prefix."""
    if value is None:
        return ""
    factor, prefix = next(
        (pair for pair in ((1.0, ""), (1e-3, "m"), (1e-6, "u")) if value >= pair[0]), (1e-9, "n")
    )
    return f"{value / factor:.3g} {prefix}{unit}"


def why(found: Match) -> str:
    """Reasons, or else warnings."""
    return "; ".join(found.reasons or found.warnings)
