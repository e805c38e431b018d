"""RISC-V, 32 bits, RV32IMAC without floating point: QEMU's machine `virt`."""

from tinylearn.targets.target import Emulator, Target

TARGET = Target(
    name="rv32",
    title="RISC-V RV32IMAC (QEMU virt), emulated",
    core="RV32IMAC",
    cpu_flags=("-march=rv32imac", "-mabi=ilp32"),
    toolchain="riscv64-unknown-elf",
    flash_bytes=6 * 1024 * 1024,
    ram_bytes=8 * 1024 * 1024,
    clock_hz=1_000_000_000,
    source="QEMU's virt machine has what it is given: 16 MB and 1 ns an instruction here",
    ports=("common", "emulated", "ram_flash", "virt_rv32"),
    store_bytes=2 * 1024 * 1024,
    emulator=Emulator(
        "qemu-system-riscv32", "virt", 0, "qemu-system-misc", ("-bios", "none", "-m", "16M")
    ),
    # with the compiler's floating-point library
    program_flash=18432,
)
