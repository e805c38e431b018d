"""Cortex-M7: Arm MPS2 AN500, as QEMU emulates it."""

from tinylearn.targets.target import Emulator, Target

TARGET = Target(
    name="cortex-m7",
    title="Arm MPS2 AN500 (Cortex-M7), emulated",
    core="Cortex-M7",
    cpu_flags=("-mcpu=cortex-m7", "-mfloat-abi=hard", "-mfpu=fpv5-d16"),
    toolchain="arm-none-eabi",
    flash_bytes=4 * 1024 * 1024,
    ram_bytes=4 * 1024 * 1024,
    clock_hz=25_000_000,
    source="Arm DAI 0500: SSRAM1 4 MB (in place of flash), SSRAM2 and 3 4 MB, 25 MHz",
    fpu=True,
    fma=True,
    ports=("common", "cortex_m", "emulated", "ram_flash", "cmsdk_uart", "cmsdk_timer", "mps2"),
    store_bytes=2 * 1024 * 1024,
    emulator=Emulator("qemu-system-arm", "mps2-an500", 7, "qemu-system-arm"),
    dsp=True,
)
