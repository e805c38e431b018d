"""8-bit AVR ATmega328P: the Arduino Uno R3, as simavr emulates it."""

from tinylearn.targets.target import Simavr, Target

TARGET = Target(
    name="atmega328p",
    title="Arduino Uno R3 (ATmega328P, 8-bit AVR), emulated",
    core="AVR",
    cpu_flags=("-mmcu=atmega328p",),
    toolchain="avr",
    flash_bytes=32 * 1024,
    ram_bytes=2 * 1024,
    clock_hz=16_000_000,
    source="ATmega328P Datasheet DS40002061B: 32 kB flash, 2 kB SRAM; 16 MHz on the board",
    ports=("atmega328p",),
    defines=("TL_FRAME_BYTES=64",),
    arduino_board="arduino:avr:uno",
    platformio_board=("atmelavr", "uno"),
    emulator=Simavr("atmega328p"),
    link=("-Wl,--gc-sections", "-Wl,--defsym=__DATA_REGION_LENGTH__=2048"),
    optimize="-Os",
    program_flash=11264,
    program_ram=700,
    stack_bytes=300,
    chip="ATmega328P",
)
