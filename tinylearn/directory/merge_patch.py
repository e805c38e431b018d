"""JSON Merge Patch (RFC 7396): apply one, and find the one between two documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def apply(target: Any, patch: Any) -> Any:
    """The patched document; the target stays as it is. Nesting is bounded where JSON is parsed."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = apply(merged.get(name), value)
    return merged


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The patch that makes ``after`` of ``before``: changed members, null for removed ones."""
    patch: dict[str, Any] = {name: None for name in before if name not in after}
    for name, value in after.items():
        if name not in before or not _same(before[name], value):
            patch[name] = _member(before.get(name), value)
    return patch


def _member(old: Any, new: Any) -> Any:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return difference(old, new)
    return new


def _same(a: Any, b: Any) -> bool:
    """As JSON sees it: true is not 1."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(_same(a[name], b[name]) for name in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_same, a, b))
    return isinstance(a, bool) == isinstance(b, bool) and bool(a == b)
