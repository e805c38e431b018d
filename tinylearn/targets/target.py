"""What the generator, the build and the device transports need to know of a board or core.

A target is one module of this package with a constant ``TARGET``; the registry finds it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Toolchain:
    """A C cross compiler: prefix of its programs, flags it always needs, Debian packages."""

    prefix: str
    flags: tuple[str, ...]
    packages: tuple[str, ...]
    standard: tuple[str, ...] = ("-std=c99", "-Wpedantic")


TOOLCHAINS = {
    "arm-none-eabi": Toolchain(
        "arm-none-eabi-", ("-mthumb",), ("gcc-arm-none-eabi", "libnewlib-arm-none-eabi")
    ),
    "riscv64-unknown-elf": Toolchain(
        "riscv64-unknown-elf-",
        ("--specs=picolibc.specs",),
        ("gcc-riscv64-unknown-elf", "picolibc-riscv64-unknown-elf"),
    ),
    # flash is another address space there, which only GNU C has a word for
    "avr": Toolchain("avr-", (), ("gcc-avr", "avr-libc"), ("-std=gnu99",)),
}

OPTIMIZE = "-O2"
"""The kernels are tuned at this level; -O3 only makes them larger. A later flag overrides it."""

#: no fused rounding that the source does not ask for; sections that the linker can drop; no
#: halves of functions, which cost code and gain nothing here
_COMPILE = ("-ffp-contract=off", "-fno-math-errno", "-fno-partial-inlining",
            "-ffunction-sections", "-fdata-sections", "-fno-common")  # fmt: skip
_LINK = ("-nostartfiles", "-Lport", "-Tport/board.ld", "-Wl,--gc-sections", "-Wl,--fatal-warnings")


@dataclass(frozen=True)
class Emulator:
    """How QEMU runs a program for the target here. ``icount``: every instruction takes 2**icount
    ns of virtual time; the port's counter is written for exactly this value."""

    program: str
    machine: str
    icount: int
    package: str
    options: tuple[str, ...] = ()

    @property
    def arguments(self) -> tuple[str, ...]:
        """The command line, without the program to run and its serial line."""
        return (
            self.program, "-M", self.machine, "-icount", f"shift={self.icount}", *self.options, "-nic", "none",
            "-display", "none", "-monitor", "none",
        )  # fmt: skip


@dataclass(frozen=True)
class Simavr:
    """A board that simavr's library emulates, counting cycles."""

    machine: str
    packages: tuple[str, ...] = ("gcc", "libsimavr-dev", "libelf-dev")


@dataclass(frozen=True)
class Target:
    """A board or core. Sizes in bytes, clock in Hz.

    ``ports`` are folders of firmware/port whose files, copied flat into one folder, make the
    platform; empty where there is no start-up code for it in tinylearn. ``store_bytes`` is the
    part of the flash that the port keeps for weights. ``fma``: products are fused into sums
    (TL_USE_FMA), so a host twin must do so too. ``source``: where the figures are from.
    ``link``: flags for linking with the port. ``program_flash`` and ``program_ram``: what the device
    program takes beside the model; ``stack_bytes``: of a call into the model.
    ``platformio_board``: PlatformIO's platform and board, where it has the Arduino framework.
    For the registry: ``chip`` is the microcontroller's name; ``dsp``: it has SIMD instructions for
    integers; ``sensors`` and ``radios`` are on the board and named as the classes of
    registry/devices/targets.py; ``power_watts`` is what the chip takes while it computes, where its
    data sheet says so. An emulated board has what its emulator has.
    """

    name: str
    title: str
    core: str
    cpu_flags: tuple[str, ...]
    toolchain: str
    flash_bytes: int
    ram_bytes: int
    clock_hz: int
    source: str
    fpu: bool = False
    fma: bool = False
    ports: tuple[str, ...] = ()
    store_bytes: int = 0
    emulator: Emulator | Simavr | None = None
    defines: tuple[str, ...] = ()
    arduino_board: str | None = None
    platformio_board: tuple[str, str] | None = None
    link: tuple[str, ...] = _LINK
    optimize: str = OPTIMIZE
    program_flash: int = 12288
    program_ram: int = 2304
    stack_bytes: int = 512
    chip: str = ""
    dsp: bool = False
    sensors: tuple[str, ...] = ()
    radios: tuple[str, ...] = ()
    power_watts: float | None = None

    @property
    def cross_prefix(self) -> str:
        """What comes before ``gcc`` and ``size``."""
        return TOOLCHAINS[self.toolchain].prefix

    @property
    def standard(self) -> tuple[str, ...]:
        """The C standard, as flags."""
        return TOOLCHAINS[self.toolchain].standard

    @property
    def packages(self) -> tuple[str, ...]:
        """Debian packages of the cross compiler."""
        return TOOLCHAINS[self.toolchain].packages

    @property
    def cflags(self) -> tuple[str, ...]:
        """For compiling and linking; the language standard and warnings are the project's."""
        return (*TOOLCHAINS[self.toolchain].flags, *self.cpu_flags, self.optimize, *_COMPILE)

    @property
    def defines_flags(self) -> tuple[str, ...]:
        """Preprocessor definitions."""
        return tuple(f"-D{define}" for define in self.defines)

    @property
    def ldflags(self) -> tuple[str, ...]:
        """For linking, besides ``cflags``; run in the folder that holds port/."""
        return self.link if self.ports else ()

    @property
    def program_bytes(self) -> int:
        """Flash for code and constants."""
        return self.flash_bytes - self.store_bytes
