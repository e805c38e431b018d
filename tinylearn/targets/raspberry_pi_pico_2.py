"""Raspberry Pi Pico 2 (RP2350)."""

from tinylearn.targets.target import Target

TARGET = Target(
    name="raspberry-pi-pico-2",
    title="Raspberry Pi Pico 2 (RP2350)",
    core="Cortex-M33",
    cpu_flags=("-mcpu=cortex-m33", "-mfloat-abi=hard", "-mfpu=fpv5-sp-d16"),
    toolchain="arm-none-eabi",
    flash_bytes=4 * 1024 * 1024,
    ram_bytes=520 * 1024,
    clock_hz=150_000_000,
    source="https://datasheets.raspberrypi.com/pico/pico-2-datasheet.pdf (RP2350)",
    fpu=True,
    fma=True,
    arduino_board="rp2040:rp2040:rpipico2",
    chip="RP2350",
    dsp=True,
)
