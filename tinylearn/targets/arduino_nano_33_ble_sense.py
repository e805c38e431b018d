"""Arduino Nano 33 BLE Sense, revisions 1 and 2 (nRF52840)."""

from tinylearn.targets.target import Target

TARGET = Target(
    name="arduino-nano-33-ble-sense",
    title="Arduino Nano 33 BLE Sense (nRF52840)",
    core="Cortex-M4F",
    cpu_flags=("-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"),
    toolchain="arm-none-eabi",
    flash_bytes=1024 * 1024,
    ram_bytes=256 * 1024,
    clock_hz=64_000_000,
    source="https://docs.arduino.cc/hardware/nano-33-ble-sense/ (nRF52840)",
    fpu=True,
    fma=True,
    arduino_board="arduino:mbed_nano:nano33ble",
    platformio_board=("nordicnrf52", "nano33ble"),
    chip="nRF52840",
    dsp=True,
    sensors=("Accelerometer", "Gyroscope", "Magnetometer", "Microphone", "Thermometer",
             "Hygrometer", "Barometer", "LightSensor", "ProximitySensor"),
    radios=("BluetoothLowEnergy", "Ieee802154"),
    # nRF52840 Product Specification 1.1: 3.3 mA at 3 V running CoreMark from flash at 64 MHz, DC/DC
    power_watts=0.0099,
)  # fmt: skip
