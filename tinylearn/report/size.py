"""Sizes of what was built, read from the object files and the ELF image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tinylearn.errors import BadInputError

_ALLOC, _WRITE, _EXECUTE = 0x2, 0x1, 0x4
#: of firmware/port's linker scripts
_STACK = ".tl_stack"


@dataclass(frozen=True)
class Sizes:
    """Bytes by kind of section: code, constants, initialised and zeroed RAM; of the latter what the
    linker has set aside for the stack."""

    code: int
    constants: int
    data: int
    zeroed: int
    stack: int = 0

    @property
    def flash(self) -> int:
        """What the image takes in flash."""
        return self.code + self.constants + self.data


def _kind(section: object) -> str:
    header = section.header  # type: ignore[attr-defined]
    flags = header["sh_flags"]
    if not flags & _ALLOC:
        return ""
    if header["sh_type"] == "SHT_NOBITS":
        return "zeroed"
    if flags & _EXECUTE:
        return "code"
    return "data" if flags & _WRITE else "constants"


def sizes_of(path: Path) -> Sizes:
    """Sizes of an object file or an image; raises BadInputError where it is not ELF."""
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    totals = {"code": 0, "constants": 0, "data": 0, "zeroed": 0, "stack": 0}
    try:
        with path.open("rb") as file:
            elf = ELFFile(file)
            if elf.num_sections() == 0:
                raise ELFError("no sections")
            for section in elf.iter_sections():
                kind = _kind(section)
                if kind:
                    totals[kind] += section.header["sh_size"]
                if kind == "zeroed" and section.name == _STACK:
                    totals["stack"] += section.header["sh_size"]
    except (OSError, ELFError) as error:
        raise BadInputError(
            f"{path}: cannot read its sizes ({error}); build the project again"
        ) from None
    return Sizes(**totals)


def model_code_bytes(folder: Path, name: str, flash_weights: int) -> int:
    """Bytes of the model's own code, without its weights, from a built project."""
    sizes = sizes_of(folder / "build" / f"{name}.o")
    return sizes.code + sizes.constants - flash_weights
