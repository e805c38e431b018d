"""C identifiers for tensors and models. Names in a model file are untrusted text."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tinylearn.errors import UsageError

_KEYWORDS = frozenset(
    [
        "auto",
        "break",
        "case",
        "char",
        "const",
        "continue",
        "default",
        "do",
        "double",
        "else",
        "enum",
        "extern",
        "float",
        "for",
        "goto",
        "if",
        "inline",
        "int",
        "long",
        "register",
        "restrict",
        "return",
        "short",
        "signed",
        "sizeof",
        "static",
        "struct",
        "switch",
        "typedef",
        "union",
        "unsigned",
        "void",
        "volatile",
        "while",
        "main",
        "arena",
        "weights",
        "classes",
        "learning_rate",
        "samples",
        "m",
        "x",
        "y",
        "t",
    ]
)
_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]{0,39}")
_LONGEST = 40


def identifier(text: str) -> str:
    """Text as a lower-case C identifier of at most 40 characters."""
    plain = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:_LONGEST].strip("_")
    if not plain or plain[0].isdigit() or plain in _KEYWORDS or plain.startswith("tl_"):
        plain = f"n_{plain}"[:_LONGEST]
    return plain


def model_name(text: str) -> str:
    """A model's name, checked: it becomes the prefix of everything generated."""
    if not _IDENTIFIER.fullmatch(text) or text in _KEYWORDS or text.startswith("tl_"):
        raise UsageError(
            f"--name {text}: must be a C identifier of lower-case letters, digits and _, "
            "at most 40 characters, not a keyword and not starting with tl_"
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
    """Text that cannot end a C comment or leave its line."""
    return (
        "".join(c if c.isprintable() and ord(c) < 127 else "?" for c in text)
        .replace("*/", "* /")
        .replace("/*", "/ *")
    )
