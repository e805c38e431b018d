"""Cortex-M3: Arm MPS2 AN385, as QEMU emulates it."""

from tinylearn.targets.target import Emulator, Target

TARGET = Target(
    name="cortex-m3",
    title="Arm MPS2 AN385 (Cortex-M3), emulated",
    core="Cortex-M3",
    cpu_flags=("-mcpu=cortex-m3", "-mfloat-abi=soft"),
    toolchain="arm-none-eabi",
    flash_bytes=4 * 1024 * 1024,
    ram_bytes=4 * 1024 * 1024,
    clock_hz=25_000_000,
    source="Arm DAI 0385: SSRAM1 4 MB (in place of flash), SSRAM2 and 3 4 MB, 25 MHz",
    ports=("common", "cortex_m", "emulated", "ram_flash", "cmsdk_uart", "cmsdk_timer", "mps2"),
    store_bytes=2 * 1024 * 1024,
    emulator=Emulator("qemu-system-arm", "mps2-an385", 7, "qemu-system-arm"),
    # with the compiler's floating-point library
    program_flash=13568,
)
