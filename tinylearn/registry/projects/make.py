"""From a match to the files of a project for the device's target, with code for its sensors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from pyoxigraph import NamedNode

from tinylearn import __version__
from tinylearn.emit.graph_file import load
from tinylearn.emit.model import EmittedModel
from tinylearn.emit.names import identifier, model_name
from tinylearn.errors import DoesNotFitError, UnsupportedError, UsageError
from tinylearn.importers.model_file import read_model
from tinylearn.pipeline import Choices, compile_graph
from tinylearn.registry.devices.facts import Device
from tinylearn.registry.matching.cores import has_fpu, instruction_set
from tinylearn.registry.matching.match import match
from tinylearn.registry.matching.read import read_device, read_model_of
from tinylearn.registry.models import files
from tinylearn.registry.models.about import About
from tinylearn.registry.models.build import Said
from tinylearn.registry.models.facts import Mode, Model
from tinylearn.registry.models.import_model import LEARN
from tinylearn.registry.models.needs import forms
from tinylearn.registry.models.project import described_project
from tinylearn.registry.projects.sensor_kinds import sensors_of
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.triples import Description
from tinylearn.registry.vocabulary import tl
from tinylearn.targets import all_targets, find
from tinylearn.targets.target import Target


@dataclass(frozen=True)
class Wanted:
    """What is to become of a match. ``target``: where the device names none; ``project_format``: by
    default a Makefile where tinylearn starts up that board itself, else what its own tools build;
    ``file``: the model's file where the registry keeps no copy; ``name``: prefix of everything generated."""

    mode: Mode = Mode.INFERENCE
    project_format: str | None = None
    target: str | None = None
    file: Path | None = None
    name: str | None = None
    allow_soft_float: bool = False


@dataclass(frozen=True)
class Project:
    """Files by path, and what they are; ``sensors`` in words."""

    name: str
    target: str
    project_format: str
    sensors: tuple[str, ...]
    files: dict[str, bytes]


def make_project(
    store: GraphStore, model: str, device: str, project_format: str | None = None
) -> dict[str, bytes]:
    """The files of the project for inference; both things by their IRIs. Raises as ``project`` does."""
    return project(store, model, device, Wanted(project_format=project_format)).files


def project(store: GraphStore, model: str, device: str, wanted: Wanted) -> Project:
    """A project of a model for a device, both by their IRIs.

    Raises DoesNotFitError with the reasons where the model does not fit, UsageError where the device's
    target or the model's file is not known, BadInputError where the file is another one.
    """
    triples = store.graph(NamedNode(model))
    known, on = read_model_of(model, triples), read_device(store, device)
    target = _target(on, wanted)
    _require_match(replace(on, target=target.name), known, wanted)
    path = wanted.file or files.kept(store, known.sha256)
    if path is None or known.sha256 is None:
        raise UsageError(f"{known.title}: {_no_file(store, known, wanted.file)}")
    files.checked(path, known.sha256)
    learn = Description(triples).text(NamedNode(model), tl("learns"))
    emitted = _emitted(path, known, wanted, learn or LEARN)
    emitted = replace(emitted, sensors=sensors_of(known.sensors or on.sensors))
    chosen = wanted.project_format or _format(target)
    about = About(tuple(sorted(known.sensors)), known.task, accuracy=known.accuracy)
    content = described_project(emitted, target, chosen, False, Said(about))
    names = tuple(sensor.name for sensor in emitted.sensors)
    return Project(emitted.name, target.name, chosen, names, content)


def _target(device: Device, wanted: Wanted) -> Target:
    name = wanted.target or device.target
    if name is None:
        same = ", ".join(
            t.name for t in all_targets() if t.core.lower() == (device.core or "").lower()
        )
        raise UsageError(
            f"{device.title}: does not say which target it is (tl:target); give one with --target, "
            + (f"of its core are {same}" if same else "see tinylearn targets")
        )
    target = find(name)
    _require_core(device, target)
    return target


def _require_core(device: Device, target: Target) -> None:
    """Code for a target runs on cores of its instruction set; what its FPU does, on cores that have one."""
    of_target = instruction_set(target.core)
    of_device = instruction_set(device.core) if device.core else None
    if of_device not in (None, of_target) or (target.fpu and has_fpu(device) is False):
        lacks = "" if of_device not in (None, of_target) else " without FPU"
        raise UsageError(
            f"{device.title}: its core {device.core or 'of no name'}{lacks} does not run code for the "
            f"target {target.name} ({target.core})"
        )


def _require_match(device: Device, model: Model, wanted: Wanted) -> None:
    found = match(device, model, wanted.mode, wanted.allow_soft_float)
    if not found.fits:
        raise DoesNotFitError(
            f"model {model.title} does not fit {device.title} for {wanted.mode}: "
            f"{'; '.join(found.reasons)}"
        )


def _no_file(store: GraphStore, model: Model, given: Path | None) -> str:
    if given is not None:
        return f"its description has no SHA-256 to tell {given} by; import the model file, and generate that model"
    if model.sha256 is None:
        return "is described without its file, so no code can be generated; import the model file"
    if files.files_of(store) is None:
        return "an endpoint keeps no model files; name the model's own with --file"
    return "the registry keeps no copy of its file; import it again, or name it with --file"


def _format(target: Target) -> str:
    return "makefile" if target.ports else "arduino" if target.arduino_board else "library"


def _emitted(path: Path, model: Model, wanted: Wanted, learn: str) -> EmittedModel:
    """Compiled for what the device is to do with it."""
    name = model_name(wanted.name) if wanted.name else identifier(model.title)
    if path.suffix == ".npz":
        graph, choices = load(path)
        sha256 = str(model.sha256)
    else:
        graph, sha256 = read_model(path)
        choices = Choices(learn if wanted.mode is Mode.LEARNING else "none")
    made = EmittedModel(name, compile_graph(graph, choices), path.name, sha256, __version__)
    found = forms(made)
    if wanted.mode not in found:
        raise UnsupportedError(f"{model.title}: nothing in it learns; generate it for inference")
    return found[wanted.mode]
