"""CMake project: a library target for the model and a device program."""

from __future__ import annotations

from collections.abc import Mapping

from tinylearn.emit.model import EmittedModel
from tinylearn.emit.packaging._tree import c_files, program
from tinylearn.targets.target import Target

NAME = "cmake"
TITLE = "CMake project"
NEXT = (
    "cmake -S {out} -B {out}/build -DCMAKE_TOOLCHAIN_FILE=toolchain.cmake "
    "&& cmake --build {out}/build"
)

_LISTS = """# {name} on {title}. The library target `{name}` is the model alone: link your program to it.
# cmake -B build -DCMAKE_TOOLCHAIN_FILE=toolchain.cmake && cmake --build build
cmake_minimum_required(VERSION 3.16)
project({name} C)

set(CMAKE_C_STANDARD 99)
set(CMAKE_C_EXTENSIONS {extensions})

add_library({name} STATIC {name}.c)
target_include_directories({name} PUBLIC . tinylearn)
target_compile_options({name} PRIVATE -Wall -Wextra{pedantic} -Wconversion -Werror)

# The device program: protocol, learner and weight store around the model.
add_executable({name}_device
  {sources})
target_include_directories({name}_device PRIVATE port)
target_compile_options({name}_device PRIVATE -Wall -Wextra{pedantic} -Wconversion -Werror)
target_compile_definitions({name}_device PRIVATE {defines})
target_link_libraries({name}_device PRIVATE {name})
target_link_options({name}_device PRIVATE {ldflags})
set_target_properties({name}_device PROPERTIES SUFFIX .elf LINK_DEPENDS ${{CMAKE_SOURCE_DIR}}/port)
"""

_TOOLCHAIN = """# Cross compiler for {title}.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_C_COMPILER {cross}gcc)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_C_FLAGS_INIT "{cflags}")
"""


def files(model: EmittedModel, target: Target, sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """The project's files."""
    content = program(target, sources)
    compiled = [name for name in c_files(content) if name != f"{model.name}.c"]
    ldflags = " ".join(f.replace("-Tport/", "-T${CMAKE_SOURCE_DIR}/port/")
                       .replace("-Lport", "-L${CMAKE_SOURCE_DIR}/port") for f in target.ldflags)  # fmt: skip
    standard, *pedantic = target.standard
    lists = _LISTS.format(
        name=model.name, title=target.title, sources="\n  ".join(compiled), ldflags=ldflags,
        defines=" ".join(f.removeprefix("-D") for f in target.defines_flags),
        extensions="ON" if "gnu" in standard else "OFF",
        pedantic="".join(f" {flag}" for flag in pedantic),
    )  # fmt: skip
    toolchain = _TOOLCHAIN.format(title=target.title, cross=target.cross_prefix,
                                  cflags=" ".join(target.cflags))  # fmt: skip
    return {**content, "CMakeLists.txt": lists.encode(), "toolchain.cmake": toolchain.encode()}
