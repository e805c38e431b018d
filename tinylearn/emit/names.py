"""C identifiers for tensors and models. Names in a model file are untrusted text."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tinylearn.errors import UsageError

_C = (
    "auto break case char const continue default do double else enum extern float for goto if "
    "inline int long main register restrict return short signed sizeof static struct switch "
    "typedef union unsigned void volatile while"
)
#: the generated header is also read by C++ compilers
_CPP = (
    "alignas alignof and and_eq asm bitand bitor bool catch char16_t char32_t class compl "
    "const_cast constexpr decltype delete dynamic_cast explicit export false friend mutable "
    "namespace new noexcept not not_eq nullptr operator or or_eq private protected public "
    "reinterpret_cast static_assert static_cast template this thread_local throw true try typeid "
    "typename using virtual wchar_t xor xor_eq"
)
#: members of the struct, parameters, and what generated code defines behind the model's prefix
_GENERATED = (
    "arena weights classes learning_rate samples reserved m x y t weights_t initial "
    "ram_as_planned init forward predict observe update update_label learn learn_label step "
    "backward apply set_learning_rate add_class weights_read weights_write at tl"
)
_RESERVED = frozenset(f"{_C} {_CPP} {_GENERATED}".split())
#: with _t behind them these are types of <stddef.h> and <stdint.h>
_TYPES = re.compile(r"s?size|ptrdiff|wchar|max_align|u?int((_least|_fast)?(8|16|32|64)|ptr|max)")
_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]{0,39}")
_LONGEST = 40
_LONGEST_COMMENT = 72


def _reserved(name: str) -> bool:
    return name in _RESERVED or name.startswith("tl_") or _TYPES.fullmatch(name) is not None


def identifier(text: str) -> str:
    """Text as a lower-case C identifier of at most 40 characters."""
    plain = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:_LONGEST].strip("_")
    if not plain or plain[0].isdigit() or _reserved(plain):
        plain = f"n_{plain}"[:_LONGEST]
    return plain


def model_name(text: str) -> str:
    """A model's name, checked: it becomes the prefix of everything generated."""
    if not _IDENTIFIER.fullmatch(text) or _reserved(text):
        raise UsageError(
            f"--name {text}: must be a C identifier of lower-case letters, digits and _, "
            "at most 40 characters, not a word of C, C++ or the generated code, not tl_.."
        )
    return text


def unique_identifiers(names: Iterable[str]) -> dict[str, str]:
    """An identifier for each name, in order, none twice. "/activation" and "/pre" fall away."""
    taken, result = set[str](), dict[str, str]()
    for name in names:
        base = identifier(re.sub(r"/activation|:pre$", "", name))
        candidate, count = base, 2
        while candidate in taken:
            candidate, count = f"{base}_{count}", count + 1
        taken.add(candidate)
        result[name] = candidate
    return result


def comment(text: str) -> str:
    """Text that cannot end a C comment or leave its line, cut where it is long."""
    text = text if len(text) <= _LONGEST_COMMENT else text[: _LONGEST_COMMENT - 2] + ".."
    plain = "".join(c if c.isprintable() and ord(c) < 127 else "?" for c in text)
    plain = re.sub(r"\?(?=\?)", "? ", plain)  # no trigraphs
    return plain.replace("*/", "* /").replace("/*", "/ *")
