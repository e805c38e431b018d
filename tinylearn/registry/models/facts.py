"""What matching needs to know of a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Mode(StrEnum):
    """What a device does with a model."""

    INFERENCE = "inference"
    LEARNING = "learning"


@dataclass(frozen=True)
class Need:
    """Bytes of RAM and flash that a program with the model takes in all (model, buffers, stack and
    device program, as report/fit.py counts them), and multiply-accumulates of one inference or one
    learning step. ``measured``: the bytes are those of a program that was built, not planned. In RDF:
    ``tl:inferenceRamBytes``, ``tl:inferenceFlashBytes``, ``tl:inferenceMacs``;
    ``tl:learningRamBytes`` ...; for targets by name a resource of its own (``tl:needOnTarget``) with
    ``tl:mode``, ``tl:target`` (one each), ``tl:ramBytes``, ``tl:flashBytes``, ``tl:macs``, ``tl:measured``.
    """

    ram_bytes: int
    flash_bytes: int
    macs: int | None = None
    measured: bool = False


@dataclass(frozen=True)
class Model:
    """A model by its IRI, which is also the name of its graph.

    ``needs``: by what the device does; no entry: the model cannot do it, or nobody has said how
    much it takes. ``needs_of_target``: where it was measured or planned for a target by name, which
    then counts instead. ``sensors``: IRIs of the sensor classes it reads, all of them.
    ``operators``: names of ops. ``unsupported``: those that tinylearn cannot generate code for.
    ``obstacles``: why it cannot do something, in words, where tinylearn knows. ``arithmetic``:
    ``float32`` or ``int8``. ``accuracy``: 0 to 1, None where there is none. ``task``: local name of
    the category, such as ``Classification``. ``file``: the model file's path (never an absolute one)
    or None; ``sha256`` of it. In RDF: ``tl:requiresSensor``, ``tl:operator``,
    ``tl:unsupportedOperator``, ``tl:inferenceObstacle``, ``tl:learningObstacle``, ``tl:arithmetic``,
    ``tl:accuracy``, ``nnet:hasCategory``, ``tl:file``, ``tl:sha256``; the title is ``schema:name``.
    """

    iri: str
    title: str
    needs: Mapping[Mode, Need] = field(default_factory=dict)
    needs_of_target: Mapping[tuple[Mode, str], Need] = field(default_factory=dict)
    sensors: frozenset[str] = frozenset()
    operators: frozenset[str] = frozenset()
    unsupported: frozenset[str] = frozenset()
    obstacles: Mapping[Mode, str] = field(default_factory=dict)
    arithmetic: str | None = None
    accuracy: float | None = None
    task: str | None = None
    file: str | None = None
    sha256: str | None = None
