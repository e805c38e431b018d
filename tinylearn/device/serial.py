"""A board on a serial port, through pyserial."""

from __future__ import annotations

from typing import Any

from tinylearn.errors import DeviceError, MissingToolError

BAUD = 115200
_WRITE_SECONDS = 10.0


class SerialTransport:
    """An open serial port; USB ports ignore ``baud``."""

    def __init__(self, port: str, baud: int = BAUD) -> None:
        """Opens the port; raises DeviceError where there is none or another program has it."""
        self.name = f"serial {port}"
        try:
            import serial
        except ImportError:
            raise MissingToolError(
                f"{self.name}: needs pyserial; pip install 'tinylearn[serial]'"
            ) from None
        self._errors: tuple[type[Exception], ...] = (serial.SerialException, OSError, ValueError)
        try:
            self._line: Any = serial.Serial(
                port, baud, timeout=0, write_timeout=_WRITE_SECONDS, exclusive=True
            )
        except self._errors as error:
            raise DeviceError(
                f"{self.name}: cannot be opened ({error}); is the board plugged in, and does no "
                "other program use it?"
            ) from None

    def send(self, data: bytes) -> None:
        """Sends all bytes."""
        try:
            self._line.write(data)
        except self._errors as error:
            raise self._gone(error) from None

    def receive(self, timeout: float) -> bytes:
        """What has arrived, after at most ``timeout`` s."""
        try:
            self._line.timeout = max(timeout, 0.0)
            first = bytes(self._line.read(1))
            return first + bytes(self._line.read(self._line.in_waiting)) if first else b""
        except self._errors as error:
            raise self._gone(error) from None

    def _gone(self, error: Exception) -> DeviceError:
        return DeviceError(f"{self.name}: the line is gone ({error}); is the board plugged in?")

    def close(self) -> None:
        """Closes the port."""
        self._line.close()
