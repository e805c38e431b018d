"""Plain folder with a Makefile."""

from __future__ import annotations

from collections.abc import Mapping

from tinylearn.emit.model import EmittedModel
from tinylearn.emit.packaging._tree import c_files, program
from tinylearn.targets.target import Target

NAME = "makefile"
TITLE = "plain folder with a Makefile"
NEXT = "tinylearn build {out}"

_MAKEFILE = """# Makefile for {name} on {title}: `make` builds build/{name}.elf, `make size` shows its sizes.
CROSS ?= {cross}
CC = $(CROSS)gcc
FLAGS = {cflags} {standard} -Wall -Wextra{pedantic} -Wconversion -Werror
CPPFLAGS += -I. -Itinylearn -Iport {defines}
LDFLAGS += {ldflags}
SOURCES = {sources}
OBJECTS = $(SOURCES:%.c=build/%.o)

build/{name}.elf: $(OBJECTS)
	$(CC) $(FLAGS) $(CFLAGS) $(OBJECTS) $(LDFLAGS) -o $@

build/%.o: %.c Makefile $(wildcard *.h tinylearn/*.h tinylearn/kernels/*.h port/*.h)
	@mkdir -p $(@D)
	$(CC) $(FLAGS) $(CFLAGS) $(CPPFLAGS) -c $< -o $@

.PHONY: size clean
size: build/{name}.elf
	$(CROSS)size build/{name}.o $<
clean:
	rm -rf build
"""


def makefile(model: EmittedModel, target: Target, sources: list[str]) -> str:
    """The text of the Makefile."""
    return _MAKEFILE.format(
        name=model.name, title=target.title, cross=target.cross_prefix,
        cflags=" ".join(target.cflags), standard=target.standard[0],
        pedantic="".join(f" {flag}" for flag in target.standard[1:]), defines=" ".join(target.defines_flags),
        ldflags=" ".join(target.ldflags), sources=" \\\n  ".join(sources),
    )  # fmt: skip


def files(model: EmittedModel, target: Target, sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """The project's files."""
    content = program(target, sources)
    return {**content, "Makefile": makefile(model, target, c_files(content)).encode()}
