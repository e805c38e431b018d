"""A version of a run as a weight blob, which any device of the model takes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tinylearn.errors import UsageError
from tinylearn.fleet.begin import PROJECT
from tinylearn.fleet.model import FleetModel, load_project
from tinylearn.fleet.run_handle import RunHandle


@dataclass(frozen=True)
class Exported:
    """A version's blob, and the project whose devices take it."""

    version: int
    blob: bytes
    project: Path


def exported(
    handle: RunHandle, project: Path | None = None, version: int | None = None
) -> Exported:
    """A version, or the newest. The ``project`` is, if not said, the one that
    the run was served with. Raises UsageError where it is of another model, or the version's
    weights are no longer kept."""
    project, model = project_of(handle, project)
    number = handle.store.head(handle.run.id).number if version is None else version
    return Exported(number, model.blob(handle.weights(number)), project)


def project_of(handle: RunHandle, project: Path | None = None) -> tuple[Path, FleetModel]:
    """The project, by default the one that the run was served with, and its model. Raises UsageError
    where it is of another model, or not known."""
    run, folder = handle.run, project or _served(handle)
    model, _ = load_project(folder)
    if model.hash != run.model_hash:
        raise UsageError(
            f"model {model.name}: is not the one of run {run.id}, {run.model_name} (hash "
            f"{run.model_hash.hex()}); give its project with --model"
        )
    return folder, model


def _served(handle: RunHandle) -> Path:
    states = handle.store.load(handle.run.id, own=False).states
    if PROJECT not in states:
        raise UsageError(f"run {handle.run.id}: does not know its project; give --model PROJECT")
    folder = Path(states[PROJECT])
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder
