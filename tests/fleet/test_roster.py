"""Who may be asked, kept up to date at each change; who has reported, for a bounded time."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from support.fleet_world import COUNT, HASH

from tinylearn.fleet.config import Config
from tinylearn.fleet.events import Effects
from tinylearn.fleet.messages import Capability
from tinylearn.fleet.records import Device, PutDevice, Run
from tinylearn.fleet.reported import Reported
from tinylearn.fleet.roster import Roster

RUN = Run(1, "fed_avg", {}, 3, "net", HASH, 4 * COUNT, 4 * COUNT)
DEVICES = st.builds(
    Device, st.sampled_from("abcdef"), st.sampled_from([HASH, bytes(16)]),
    st.sampled_from([Capability.NONE, Capability.LEARN]), free_ram=st.sampled_from([0, 5000]),
    online=st.booleans(), tags=st.sampled_from([(), ("hall",)]), paused=st.booleans(),
    evicted=st.booleans(),
)  # fmt: skip


@given(st.lists(DEVICES), st.lists(DEVICES))
def test_the_eligible_are_those_who_may_learn(before: list[Device], then: list[Device]) -> None:
    config = Config(least_ram=1000, tags=("hall",))
    roster = Roster(RUN, config, {device.name: device for device in before}, Capability.LEARN)
    for device in [None, *then]:
        if device is not None:
            roster.put(device)
        may = [d.name for d in roster.devices.values() if d.online and not d.paused
               and not d.evicted and d.model_hash == HASH and d.capabilities and d.free_ram
               and d.tags]  # fmt: skip
        assert roster.eligible() == sorted(may)


def test_a_flood_of_rubbish_leaves_a_bounded_trace() -> None:
    roster, effects = Roster(RUN, Config(most_strikes=150), {}, Capability.LEARN), Effects()
    for _ in range(5000):
        roster.strike("d", "rubbish", 1, 1, effects)
    assert len(effects.changes) == 2 * 150
    last = [change for change in effects.changes if isinstance(change, PutDevice)][-1]
    assert last.device == replace(roster.get("d")) and last.device.isolated_until > 1


ADDED = st.lists(st.tuples(st.integers(1, 20), st.sampled_from("abc")), max_size=80)


@given(ADDED, st.sets(st.integers(1, 20)), st.integers(1, 10))
def test_reports_of_the_oldest_rounds_are_forgotten(
    added: list[tuple[int, str]], open_: set[int], most: int
) -> None:
    reported = Reported((), most)
    for pair in added:
        reported.add(*pair)
        assert pair in reported
    assert len(reported) == len(set(added))
    reported.forget(open_)
    kept = {pair for pair in added if pair in reported}
    assert len(kept) == len(reported)
    assert kept == {p for p in added if p[0] >= min((k[0] for k in kept), default=99)}
    assert len(kept) <= most or min(kept)[0] in open_
    assert {pair for pair in added if pair[0] in open_} <= kept
