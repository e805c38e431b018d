"""Cortex-M4F: Arm MPS2 AN386, as QEMU emulates it."""

from tinylearn.targets.target import Emulator, Target

TARGET = Target(
    name="cortex-m4f",
    title="Arm MPS2 AN386 (Cortex-M4F), emulated",
    core="Cortex-M4F",
    cpu_flags=("-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"),
    toolchain="arm-none-eabi",
    flash_bytes=4 * 1024 * 1024,
    ram_bytes=4 * 1024 * 1024,
    clock_hz=25_000_000,
    source="Arm DAI 0386: SSRAM1 4 MB (in place of flash), SSRAM2 and 3 4 MB, 25 MHz",
    fpu=True,
    fma=True,
    ports=("common", "cortex_m", "emulated", "ram_flash", "cmsdk_uart", "cmsdk_timer", "mps2"),
    store_bytes=2 * 1024 * 1024,
    emulator=Emulator("qemu-system-arm", "mps2-an386", 7, "qemu-system-arm"),
    dsp=True,
)
