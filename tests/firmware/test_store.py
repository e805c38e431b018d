"""The weight store in C: which slot counts, and every kind of damage. Power failures are in
``c/power_fail.c``."""

from __future__ import annotations

import dataclasses
import struct

import numpy as np
import pytest
from c_runtime import INPUTS, Host

from tinylearn.device import blob as blobs
from tinylearn.device import frames
from tinylearn.device.messages import Message, Type
from tinylearn.errors import RefusedError

SLOT = 512


def learnt(host: Host, seed: int = 0, n: int = 20) -> bytes:
    rng = np.random.default_rng(seed)
    for _ in range(n):
        host.step(rng.normal(size=INPUTS), int(rng.integers(4)) + 100)
    return host.weights()


def put(host: Host, slot: int, blob: blobs.Blob) -> None:
    data = blob.pack()
    host.flash.bytes[slot * SLOT : slot * SLOT + len(data)] = list(data)


def blobs_of_two_ages(first: int, second: int) -> tuple[Host, blobs.Blob, blobs.Blob]:
    host = Host()
    learnt(host)
    old = dataclasses.replace(host.device().read_weights(), sequence=first)
    learnt(host, 1)
    new = dataclasses.replace(host.device().read_weights(), sequence=second)
    return host, old, new


def test_weights_and_labels_return_after_a_restart() -> None:
    host = Host()
    weights = learnt(host)
    labels = host.device().labels()
    host.device().save()
    learnt(host, 1)
    host.restart()
    assert host.weights() == weights
    assert host.device().labels() == labels and len(labels) == 4
    assert host.step(np.ones(INPUTS), labels[2]).status == 0  # the classes are open again
    assert host.device().info().classes == 4


def test_the_slot_holds_what_python_packs() -> None:
    host = Host()
    learnt(host)
    host.device().save()
    blob = dataclasses.replace(host.device().read_weights(), sequence=1)
    data = blob.pack()
    assert bytes(host.flash.bytes[: len(data)]) == data
    assert set(host.flash.bytes[len(data) : SLOT]) == {0xFF}


@pytest.mark.parametrize(
    ("a", "b"), [(1, 2), (0xFFFFFFFF, 0), (0xFFFFFFFE, 1), (0x7FFFFFFF, 0x80000000)]
)
@pytest.mark.parametrize("newer_slot", [0, 1])
def test_the_higher_sequence_counts_across_the_wrap(a: int, b: int, newer_slot: int) -> None:
    host, old, new = blobs_of_two_ages(a, b)
    put(host, newer_slot, new)
    put(host, 1 - newer_slot, old)
    host.restart()
    assert host.weights() == new.weights and host.live == newer_slot
    assert host.save() == 0
    assert host.live == 1 - newer_slot and host.sequence == (b + 1) & 0xFFFFFFFF


def test_any_flipped_bit_in_the_newest_gives_the_one_before() -> None:
    host, old, new = blobs_of_two_ages(1, 2)
    put(host, 0, old)
    put(host, 1, new)
    for bit in range(8 * len(new.pack())):
        host.flash.bytes[SLOT + bit // 8] ^= 1 << bit % 8
        host.restart()
        assert host.live == 0 and host.weights() == old.weights, bit
        host.flash.bytes[SLOT + bit // 8] ^= 1 << bit % 8


def test_when_both_slots_are_damaged_load_is_refused_and_the_live_weights_stay() -> None:
    host, old, new = blobs_of_two_ages(1, 2)
    put(host, 0, old)
    put(host, 1, new)
    host.restart()
    live = host.weights()
    host.flash.bytes[60] ^= 1
    host.flash.bytes[SLOT + 60] ^= 1
    with pytest.raises(RefusedError, match="nothing to go back to"):
        host.device().load()
    assert host.weights() == live


@pytest.mark.parametrize("address", [0, 35, 36, 60, 150])
def test_a_worn_cell_is_reported_and_the_old_weights_stay(address: int) -> None:
    for worn in ("worn", "stuck"):
        host = Host()
        old = learnt(host)
        host.device().save()
        setattr(host.flash, worn, SLOT + address)
        newer = learnt(host, 1)
        with pytest.raises(RefusedError, match="flash failed"):
            host.device().save()
        assert host.weights() == newer  # the live weights go on
        host.restart()
        assert host.weights() == old


def test_every_flipped_bit_of_an_upload_is_refused() -> None:
    host = Host()
    live = learnt(host)
    host.device().save()
    device = host.device()
    data = device.read_weights().pack()
    changed = dataclasses.replace(device.read_weights(), weights=bytes(len(live))).pack()
    for bit in range(0, 8 * len(data), 3):
        damaged = bytearray(changed)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(RefusedError):
            device.write_weights(bytes(damaged))
        assert host.weights() == live, bit
    host.restart()
    assert host.weights() == live
    host.device().write_weights(changed)
    assert host.weights() == bytes(len(live))


def test_the_refusal_says_what_is_wrong() -> None:
    host = Host()
    learnt(host)
    device = host.device()
    blob = device.read_weights()
    data = blob.pack()
    other = dataclasses.replace(blob, model_hash=bytes(16))
    for wrong, words in (
        (other.pack(), "another model"),
        (data[:4] + b"\x02" + data[5:], "format version"),
        (b"GIF8" + data[4:], "no weights"),
        (dataclasses.replace(blob, weights=blob.weights[:-4]).pack(), "layout"),
        (dataclasses.replace(blob, labels=(1,) * 6).pack(), "layout"),
        (dataclasses.replace(blob, tensors=((0, 30), (4, 6))).pack(), "damaged"),
        (data[:-1], "interrupted"),
        (data + b"\0", "interrupted"),
    ):
        with pytest.raises(RefusedError, match=words):
            device.write_weights(wrong)
        assert host.weights() == blob.weights


def test_an_upload_takes_weights_and_labels_over_and_stores_them() -> None:
    source, target = Host(), Host()
    weights = learnt(source)
    learnt(target, 1, n=3)
    target.device().write_weights(source.device().read_weights())
    for _ in range(2):
        assert target.weights() == weights
        assert target.device().labels() == source.device().labels()
        target.restart()


@pytest.mark.parametrize(
    "defines", [("TL_FRAME_BYTES=64", "TL_FLASH_UNIT=1"), ("TL_FLASH_UNIT=16",)]
)
def test_other_frame_and_flash_sizes(defines: tuple[str, ...]) -> None:
    host = Host(defines=defines)
    weights = learnt(host)
    device = host.device()
    blob = device.read_weights()
    device.save()
    learnt(host, 1)
    device.load()
    assert host.weights() == weights
    learnt(host, 2)
    device.write_weights(blob)
    host.restart()
    assert host.weights() == weights
    assert host.flash.misuse == 0


@pytest.mark.parametrize("flash_bytes", [0, 256, 1022])
def test_a_device_without_room_says_so(flash_bytes: int) -> None:
    host = Host(flash_bytes=flash_bytes)
    learnt(host)
    with pytest.raises(RefusedError, match="no memory to store"):
        host.device().save()


def chunk(host: Host, sequence: int, offset: int, data: bytes) -> bytes:
    payload = struct.pack("<I", offset) + data
    request = Message(Type.UPLOAD_CHUNK, sequence, payload)
    (content,) = frames.Decoder().feed(host.exchange(frames.encode(request.pack())))
    return Message.unpack(content).payload


def test_an_upload_goes_on_where_the_device_says() -> None:
    host = Host()
    learnt(host)
    data = host.device().read_weights().pack()
    begin = Message(Type.UPLOAD_BEGIN, 1, data[:36])
    host.exchange(frames.encode(begin.pack()))
    assert chunk(host, 2, 36, data[36:100]) == b""
    assert chunk(host, 2, 36, data[36:100]) == b""  # the same frame again
    expected = struct.pack("<BBHI", 10, Type.UPLOAD_CHUNK, 0, 100)
    assert chunk(host, 3, 36, data[36:100]) == expected
    assert chunk(host, 4, 104, data[104:150]) == expected
    assert chunk(host, 5, 100, data[100:] + bytes(20)) == expected  # beyond the end
    assert chunk(host, 6, 100, data[100:]) == b""
    commit = Message(Type.UPLOAD_COMMIT, 7)
    (content,) = frames.Decoder().feed(host.exchange(frames.encode(commit.pack())))
    assert Message.unpack(content).type == Type.UPLOAD_COMMIT | 0x80
    assert host.live == 0


def test_a_save_ends_an_upload_that_is_under_way() -> None:
    host = Host()
    weights = learnt(host)
    data = host.device().read_weights().pack()
    host.exchange(frames.encode(Message(Type.UPLOAD_BEGIN, 1, data[:36]).pack()))
    assert host.save() == 0
    assert chunk(host, 2, 36, data[36:60]) == struct.pack("<BBHI", 10, Type.UPLOAD_CHUNK, 0, 0)
    host.restart()
    assert host.weights() == weights and host.flash.misuse == 0
