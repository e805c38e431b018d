"""What a program with the model takes of RAM and flash, on any target and on each, as planned, and
where the project was built as measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tinylearn.emit.model import EmittedModel
from tinylearn.errors import UnsupportedError
from tinylearn.pipeline import Choices, compile_graph, prepare
from tinylearn.planner.costs import macs, macs_of_step
from tinylearn.registry.models.facts import Mode, Need
from tinylearn.report.fit import fit
from tinylearn.report.size import sizes_of
from tinylearn.targets import all_targets
from tinylearn.targets.target import Target

Forms = Mapping[Mode, EmittedModel]
Adapt = Callable[[Target], Target]
#: a target of which no more is known than that it has a 32-bit core
_ANY = Target("any", "", "", (), "arm-none-eabi", 0, 0, 0, "")


def as_it_is(target: Target) -> Target:
    """The target with its plain device program."""
    return target


def forms(model: EmittedModel) -> Forms:
    """What is generated for each mode: the model as it is, and if that learns also the same network,
    with its head, that does not. One that learns in integers infers in them too."""
    compiled = model.compiled
    if not compiled.program.learns:
        return {Mode.INFERENCE: model}
    if compiled.program.arithmetic == "int8":
        return {Mode.INFERENCE: model, Mode.LEARNING: model}
    choices = compiled.choices
    changed = choices.head or choices.standardize_input or choices.max_classes
    graph = prepare(compiled.source, choices) if changed else compiled.source
    plain = replace(model, compiled=compile_graph(graph, Choices()))
    return {Mode.INFERENCE: plain, Mode.LEARNING: model}


def _need(mode: Mode, model: EmittedModel, target: Target) -> Need:
    found, program = fit(model, target), model.compiled.program
    work = macs_of_step(program) if mode is Mode.LEARNING else macs(program, program.forward)
    return Need(found.ram, found.flash + found.flash_program, work)


@dataclass(frozen=True)
class Needs:
    """``general``: on a target with a 32-bit core of which no more is known; ``of_target``: on each."""

    general: Mapping[Mode, Need]
    of_target: Mapping[tuple[Mode, str], Need]


def planned(models: Forms, adapt: Adapt = as_it_is) -> Needs:
    """Of what is generated for each mode. ``adapt`` may refuse a target (UnsupportedError), which then
    has no entry."""
    general = {mode: _need(mode, model, adapt(_ANY)) for mode, model in models.items()}
    return Needs(general, _of_targets(models, adapt))


def _of_targets(models: Forms, adapt: Adapt) -> dict[tuple[Mode, str], Need]:
    found = {}
    for target in all_targets():
        try:
            adapted = adapt(target)
        except UnsupportedError:
            continue
        for mode, model in models.items():
            found[mode, target.name] = _need(mode, model, adapted)
    return found


def measured(need: Need, folder: Path, name: str, target: Target) -> Need | None:
    """The same need in the bytes of what was built in a project's folder; None where nothing was.
    The stack counts with what it needs, not with what the linker has set aside for it."""
    built = (folder / "build" / f"{stem}.elf" for stem in (name, f"{name}_device"))
    elf = next((path for path in built if path.is_file()), None)
    if elf is None:
        return None
    sizes = sizes_of(elf)
    ram = sizes.data + sizes.zeroed - sizes.stack + target.stack_bytes
    return Need(ram, sizes.flash, need.macs, measured=True)
