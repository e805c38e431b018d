"""Espressif ESP32-C3."""

from tinylearn.targets.target import Target

TARGET = Target(
    name="esp32-c3",
    title="Espressif ESP32-C3",
    core="RV32IMC",
    cpu_flags=("-march=rv32imc", "-mabi=ilp32"),
    toolchain="riscv64-unknown-elf",
    flash_bytes=4 * 1024 * 1024,
    ram_bytes=400 * 1024,
    clock_hz=160_000_000,
    source="ESP32-C3 Series Datasheet 2.0: 400 kB SRAM, 4 MB flash in the package, 160 MHz",
    arduino_board="esp32:esp32:esp32c3",
    platformio_board=("espressif32", "esp32-c3-devkitm-1"),
    chip="ESP32-C3",
    radios=("WiFi", "BluetoothLowEnergy"),
    # the datasheet's modem-sleep table: 23 mA at 3.3 V, 160 MHz, peripheral clocks off
    power_watts=0.076,
    # with the compiler's floating-point library
    program_flash=18432,
)
