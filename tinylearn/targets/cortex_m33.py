"""Cortex-M33: Arm MPS2 AN505, as QEMU emulates it."""

from tinylearn.targets.target import Emulator, Target

TARGET = Target(
    name="cortex-m33",
    title="Arm MPS2 AN505 (Cortex-M33), emulated",
    core="Cortex-M33",
    cpu_flags=("-mcpu=cortex-m33", "-mfloat-abi=hard", "-mfpu=fpv5-sp-d16"),
    toolchain="arm-none-eabi",
    flash_bytes=4 * 1024 * 1024,
    ram_bytes=4 * 1024 * 1024,
    clock_hz=20_000_000,
    source="Arm DAI 0505: SSRAM1 4 MB (in place of flash), SSRAM2 and 3 4 MB, 20 MHz",
    fpu=True,
    fma=True,
    ports=(
        "common",
        "cortex_m",
        "emulated",
        "ram_flash",
        "cmsdk_uart",
        "cmsdk_timer",
        "mps2_an505",
    ),
    store_bytes=2 * 1024 * 1024,
    emulator=Emulator("qemu-system-arm", "mps2-an505", 7, "qemu-system-arm"),
    dsp=True,
)
