"""How many coordinators share a run: all of them must agree, or devices would be looked after by two,
or by nobody."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tinylearn.errors import UsageError
from tinylearn.fleet.records import Change, Log, PutRound, Round
from tinylearn.fleet.shards import Shard
from tinylearn.fleet.store import Store


def share_among(store: Store, run: int, before: int, shard: Shard) -> None:
    """Makes ready for ``shard.count`` coordinators where there were ``before``. Rounds of parts that
    are no more are void: their devices are now in others. Raises UsageError while one of the others
    still serves."""
    if before == shard.count:
        return
    others = [n for n in range(max(before, shard.count)) if n != shard.number]
    if any(store.is_taken(run, number) for number in others):
        raise UsageError(
            f"{store.where}: run {run} is shared among {before} coordinators, not {shard.count}, and "
            "one of them serves; end them all first"
        )
    for number in range(shard.count, before):
        opened = store.load(run, number, before).open_rounds.values()
        store.commit(run, [*_void(opened, shard.count)], number)


def _void(rounds: Iterable[Round], count: int) -> Iterable[Change]:
    for each in rounds:
        yield PutRound(replace(each, open=False))
        yield Log("void", each.number, "", f"the run is now shared among {count}")
