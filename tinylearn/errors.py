"""Every error that a user of tinylearn can meet, and the exit code it ends the program with.

    TinylearnError                 1   it failed
    ├── UsageError                 2   the command line asks for something that makes no sense
    │   └── BadInputError          2   a file or message is damaged, hostile or of another kind
    ├── UnsupportedError           3   a layer, op, dtype or target that tinylearn does not know
    ├── DoesNotFitError            4   the model needs more RAM or flash than the target has
    ├── MismatchError              5   generated code and its oracle disagree
    ├── DeviceError                6   a device, broker or coordinator did not answer, or refused
    │   └── RefusedError           6   the device refused: its weights are as they were
    └── MissingToolError           7   a compiler, emulator or Python package is not installed

Each message names the thing (file, layer, tensor, device), says what is wrong and what to do.
"""


class TinylearnError(Exception):
    """Base of all errors that are shown to the user without a traceback."""

    exit_code = 1


class UsageError(TinylearnError):
    """The request itself makes no sense."""

    exit_code = 2


class BadInputError(UsageError):
    """A file or message cannot be trusted or understood."""


class UnsupportedError(TinylearnError):
    """A layer, op, dtype or target outside what tinylearn implements."""

    exit_code = 3


class DoesNotFitError(TinylearnError):
    """The model needs more memory than the target or the budget has."""

    exit_code = 4


class MismatchError(TinylearnError):
    """Generated code and its oracle differ by more than the tolerance."""

    exit_code = 5


class DeviceError(TinylearnError):
    """A device is silent, gone, or answers what it should not; the same of a broker or coordinator."""

    exit_code = 6


class RefusedError(DeviceError):
    """A device refused a request and changed nothing."""


class MissingToolError(TinylearnError):
    """A program or package that this step needs is not installed."""

    exit_code = 7
