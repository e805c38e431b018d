"""Rollouts of a fleet that several coordinators share: each shard rolls out by itself, to its own
devices, and has a record of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from tinylearn.fleet.records import Rollout

#: which state of its parts a whole rollout is in: the first of these that there is
_STATES = ("aborted", "running", "paused", "superseded", "done")


def merged(parts: Sequence[tuple[int, Rollout]], shard: int | None) -> list[Rollout]:
    """One record a version, in the order in which they began, from (shard, record) sorted by version.

    As the coordinator of ``shard`` goes on: from its own record, and where it has none (the number
    of shards has changed) from the one that is least far; None: the whole, to look at. Devices are
    those of all parts.
    """
    versions = groupby(parts, lambda part: part[1].version)
    found = [_merged(list(group), shard) for _, group in versions]
    return sorted(found, key=lambda rollout: rollout.turn)


def _merged(parts: list[tuple[int, Rollout]], shard: int | None) -> Rollout:
    own = [record for number, record in parts if number == shard]
    records = [record for _, record in parts]
    first = own[0] if own else min(records, key=lambda r: (_STATES.index(r.state), r.stage))
    failed = {name for record in records for name in record.failed}
    installed = {name for record in records for name in record.installed}
    known = set(first.installed), set(first.failed)
    return replace(
        first,
        installed=(*first.installed, *sorted(installed - known[0])),
        failed=(*first.failed, *sorted(failed - known[1])),
    )
