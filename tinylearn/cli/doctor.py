"""Say what tinylearn can do on this machine, and what to install for the rest."""

from __future__ import annotations

import argparse
import os
import shutil
from importlib.util import find_spec

HELP = "check compilers, emulators and Python packages"

#: program: (what it is for, Debian package)
_PROGRAMS = {
    "cc": ("the host twin", "gcc"),
    "make": ("building projects", "make"),
    "cmake": ("CMake projects", "cmake"),
    "arm-none-eabi-gcc": ("Cortex-M targets", "gcc-arm-none-eabi libnewlib-arm-none-eabi"),
    "qemu-system-arm": ("emulated Cortex-M boards", "qemu-system-arm"),
    "riscv64-unknown-elf-gcc": (
        "RISC-V targets",
        "gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf",
    ),
    "qemu-system-riscv32": ("the emulated RISC-V board", "qemu-system-misc"),
    "mosquitto": ("a broker for a fleet in earnest", "mosquitto"),
}
#: where Debian puts servers, which is not on everybody's path
_SERVERS = ("/usr/sbin", "/usr/local/sbin")
#: by the name to import: what for, and the extra that brings it
PACKAGES = {
    "tensorflow": ("tinylearn train", "train"),
    "matplotlib": ("plots", "plots"),
    "serial": ("boards on a serial port", "serial"),
    "amqtt": ("trying a fleet without a broker", "fleet"),
    "cryptography": ("certificates of a fleet's broker", "fleet"),
    "prometheus_client": ("metrics of a fleet", "fleet"),
    "psycopg": ("fleets kept in PostgreSQL", "postgres"),
    "rdflib": ("a registry: Turtle that is to be read", "registry"),
    "pyshacl": ("a registry: rules that data must keep", "registry"),
    "jsonschema": ("a registry: Thing Descriptions", "registry"),
    "jsonpath": ("a directory: searches", "registry"),
    "starlette": ("a directory", "registry"),
    "uvicorn": ("a directory", "registry"),
    "httpx": ("registries behind HTTP", "registry"),
}


def configure(verb: argparse.ArgumentParser) -> None:
    """No options of its own."""


def findings() -> list[tuple[str, str, bool, str]]:
    """(name, what for, found, how to get it)."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), *_SERVERS))
    programs = [
        (name, use, shutil.which(name, path=path) is not None, f"apt-get install {package}")
        for name, (use, package) in _PROGRAMS.items()
    ]
    packages = [
        (name, use, find_spec(name) is not None, f"pip install 'tinylearn[{extra}]'")
        for name, (use, extra) in PACKAGES.items()
    ]
    return programs + packages


def execute(args: argparse.Namespace) -> int:
    """Prints the findings; 0 also where something is missing."""
    from tinylearn.cli.output import print_json, print_table

    rows = findings()
    if args.json:
        print_json([{"name": n, "for": u, "found": f, "install": i} for n, u, f, i in rows])
        return 0
    print_table(
        ("needed", "for", "found", "to get it"),
        [(n, u, "yes" if f else "no", "" if f else i) for n, u, f, i in rows],
    )
    return 0
