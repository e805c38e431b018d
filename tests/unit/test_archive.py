"""Archives nobody vouched for: every kind of damage is one clear error, within limits."""

import struct
import tracemalloc
import zipfile
import zlib

import pytest

from tinylearn.errors import BadInputError, UnsupportedError
from tinylearn.importers import archive

GOOD = {"metadata.json": b"{}", "config.json": b'{"a": 1}', "model.weights.h5": b"\x89HDF" * 9}


def write(path, members, packing=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", packing) as file:
        for name, data in members.items() if isinstance(members, dict) else members:
            file.writestr(name, data)
    return path


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.keras"


@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_members_are_read(path, packing):
    found = archive.read(write(path, GOOD, packing))
    assert found.config == GOOD["config.json"] and found.weights == GOOD["model.weights.h5"]


@pytest.mark.parametrize("name", ["config.json", "model.weights.h5"])
def test_missing_member_is_named(path, name):
    write(path, {key: value for key, value in GOOD.items() if key != name})
    with pytest.raises(BadInputError, match=f"no member {name}"):
        archive.read(path)


def test_npz_weights_are_named(path):
    write(path, {"config.json": b"{}", "model.weights.npz": b""})
    with pytest.raises(BadInputError, match="npz"):
        archive.read(path)


@pytest.mark.parametrize("name", ["/etc/x", "../x", "a/../../x", "..\\x", "C:\\x", "\\x"])
def test_names_outside_the_archive_are_refused(path, name):
    write(path, {**GOOD, name: b""})
    with pytest.raises(BadInputError, match="outside the archive"):
        archive.read(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", GOOD)
def test_duplicate_members_are_refused(path, name):
    write(path, [*GOOD.items(), (name, b"other")])
    with pytest.raises(BadInputError, match=f"two members named '{name}'"):
        archive.read(path)


def test_decompression_bomb_is_refused_before_unpacking(path):
    write(path, {**GOOD, "model.weights.h5": bytes(64 << 20)}, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 100_000
    tracemalloc.start()
    try:
        with pytest.raises(BadInputError, match="decompression bomb"):
            archive.read(path)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("declared", [16, 3 << 20])
def test_member_that_lies_about_its_size_is_refused(path, declared):
    """The declared size passes, the real one is another: no more than declared is kept."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(bytes(50_000_000)) + packer.flush()
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("config.json", b"{}")
        file.writestr("model.weights.h5", packed)
    data = bytearray(path.read_bytes())
    for signature, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        place = data.rfind(signature)
        struct.pack_into("<H", data, place + at, zipfile.ZIP_DEFLATED)
        struct.pack_into("<I", data, place + at + 14, declared)
    path.write_bytes(data)
    with pytest.raises(BadInputError, match="damaged"):
        archive.read(path)


def test_oversized_config_is_refused(path, monkeypatch):
    monkeypatch.setattr(archive, "MAX_CONFIG_BYTES", 7)
    with pytest.raises(BadInputError, match=r"declares 8 bytes for config\.json; at most 7"):
        archive.read(write(path, GOOD))


def test_oversized_file_is_refused(path, monkeypatch):
    monkeypatch.setattr(archive, "MAX_FILE_BYTES", 100)
    with pytest.raises(BadInputError, match="more than 100 are not read"):
        archive.read(write(path, GOOD))


def test_too_many_members_are_refused_before_they_are_listed(path):
    write(path, {**GOOD, **{f"assets/{i}": b"" for i in range(archive.MAX_MEMBERS)}})
    with pytest.raises(BadInputError, match="1003 members; more than 1000"):
        archive.read(path)


def test_member_count_that_lies_is_bounded_by_the_directory_size(path):
    write(path, {f"{i:060}": b"" for i in range(20_000)})
    data = bytearray(path.read_bytes())
    struct.pack_into("<2H", data, data.rfind(b"PK\x05\x06") + 8, 3, 3)
    path.write_bytes(data)
    with pytest.raises(BadInputError, match="members"):
        archive.read(path)


def test_zip64_is_refused(path):
    write(path, GOOD)
    data = path.read_bytes()
    at = data.rfind(b"PK\x05\x06")
    path.write_bytes(data[:at] + b"PK\x06\x07" + bytes(16) + data[at:])
    with pytest.raises(UnsupportedError, match="zip64"):
        archive.read(path)


def test_encrypted_member_is_refused(path):
    write(path, GOOD)
    data = bytearray(path.read_bytes())
    at = -1
    while (at := data.find(b"PK\x01\x02", at + 1)) >= 0:
        data[at + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(UnsupportedError, match="encrypted"):
        archive.read(path)


def test_other_packing_is_refused(path):
    with pytest.raises(UnsupportedError, match="stored or deflate"):
        archive.read(write(path, GOOD, zipfile.ZIP_LZMA))


def test_wrong_checksum_is_damage(path):
    data = write(path, GOOD).read_bytes()
    path.write_bytes(data.replace(b"HDF", b"HDG", 1))
    with pytest.raises(BadInputError, match="damaged"):
        archive.read(path)


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (b"", BadInputError, "not a .keras file"),
        (b"garbage" * 99, BadInputError, "not a .keras file"),
        (b"PK\x03\x04" + bytes(999), BadInputError, "cut short"),
        (b"\x89HDF\r\n\x1a\n" + bytes(99), UnsupportedError, r"legacy HDF5.*load_model"),
        (b"\x80\x04\x95" + bytes(99), UnsupportedError, "pickle"),
        (b"\x1c\x00\x00\x00TFL3" + bytes(99), UnsupportedError, "TensorFlow Lite"),
    ],
)
def test_other_files_are_told_apart(path, data, error, message):
    path.write_bytes(data)
    with pytest.raises(error, match=message):
        archive.read(path)


def test_directory_and_missing_file(tmp_path):
    with pytest.raises(BadInputError, match=r"directory.*SavedModel"):
        archive.read(tmp_path)
    with pytest.raises(BadInputError, match="does not exist"):
        archive.read(tmp_path / "none.keras")


def test_every_truncation_is_an_error(path):
    data = write(path, GOOD).read_bytes()
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(BadInputError):
            archive.read(path)


def test_nothing_is_unpacked_to_disk(path, tmp_path):
    archive.read(write(path, GOOD))
    assert [item.name for item in tmp_path.iterdir()] == ["a.keras"]
