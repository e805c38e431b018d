"""Compiles generated projects: for their target with make, and for this host as a twin."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from tinylearn.emit import firmware
from tinylearn.errors import BadInputError, MissingToolError, TinylearnError
from tinylearn.targets import find
from tinylearn.targets.target import Target

_SECONDS = 600
_TWIN_FLAGS = ("-shared", "-fPIC", "-fvisibility=hidden", "-Wl,-Bsymbolic", "-std=c99", "-O2",
               "-ffp-contract=off", "-fno-math-errno", "-Wall", "-Wextra",
               "-Werror=incompatible-pointer-types", "-DTL_FLEET=1")  # fmt: skip

#: files of the library that the twin's port replaces by faster ones
_TWINS_OWN = ("tl_crc32.c",)


def require_program(program: str, packages: Iterable[str], purpose: str) -> str:
    """The program's path; raises MissingToolError that names the Debian packages."""
    path = shutil.which(program)
    if path is None:
        raise MissingToolError(
            f"{program} is not installed, {purpose}; on Debian: apt-get install {' '.join(packages)}"
        )
    return path


def _run(command: Sequence[str], folder: Path, verbose: bool) -> None:
    """Runs a compiler. Raises TinylearnError with all that it printed where it fails."""
    try:
        done = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", timeout=_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise TinylearnError(f"{folder}: {command[0]} took over {_SECONDS} s; stopped") from None
    if verbose and done.stdout:
        print(done.stdout, end="", file=sys.stderr)
    if done.returncode != 0:
        raise TinylearnError(f"{folder}: {command[0]} failed:\n{done.stdout.rstrip()}")


def build_project(folder: Path, name: str, target: Target, verbose: bool = False) -> Path:
    """Runs the project's Makefile; returns the ELF file, build/<name>.elf.

    Raises MissingToolError without the cross compiler or make, BadInputError where the folder
    has no Makefile, TinylearnError with the compiler's output where the build fails.
    """
    if not (folder / "Makefile").is_file():
        raise BadInputError(
            f"{folder}: has no Makefile; generate it with --format makefile, or build it with the "
            "tools of its own format"
        )
    make = require_program("make", ["make"], "which builds the project")
    purpose = f"the C compiler for {target.name}"
    require_program(f"{target.cross_prefix}gcc", target.packages, purpose)
    loud = [] if verbose else ["--silent"]
    _run([make, "--no-print-directory", *loud, f"-j{os.cpu_count() or 1}"], folder, verbose)
    elf = folder / "build" / f"{name}.elf"
    if not elf.is_file():
        raise TinylearnError(f"{folder}: make succeeded without {elf.name}; generate it again")
    return elf


@cache
def _host_has_fma() -> bool:
    """Whether the compiler may use FMA instructions for code that runs here and now."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return False
    try:
        return " fma " in Path("/proc/cpuinfo").read_text().replace("\n", " ")
    except OSError:
        return False


@cache
def _compiler() -> tuple[str, str]:
    """The host's C compiler and its version."""
    program = os.environ.get("CC") or "cc"
    path = require_program(program, ["gcc"], "which compiles the host twin")
    done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    return path, done.stdout


def _rounding_flags(target: Target) -> list[str]:
    """Flags that make this host round as the target does. Without FMA instructions fmaf() of
    the C library is called: as exact, but slow."""
    if not target.fma:
        return ["-DTL_USE_FMA=0"]
    return ["-DTL_USE_FMA=1", *(["-mfma"] if _host_has_fma() else [])]


def _source_folders(folder: Path) -> tuple[Path, Path]:
    """Where the model and the library are: libraries of Arduino and PlatformIO have both in src/."""
    for manifest in (*folder.glob("library.properties"), *folder.glob("lib/*/library.json")):
        return manifest.parent / "src", manifest.parent / "src"
    return folder, folder / "tinylearn"


def _twin_sources(folder: Path, name: str) -> list[Path]:
    model, library = _source_folders(folder)
    own = [model / f"{name}.c", model / f"{name}_device.c"]
    for required in (*own, library / "tl_session.c"):
        if not required.is_file():
            raise BadInputError(f"{required}: is missing; generate the project again")
    port = sorted((firmware.root() / "port" / "twin").glob("twin*.c"))
    shared = sorted(path for path in library.glob("tl_*.c") if path.name not in _TWINS_OWN)
    return [*own, *shared, *port]


def _digest(folder: Path, sources: list[Path], flags: list[str]) -> str:
    """Changes with any byte that the compiler reads, with its flags and its version."""
    model, library = _source_folders(folder)
    headers = sorted({*model.glob("*.h"), *library.rglob("*.h")})
    total = hashlib.sha256(json.dumps([flags, _compiler()[1]]).encode())
    for path in (*sources, *headers):
        total.update(f"\n{path.name}\n".encode() + path.read_bytes())
    return total.hexdigest()[:16]


def build_twin(
    folder: Path, name: str, target: str, verbose: bool = False, flags: Sequence[str] = ()
) -> Path:
    """Compiles the project for this host; returns the shared library.

    The library rounds as ``target`` does. It is kept in build/ under a name that changes with
    its content, so an unchanged project is not compiled again. ``flags`` come last.
    """
    every = [*_TWIN_FLAGS, *_rounding_flags(find(target)), *flags]
    sources = _twin_sources(folder, name)
    library = folder / "build" / f"twin-{_digest(folder, sources, every)}.so"
    if not library.is_file():
        library.parent.mkdir(exist_ok=True)
        _compile(library, sources, every, folder, verbose)
    return library


def _compile(
    library: Path, sources: list[Path], flags: list[str], folder: Path, verbose: bool
) -> None:
    """Under another name first, so that no process ever loads half a library."""
    handle, unfinished = tempfile.mkstemp(dir=library.parent, prefix="twin-", suffix=".part")
    os.close(handle)
    include = [f"-I{path.resolve()}" for path in _source_folders(folder)]
    files = [str(path.resolve()) for path in sources]
    try:
        _run([_compiler()[0], *flags, *include, *files, "-lm", "-o", unfinished], folder, verbose)
        os.replace(unfinished, library)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise
