"""`tinylearn registry` export, backup, restore, delete and stats, on both kinds of store."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path

import pytest
from graphs import device

from tinylearn.cli.main import main
from tinylearn.registry.store.open import open_store


@pytest.fixture
def filled(place: str) -> str:
    store = open_store(place)
    store.upsert(dict(map(device, range(1, 4))))
    store.close()
    return place


def run(capsys: pytest.CaptureFixture[str], place: str, *args: object) -> tuple[int, str, str]:
    code = main(["registry", "--store", place, *map(str, args)])
    done = capsys.readouterr()
    return code, done.out, done.err


def told(capsys: pytest.CaptureFixture[str], place: str, *args: object) -> dict[str, object]:
    code, out, err = run(capsys, place, *args, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


def test_stats(filled: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, filled, "stats")
    size = found.pop("bytes")
    assert size is None if filled.startswith("http") else size > 1000
    assert found == {"where": filled, "revision": 1, "graphs": 3, "things": 0, "devices": 3,
                     "models": 0, "triples": 12}  # fmt: skip
    code, out, _ = run(capsys, filled, "stats")
    assert code == 0 and "triples   12\n" in out


def test_delete(filled: str, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = (device(n)[0].value for n in (1, 2))
    code, _, err = run(capsys, filled, "delete", first, "urn:test:none")
    assert (code, err) == (
        2,
        "tinylearn registry delete: urn:test:none: no device, model or thing "
        "of that title, IRI or end of one; tinylearn registry devices and models list what is there\n",
    )
    assert told(capsys, filled, "stats")["graphs"] == 3
    for iri in ("no iri", "urn:tinylearn:registry"):
        assert run(capsys, filled, "delete", iri)[0] == 2
    assert told(capsys, filled, "delete", first, second) == {"deleted": [first, second]}
    assert told(capsys, filled, "stats")["graphs"] == 1


def test_export_and_restore(
    filled: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "all.trig"
    assert told(capsys, filled, "export", "-o", out) == {
        "graphs": 3,
        "triples": 12,
        "out": str(out),
    }
    assert run(capsys, filled, "delete", device(1)[0].value)[0] == 0
    code, _, err = run(capsys, filled, "restore", out)
    assert code == 2 and "--replace gives up what it holds" in err
    found = told(capsys, filled, "restore", out, "--replace")
    assert found == {"triples": 12, "source": str(out)}
    assert told(capsys, filled, "stats")["graphs"] == 3


def test_backup_and_restore_elsewhere(
    filled: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy, other = tmp_path / "copy", str(tmp_path / "other")
    code, out, _ = run(capsys, filled, "backup", "-o", copy)
    assert code == 0 and f"restore {copy}" in out
    assert run(capsys, filled, "backup", "-o", copy)[0] == 2
    assert run(capsys, other, "restore", copy)[1] == f"12 triples restored from {copy}\n"
    assert told(capsys, other, "stats")["devices"] == 3


def test_beside_a_process_that_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = str(tmp_path / "registry")
    store = open_store(place)
    store.upsert(dict(map(device, range(1, 4))))
    assert told(capsys, place, "stats")["graphs"] == 3
    assert told(capsys, place, "export", "-o", tmp_path / "all.nq")["triples"] == 12
    assert told(capsys, place, "backup", "-o", tmp_path / "copy") == {"out": str(tmp_path / "copy")}
    code, _, err = run(capsys, place, "delete", device(1)[0].value)
    assert code == 1 and "open already" in err
    store.close()


@pytest.mark.parametrize("verb", [["stats"], ["delete", "urn:test:a"], ["export", "-o", "all.nq"],
                                  ["backup", "-o", "copy"]])  # fmt: skip
def test_no_registry_is_made_by_looking(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    verb: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = run(capsys, "none", *verb)
    assert code == 1 and "none: no registry is there" in err
    assert list(tmp_path.iterdir()) == []


def test_a_backup_inside_the_registry_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "registry"
    open_store(place).close()
    code, _, err = run(capsys, str(place), "backup", "-o", place / "copy")
    assert code == 2 and "copy: lies in the registry itself" in err
    assert not (place / "copy").exists()


def test_a_full_disk_is_the_copys_not_the_registrys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "registry"
    store = open_store(place)
    store.upsert(dict([device(1)]))
    store.close()

    def full(source: object, target: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(source), None, str(target))

    monkeypatch.setattr(shutil, "copyfile", full)
    copy, before = tmp_path / "copy", sorted(tmp_path.iterdir())
    for verb in (("backup", "-o", copy), ("--store", copy, "restore", place)):
        code, _, err = run(capsys, str(place), *verb)
        assert (code, err.split(": ", 1)[1]) == (
            1, f"{copy}: cannot be written (No space left on device)\n")  # fmt: skip
        assert sorted(tmp_path.iterdir()) == before
    assert told(capsys, str(place), "export", "-o", tmp_path / "all.nq")["graphs"] == 1


def test_a_file_that_holds_nothing_does_not_replace_anything(
    filled: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty.trig").write_text("@prefix a: <urn:a> .\n")
    code, _, err = run(capsys, filled, "restore", tmp_path / "empty.trig", "--replace")
    assert code != 0 and "empty.trig: holds nothing" in err
    assert told(capsys, filled, "stats")["graphs"] == 3


def test_what_is_not_there_is_not_restored(
    filled: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for source, said in (("none", "there is no such file or folder"),
                         (str(Path(__file__)), "not a format for a whole registry")):  # fmt: skip
        code, _, err = run(capsys, filled, "restore", source)
        assert code == 2 and said in err and "--replace" not in err


def test_an_export_to_no_file(
    filled: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, filled, "export", "-o", tmp_path / "all.csv")[0] == 2
    assert run(capsys, filled, "export", "-o", tmp_path / "none" / "all.nq")[0] == 2
