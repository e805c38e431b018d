"""Raspberry Pi Pico (RP2040)."""

from tinylearn.targets.target import Target

TARGET = Target(
    name="raspberry-pi-pico",
    title="Raspberry Pi Pico (RP2040)",
    core="Cortex-M0+",
    cpu_flags=("-mcpu=cortex-m0plus", "-mfloat-abi=soft"),
    toolchain="arm-none-eabi",
    flash_bytes=2 * 1024 * 1024,
    ram_bytes=264 * 1024,
    clock_hz=133_000_000,
    source="https://datasheets.raspberrypi.com/pico/pico-datasheet.pdf (RP2040)",
    arduino_board="rp2040:rp2040:rpipico",
    platformio_board=("raspberrypi", "pico"),
    chip="RP2040",
    # with the compiler's floating-point library
    program_flash=17152,
)
