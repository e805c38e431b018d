"""ESP-IDF component with an example project.

Layout: https://docs.espressif.com/projects/esp-idf/en/stable/esp32/api-guides/build-system.html;
fields of idf_component.yml:
https://docs.espressif.com/projects/idf-component-manager/en/latest/reference/manifest_file.html
"""

from __future__ import annotations

from collections.abc import Mapping

from tinylearn.emit.model import EmittedModel
from tinylearn.emit.packaging._example import example
from tinylearn.emit.packaging._tree import c_files, library
from tinylearn.targets.target import Target

NAME = "esp-idf"
TITLE = "ESP-IDF component with an example"
NEXT = "idf.py -C {out}/examples/{name}_example set-target esp32c3 build"

_LISTS = """# {name} as an ESP-IDF component: add this folder to components/ of a project.
idf_component_register(
  SRCS
    {sources}
  INCLUDE_DIRS "." "tinylearn"
)
# products are rounded before they are summed, as on every other core
target_compile_options(${{COMPONENT_LIB}} PRIVATE -ffp-contract=off -fno-math-errno)
"""

_MANIFEST = """version: "{version}"
description: "{name}, a neural network that {does} on the device: no heap, {ram} bytes of RAM"
url: "https://example.org/tinylearn"
dependencies:
  idf:
    version: ">=5.0"
"""

_PROJECT = """cmake_minimum_required(VERSION 3.16)
include($ENV{{IDF_PATH}}/tools/cmake/project.cmake)
project({name}_example)
"""

_MAIN_LISTS = 'idf_component_register(SRCS "main.c" INCLUDE_DIRS ".")\n'

_MAIN_MANIFEST = """dependencies:
  {name}:
    path: ../../..
"""


def _values(model: EmittedModel, compiled: list[str]) -> dict[str, object]:
    """What the templates name."""
    return {
        "name": model.name,
        "version": model.version,
        "sources": "\n    ".join(f'"{name}"' for name in compiled),
        "does": "learns" if model.compiled.program.learns else "predicts",
        "ram": model.compiled.plan.ram_bytes,
    }


def files(model: EmittedModel, target: Target, sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """The component's files; the chip is the project's business."""
    content = {**sources, **library()}
    values, project = _values(model, c_files(content)), f"examples/{model.name}_example"
    texts = {
        "CMakeLists.txt": _LISTS,
        "idf_component.yml": _MANIFEST,
        f"{project}/CMakeLists.txt": _PROJECT,
        f"{project}/main/CMakeLists.txt": _MAIN_LISTS,
        f"{project}/main/idf_component.yml": _MAIN_MANIFEST,
    }
    return {
        **content,
        **{name: text.format(**values).encode() for name, text in texts.items()},
        f"{project}/main/main.c": example(model, "void app_main(void)"),
    }
