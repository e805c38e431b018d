"""Cases of one TFLite operator each: how they are put together, and run against LiteRT."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from support.tflite_models import Net, TypedModel, emitted
from tinylearn.errors import UnsupportedError

sys.path.insert(0, str(Path(__file__).parents[2] / "tools" / "benchmarks"))
import models as zoo

INPUTS = 64
Case = Callable[[Net], None]
#: by the start of a group's name
TYPES = {"i8": "INT8", "u8": "UINT8", "f32": "FLOAT32"}


def rng_of(*seed: int) -> np.random.Generator:
    return np.random.default_rng([7, *seed])


def zero_of(net: Net, zero: int) -> int:
    """A zero point, given as of int8."""
    return zero + 128 if net.dtype == "UINT8" else zero


def entry(net: Net, shape: tuple[int, ...], scale: float = 0.0373, zero: int = -19) -> int:
    if net.dtype == "FLOAT32":
        return net.input(shape)
    return net.input(shape, scale, zero_of(net, zero))


def result(net: Net, code: str, inputs: list[int], scale: float = 0.0519, zero: int = 11,
           **options: int | float | bool) -> int:  # fmt: skip
    if net.dtype == "FLOAT32":
        return net.op(code, inputs, **options)
    return net.op(code, inputs, (), scale, zero_of(net, zero), **options)


def net_of(group: str, name: str, case: Case) -> Net:
    """The model that a case makes."""
    net = Net(name, TYPES[group.split("_")[0]])
    case(net)
    return net


@dataclass
class Outcome:
    """What became of a group. ``wrong``: how many values differ, by case; ``steps``: by how much
    at most."""

    refused: set[str] = field(default_factory=set)
    wrong: dict[str, str] = field(default_factory=dict)
    steps: dict[str, float] = field(default_factory=dict)


def outcome(group: str, cases: Mapping[str, Case], rounding: str, build: Any,
            folder: Path) -> Outcome:  # fmt: skip
    """Imports, generates, compiles and runs all cases of a group beside LiteRT."""
    found, models, paths = Outcome(), [], {}
    for name, case in cases.items():
        paths[name] = folder / f"{name}.tflite"
        paths[name].write_bytes(net_of(group, name, case).settled())
        try:
            models.append(emitted(paths[name], rounding, name))
        except UnsupportedError as error:
            if paths[name].name in str(error) and "operator" in str(error):
                found.refused.add(name)
    for model, built in zip(models, build(*models) if models else [], strict=True):
        program = model.compiled.program
        rows = zoo.inputs_for(program.input.shape, program.input.dtype, INPUTS)
        wanted = zoo.expected(paths[model.name], rows, rounding)
        twin = TypedModel(built.library, model)
        got = np.array([twin.predict(row) for row in rows])
        differing = zoo.differing(got, wanted)
        if differing:
            found.wrong[model.name] = f"{differing} of {wanted.size}"
            found.steps[model.name] = float(np.abs(got.astype(float) - wanted).max())
    return found
