"""Deployment: a version comes into the store whole, or not at all, wherever power fails."""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np
import pytest
from support.fleet_devices import INPUTS, LEAST, LINEAR, SMALL, SOFTMAX, FleetHost, task, version

from tinylearn.fleet import messages as m

FLASH = 768


def blob_of(weights: bytes, kind: int = LINEAR, **changes: object) -> bytes:
    """As the coordinator makes it, of another device's table."""
    held = FleetHost(kind).device().read_weights()
    return replace(held, weights=weights, **changes).pack()


def deploy_of(blob: bytes, number: int, kind: int = LINEAR) -> m.Deploy:
    return m.Deploy(number, len(blob), zlib.crc32(blob), task(kind).model_hash)


def deploy(host: FleetHost, blob: bytes, number: int, kind: int = LINEAR,
           room: int = 1 << 16) -> m.Deployed:  # fmt: skip
    """The whole conversation; what the device says at its end."""
    said = host.say(deploy_of(blob, number, kind))
    while isinstance(said, m.Pull):
        assert (said.run, said.round, said.version) == (0, 0, number)
        data = blob[said.offset : said.offset + min(said.room, room)]
        said = host.say(m.Chunk(number, said.offset, data))
    assert isinstance(said, m.Deployed)
    return said


@pytest.mark.parametrize("defines", [(), SMALL, LEAST])
def test_a_version_is_deployed_and_known_after_a_restart(defines: tuple[str, ...]) -> None:
    host = FleetHost(LINEAR, FLASH, defines=defines)
    assert deploy(host, blob_of(version(LINEAR)), 5) == m.Deployed(5, 0)
    assert host.weights() == version(LINEAR)
    host.restart()
    assert host.weights() == version(LINEAR) and host.deployed == 5
    announced = host.say(m.Who())
    assert isinstance(announced, m.Announce) and announced.deployed == 5
    assert host.flash.misuse == 0


def test_labels_come_with_the_version() -> None:
    host = FleetHost(SOFTMAX, 1024)
    labels = {"labels": (7, 8)}
    assert deploy(host, blob_of(version(SOFTMAX), SOFTMAX, **labels), 2, SOFTMAX).fault == 0
    assert host.device().labels() == (7, 8)


def test_what_is_deployed_already_is_not_pulled_again() -> None:
    host = FleetHost(LINEAR, FLASH)
    blob = blob_of(version(LINEAR))
    deploy(host, blob, 5)
    touched = host.flash.touched
    assert host.say(deploy_of(blob, 5)) == m.Deployed(5, 0)
    assert host.flash.touched == touched


def test_a_reminder_goes_on_where_it_was() -> None:
    host, blob = FleetHost(LINEAR, FLASH, defines=LEAST), blob_of(bytes(56))
    first = host.say(deploy_of(blob, 5))
    assert isinstance(first, m.Pull)
    second = host.say(m.Chunk(5, 0, blob[: first.room]))
    assert isinstance(second, m.Pull) and second.offset == first.room
    assert host.say(deploy_of(blob, 5)) == second
    assert host.say(m.Chunk(5, 0, blob[: first.room])) is None


def test_weights_saved_later_descend_from_the_version() -> None:
    host = FleetHost(LINEAR, FLASH)
    deploy(host, blob_of(version(LINEAR)), 5)
    host.device().learn(np.ones(INPUTS), target=[1, 2])
    host.device().save()
    host.restart()
    assert host.deployed == 5
    host.device().write_weights(blob_of(version(LINEAR, 4)))
    assert host.deployed == 0  # weights of unknown origin
    host.restart()
    assert host.deployed == 0


def test_without_room_for_the_tag_the_version_is_not_known_after_a_restart() -> None:
    blob = blob_of(version(LINEAR))
    host = FleetHost(LINEAR, 2 * (len(blob) + 4))
    assert deploy(host, blob, 5) == m.Deployed(5, 0) and host.deployed == 5
    host.restart()
    assert host.weights() == version(LINEAR) and host.deployed == 0
    assert deploy(host, blob, 5) == m.Deployed(5, 0)


def test_what_cannot_be_deployed_is_told_with_the_version_that_is_there() -> None:
    host, good = FleetHost(LINEAR, FLASH), blob_of(version(LINEAR))
    deploy(host, good, 5)

    def fault(blob: bytes, **changes: object) -> int:
        said = host.say(replace(deploy_of(blob, 6), **changes))
        while isinstance(said, m.Pull):
            data = blob[said.offset : said.offset + said.room]
            said = host.say(m.Chunk(6, said.offset, data))
        assert isinstance(said, m.Deployed) and said.version == 5
        assert host.weights() == version(LINEAR)
        return said.fault

    assert fault(good, model_hash=bytes(16)) == m.Fault.MODEL
    assert fault(blob_of(version(LINEAR), model_hash=bytes(16))) == m.Fault.MODEL
    assert fault(good, crc=1) == m.Fault.DAMAGED
    broken = good[:60] + bytes([good[60] ^ 1]) + good[61:]
    assert fault(broken, crc=zlib.crc32(broken)) == m.Fault.DAMAGED
    assert fault(good[:-4]) == m.Fault.DAMAGED
    assert fault(good + bytes(4)) == m.Fault.DAMAGED
    zero = host.say(replace(deploy_of(good, 6), version=0))
    assert zero == m.Deployed(5, m.Fault.UNSUPPORTED)
    nowhere = FleetHost(LINEAR, 0)
    assert nowhere.say(deploy_of(good, 6)) == m.Deployed(0, m.Fault.STORE)
    small = FleetHost(LINEAR, 64)
    assert deploy(small, good, 6) == m.Deployed(0, m.Fault.STORE)
    host.restart()
    assert host.weights() == version(LINEAR) and host.deployed == 5


def test_a_task_waits_for_a_deployment_but_not_for_ever() -> None:
    host, blob = FleetHost(LINEAR, FLASH), blob_of(version(LINEAR))
    pull, wanted = host.say(deploy_of(blob, 5)), task(LINEAR, flags=m.TaskFlag.INLINE)
    assert [host.say(wanted) for _ in range(3)] == [pull] * 3
    begun = host.say(wanted)
    assert isinstance(begun, m.Progress) and begun.phase is m.Phase.LEARNING
    assert deploy(host, blob, 5) == m.Deployed(5, 0)
    assert host.phase is m.Phase.IDLE and host.mode == 1


def test_a_deployment_that_moves_on_is_waited_for() -> None:
    host, blob = FleetHost(LINEAR, FLASH, defines=LEAST), blob_of(version(LINEAR))
    said, wanted = host.say(deploy_of(blob, 5)), task(LINEAR)
    while isinstance(said, m.Pull):
        assert [host.say(wanted) for _ in range(3)] == [said] * 3
        said = host.say(m.Chunk(5, said.offset, blob[said.offset : said.offset + said.room]))
    assert said == m.Deployed(5, 0)


@pytest.mark.parametrize("torn", [0x00, 0x5A, 0xFF])
def test_power_fails_at_every_byte(torn: int) -> None:
    """Old weights or new ones, whole; the version is the old, the new, or not known; and the
    coordinator's next DEPLOY always brings the new."""
    old, new = version(LINEAR, 1), version(LINEAR, 2)
    blobs, power, went_over, done = (blob_of(old), blob_of(new)), 1, 0, False
    while not done:
        host = FleetHost(LINEAR, 512)
        deploy(host, blobs[0], 1)
        host.flash.power, host.flash.torn = power, torn
        done = deploy(host, blobs[1], 2).fault == 0 and host.flash.power > 0
        host.flash.power = 0xFFFFFFFF
        host.restart()
        assert host.weights() in (old, new), power
        assert host.deployed in ((0, 2) if host.weights() == new else (1,)), power
        went_over += host.weights() == new
        assert deploy(host, blobs[1], 2) == m.Deployed(2, 0)
        host.restart()
        assert (host.weights(), host.deployed) == (new, 2) and host.flash.misuse == 0, power
        power += 1
    assert power > 256 + len(blobs[1]) and went_over < 20
