"""Devices, models and matches as the page shows them: JSON of what is known, pure."""

from __future__ import annotations

from typing import Any

from tinylearn.directory.api.texts import clipped, some
from tinylearn.registry.devices.facts import Device
from tinylearn.registry.matching import words
from tinylearn.registry.matching.match import Match
from tinylearn.registry.models.facts import Mode, Model, Need

Json = dict[str, Any]
_MOST_SENSORS = 50


def sensors(iris: frozenset[str]) -> list[Json]:
    """By their names."""
    found = [{"iri": iri, "name": words.sensor(iri)} for iri in iris]
    return sorted(found, key=lambda one: (one["name"], one["iri"]))[:_MOST_SENSORS]


def hardware(device: Device) -> Json:
    """Facts of a device; null: not known."""
    return {
        "ramBytes": device.ram_bytes,
        "flashBytes": device.flash_bytes,
        "core": clipped(device.core),
        "fpu": device.fpu,
        "dsp": device.dsp,
        "clockHz": device.clock_hz,
        "powerWatts": device.power_watts,
        "sensors": sensors(device.sensors),
        "radios": sensors(device.radios),
        "target": clipped(device.target),
    }


def need(found: Need | None) -> Json | None:
    """Bytes and multiply-accumulates."""
    if found is None:
        return None
    return {"ramBytes": found.ram_bytes, "flashBytes": found.flash_bytes,
            "macs": found.macs, "measured": found.measured}  # fmt: skip


def model(found: Model) -> Json:
    """What matching knows of a model."""
    return {
        "iri": found.iri,
        "title": clipped(found.title),
        "task": clipped(found.task),
        "arithmetic": clipped(found.arithmetic),
        "accuracy": found.accuracy,
        "sensors": sensors(found.sensors),
        "inference": need(found.needs.get(Mode.INFERENCE)),
        "learning": need(found.needs.get(Mode.LEARNING)),
        "obstacles": {str(mode): clipped(why) for mode, why in found.obstacles.items()},
        "unsupported": some(sorted(found.unsupported)),
    }


def needs_of_targets(found: Model) -> list[Json]:
    """Where they were planned or measured for a target by name."""
    return [
        {"mode": str(mode), "target": target, **(need(each) or {})}
        for (mode, target), each in sorted(found.needs_of_target.items())
    ]


def cell(match: Match) -> Json:
    """Of the matrix: whether, and why not."""
    said: Json = {"fits": match.fits}
    if match.reasons:
        said |= {"reasons": some(match.reasons), "kinds": match.kinds[:20]}
    return said | ({"warnings": some(match.warnings)} if match.warnings else {})


def pair(match: Match) -> Json:
    """All that a match says."""
    return {
        "device": match.device,
        "model": match.model,
        "mode": str(match.mode),
        "fits": match.fits,
        "reasons": some(match.reasons),
        "kinds": match.kinds[:20],
        "warnings": some(match.warnings),
        "need": need(match.need),
        "ramLeft": match.ram_left,
        "flashLeft": match.flash_left,
        "accuracy": match.accuracy,
        "seconds": match.seconds,
        "joules": match.joules,
    }
