"""Cortex-M55: Arm MPS3 AN547, Corstone-300, as QEMU emulates it."""

from tinylearn.targets.target import Emulator, Target

# Without MVE's float vectors, into which the compiler would turn plain loops: they flush
# subnormal numbers to zero, and the result would no longer be that of every other core.

TARGET = Target(
    name="cortex-m55",
    title="Arm MPS3 AN547, Corstone-300 (Cortex-M55), emulated",
    core="Cortex-M55",
    cpu_flags=("-mcpu=cortex-m55+nomve.fp", "-mfloat-abi=hard", "-mfpu=auto"),
    toolchain="arm-none-eabi",
    flash_bytes=512 * 1024,
    ram_bytes=512 * 1024,
    clock_hz=32_000_000,
    source="Arm DAI 0547: instruction TCM 512 kB (in place of flash), data TCM 512 kB, 32 MHz",
    fpu=True,
    fma=True,
    ports=("common", "cortex_m", "emulated", "ram_flash", "cmsdk_uart", "mps3_an547"),
    emulator=Emulator("qemu-system-arm", "mps3-an547", 7, "qemu-system-arm"),
    dsp=True,
)
