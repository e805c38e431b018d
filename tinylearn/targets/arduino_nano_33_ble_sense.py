"""Arduino Nano 33 BLE Sense, revisions 1 and 2 (nRF52840): the Nano 33 BLE with more sensors."""

from dataclasses import replace

from tinylearn.targets import arduino_nano_33_ble

TARGET = replace(
    arduino_nano_33_ble.TARGET,
    name="arduino-nano-33-ble-sense",
    title="Arduino Nano 33 BLE Sense (nRF52840)",
    source="https://docs.arduino.cc/hardware/nano-33-ble-sense/ (nRF52840)",
    sensors=("Accelerometer", "Gyroscope", "Magnetometer", "Microphone", "Thermometer",
             "Hygrometer", "Barometer", "LightSensor", "ProximitySensor"),
)  # fmt: skip
