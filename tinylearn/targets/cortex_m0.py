"""Cortex-M0: the BBC micro:bit V1 (nRF51822), as QEMU emulates it."""

from tinylearn.targets.target import Emulator, Target

TARGET = Target(
    name="cortex-m0",
    title="BBC micro:bit V1 (nRF51822, Cortex-M0), emulated",
    core="Cortex-M0",
    cpu_flags=("-mcpu=cortex-m0", "-mfloat-abi=soft"),
    toolchain="arm-none-eabi",
    flash_bytes=256 * 1024,
    ram_bytes=16 * 1024,
    clock_hz=16_000_000,
    source="nRF51822 Product Specification 3.1: 256 kB flash, 16 kB RAM (QFAA), 16 MHz",
    ports=("common", "cortex_m", "emulated", "microbit"),
    store_bytes=32 * 1024,
    platformio_board=("nordicnrf51", "bbcmicrobit"),
    emulator=Emulator("qemu-system-arm", "microbit", 7, "qemu-system-arm"),
    chip="nRF51822",
    # with the compiler's floating-point library
    program_flash=17152,
)
