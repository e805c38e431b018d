"""ST NUCLEO-F446RE (STM32F446RE)."""

from tinylearn.targets.target import Target

TARGET = Target(
    name="nucleo-f446re",
    title="ST NUCLEO-F446RE (STM32F446RE)",
    core="Cortex-M4F",
    cpu_flags=("-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"),
    toolchain="arm-none-eabi",
    flash_bytes=512 * 1024,
    ram_bytes=128 * 1024,
    clock_hz=180_000_000,
    source="https://docs.zephyrproject.org/latest/boards/st/nucleo_f446re/ (STM32F446RE)",
    fpu=True,
    fma=True,
    arduino_board="STMicroelectronics:stm32:Nucleo_64:pnum=NUCLEO_F446RE",
    platformio_board=("ststm32", "nucleo_f446re"),
    chip="STM32F446RE",
    dsp=True,
)
