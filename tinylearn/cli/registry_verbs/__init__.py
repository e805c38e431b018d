"""Verbs of ``tinylearn registry``: one file each, no logic."""

#: in the order of the work
VERBS: tuple[str, ...] = (
    "import",
    "validate",
    "devices",
    "models",
    "show",
    "query",
    "match",
    "generate",
    "stats",
    "delete",
    "export",
    "backup",
    "restore",
)
