"""All files of a generated project, as bytes by path. Writing them is emit/write.py's part."""

from __future__ import annotations

from collections.abc import Mapping

from tinylearn.emit import packaging
from tinylearn.emit.card import emit_card
from tinylearn.emit.device import emit_device
from tinylearn.emit.fleet import switched_on
from tinylearn.emit.graph_file import dump
from tinylearn.emit.header import emit_header
from tinylearn.emit.info import emit_info
from tinylearn.emit.model import EmittedModel
from tinylearn.emit.sensor_code import sensor_files
from tinylearn.emit.source import emit_source
from tinylearn.targets.target import Target


def model_files(model: EmittedModel) -> dict[str, bytes]:
    """The generated C alone."""
    return {
        f"{model.name}.h": emit_header(model).encode(),
        f"{model.name}.c": emit_source(model).encode(),
        f"{model.name}_device.c": emit_device(model).encode(),
        **sensor_files(model),
    }


def project_content(
    model: EmittedModel, target: Target, project_format: str, fleet: bool = False
) -> dict[str, bytes]:
    """All files of a project but the info file, which lists them."""
    files = packaging.find(project_format).files(model, target, model_files(model))
    files = switched_on(files) if fleet else files
    files[f"{model.name}_graph.npz"] = dump(model.compiled.source, model.compiled.choices)
    files["MODEL_CARD.md"] = emit_card(model, target.title).encode()
    return files


def with_info(
    files: Mapping[str, bytes], model: EmittedModel, target: Target, project_format: str,
    fleet: bool = False,
) -> dict[str, bytes]:  # fmt: skip
    """The files and the info file, sorted."""
    info = emit_info(model, target.name, project_format, files, fleet)
    return dict(sorted({**files, f"{model.name}_info.json": info.encode()}.items()))


def project_files(
    model: EmittedModel, target: Target, project_format: str, fleet: bool = False
) -> dict[str, bytes]:
    """A complete project for a target, in one of the formats of emit/packaging. ``fleet``: its device
    takes part in federated learning."""
    files = project_content(model, target, project_format, fleet)
    return with_info(files, model, target, project_format, fleet)
