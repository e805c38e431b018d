"""The whole registry as a file, and back, with both kinds of store."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest
from graphs import canonical, device, quads
from pyoxigraph import (
    CanonicalizationAlgorithm,
    Dataset,
    Literal,
    NamedNode,
    RdfFormat,
    Triple,
    parse,
    serialize,
)

from tinylearn.errors import BadInputError, UsageError
from tinylearn.registry.store import dataset_files
from tinylearn.registry.store.backup import back_up, restore
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.store.dataset_files import export_dataset, import_dataset
from tinylearn.registry.store.errors import StoreError
from tinylearn.registry.store.open import open_store

COUNT = 300


@pytest.fixture
def filled(store: GraphStore) -> GraphStore:
    store.upsert(dict(map(device, range(COUNT))))
    return store


def content(path: Path) -> Dataset:
    """Equal for the same content."""
    dataset = Dataset(parse(path=str(path)))
    dataset.canonicalize(CanonicalizationAlgorithm.RDFC_1_0)
    return dataset


@pytest.mark.parametrize("end", [".trig", ".nq"])
def test_everything_goes_out_and_comes_back(filled: GraphStore, tmp_path: Path, end: str) -> None:
    path = tmp_path / f"all{end}"
    written = export_dataset(filled, path)
    assert (written.graphs, written.quads) == (COUNT, 4 * COUNT)
    other = open_store(tmp_path / "other")
    found = import_dataset(other, path)
    assert found == written
    assert other.names() == filled.names()
    for number in (0, 7, COUNT - 1):
        assert canonical(other.graph(device(number)[0])) == canonical(device(number)[1])
    export_dataset(other, tmp_path / f"again{end}")
    assert content(tmp_path / f"again{end}") == content(path)
    other.close()


def check_is_cut(store: GraphStore, path: Path, kept: bytes) -> None:
    path.write_bytes(kept)
    with pytest.raises(BadInputError, match=f"{path}: is cut off"):
        import_dataset(store, path)


@pytest.mark.parametrize("end", [".trig", ".nq"])
def test_an_export_that_was_cut_is_refused_wherever_it_was(
    filled: GraphStore, tmp_path: Path, end: str
) -> None:
    path, cut = tmp_path / f"all{end}", tmp_path / f"cut{end}"
    export_dataset(filled, path)
    lines = path.read_bytes().splitlines(keepends=True)
    other = open_store(tmp_path / "other")
    for kept in (1, 2, len(lines) // 2, len(lines) - 1):
        check_is_cut(other, cut, b"".join(lines[:kept]))
    cut.write_bytes(path.read_bytes() * 2)  # two files in one
    assert not other.names()
    assert import_dataset(other, cut).quads == 2 * 4 * COUNT
    other.close()


@pytest.mark.parametrize("end", [".trig", ".nq"])
def test_an_export_that_was_cut_in_its_first_line_or_whose_lines_end_otherwise_is_refused(
    filled: GraphStore, tmp_path: Path, end: str
) -> None:
    path, cut = tmp_path / f"all{end}", tmp_path / f"cut{end}"
    export_dataset(filled, path)
    whole = path.read_bytes()
    lines = whole.replace(b"\n", b"\r\n").splitlines(keepends=True)
    other = open_store(tmp_path / "other")
    for kept in (whole[:1], whole[:20], b"".join(lines[:-1])):
        check_is_cut(other, cut, kept)
    cut.write_bytes(b"\n")  # a file of nobody, of nothing
    assert not import_dataset(other, cut).graphs
    other.close()


def test_an_export_may_be_sorted_and_others_appended(filled: GraphStore, tmp_path: Path) -> None:
    path, edited = tmp_path / "all.nq", tmp_path / "edited.nq"
    export_dataset(filled, path)
    whole, more = path.read_bytes(), b"<urn:x:a> <urn:x:b> <urn:x:c> <urn:x:a> .\n"
    lines = whole.splitlines(keepends=True)
    for content, added in {
        b"".join(sorted(lines)): 0,
        b"".join(sorted(set(lines * 2))): 0,
        whole + more: 1,
        whole + b"\n": 0,
        whole[:-1]: 0,
        whole.replace(b"\n", b"\r\n"): 0,
        b"".join(lines[1:]): 0,
    }.items():
        edited.write_bytes(content)
        other = open_store(tmp_path / "other")
        assert import_dataset(other, edited).quads == 4 * COUNT + added
        other.close()


def test_a_file_replaces_graphs_and_keeps_others(filled: GraphStore, tmp_path: Path) -> None:
    path = tmp_path / "new.nq"
    serialize(quads(device(1, version=3), device(COUNT)), str(path), RdfFormat.N_QUADS)
    import_dataset(filled, path)
    import_dataset(filled, path)  # once more changes nothing
    assert len(filled.names()) == COUNT + 1
    assert canonical(filled.graph(device(1)[0])) == canonical(device(1, version=3)[1])
    assert canonical(filled.graph(device(2)[0])) == canonical(device(2)[1])


def test_quads_in_any_order(
    store: GraphStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset_files, "_SORTED_QUADS", 100)
    everything = [
        quad
        for number in range(200)
        for quad in quads(
            (device(number)[0], [t for t in device(number)[1] if t.subject == device(number)[0]])
        )
    ]
    random.Random(1).shuffle(everything)
    path = tmp_path / "mixed.nq"
    serialize(everything, str(path), RdfFormat.N_QUADS)
    found = import_dataset(store, path)
    assert (found.graphs, found.quads, found.sorted) == (200, 600, False)
    assert len(store.names()) == 200
    assert all(len(store.graph(name)) == 3 for name in store.names()[::20])


# ---- what is refused changes nothing ----

LINE = "<urn:test:a> <urn:test:b> <urn:test:c> <urn:test:a> .\n"


@pytest.mark.parametrize(
    ("end", "text", "problem"),
    [
        (".nq", LINE + "<urn:test:a> <urn:test:b> .\n", "is damaged .*line 2"),
        (".nq", LINE + "<urn:test:a> <urn:test:b> <urn:test:c> .\n", "is not the name of a graph"),
        (".nq", LINE + "<urn:test:a> <urn:test:b> <urn:test:c> _:g .\n", "is not the name of a graph"),
        (".nq", "<urn:test:a> <urn:test:b> 1 <urn:tinylearn:registry> .", "damaged"),
        (".nq", '<urn:test:a> <urn:test:b> "1" <urn:tinylearn:registry> .', "registry's own graph"),
        (".trig", "<urn:test:a> { <urn:test:a> <urn:test:b> 1 }\n<urn:test:a> <b", "is damaged"),
        (".trig", "<urn:test:a> { <urn:test:a> <urn:test:b> " + "[<urn:test:b> " * 100_000, "is nested more"),
        (".trig", "<urn:test:a> { <urn:test:a> <urn:test:b> " + "(" * 100_000, "is nested more"),
        (".nq", "\x00\xff", "is damaged"),
        (".nq", LINE.replace("urn:test:c", "a b"), "is damaged"),
    ],
)  # fmt: skip
def test_a_bad_file(filled: GraphStore, tmp_path: Path, end: str, text: str, problem: str) -> None:
    path, before = tmp_path / f"bad{end}", filled.revision()
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(BadInputError, match=f"^{path}: .*{problem}"):
        import_dataset(filled, path)
    assert filled.revision() == before
    assert len(filled.names()) == COUNT


def test_names_of_other_formats(filled: GraphStore, tmp_path: Path) -> None:
    for name in ("all.ttl", "all", "all.nq.gz"):
        with pytest.raises(UsageError, match=r"end the name in \.nq or \.trig"):
            export_dataset(filled, tmp_path / name)
    with pytest.raises(BadInputError, match=r"none\.nq: cannot be read"):
        import_dataset(filled, tmp_path / "none.nq")
    assert [p for p in tmp_path.iterdir() if p.is_file()] == []


def test_an_export_that_fails_leaves_the_old_file(
    filled: GraphStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "all.trig"
    path.write_text("old")

    def broken():
        yield from quads(device(1))
        raise StoreError("the disk is gone")

    monkeypatch.setattr(filled, "quads", broken)
    with pytest.raises(StoreError, match="the disk is gone"):
        export_dataset(filled, path)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["all.trig"]


def test_an_exported_file_holds_nothing_but_graphs_of_things(
    filled: GraphStore, tmp_path: Path
) -> None:
    export_dataset(filled, tmp_path / "all.trig")
    text = (tmp_path / "all.trig").read_text()
    assert "urn:tinylearn:registry" not in text
    assert "tl:ramBytes" in text


# ---- backup and restore ----


@pytest.mark.parametrize("source", ["folder", "file"])
def test_a_backup_is_restored_over_what_came_after(place: str, tmp_path: Path, source: str) -> None:
    store = open_store(place)
    store.upsert(dict(map(device, range(20))))
    saved = tmp_path / ("copy" if source == "folder" else "copy.trig")
    back_up(store, saved) if source == "folder" else export_dataset(store, saved)
    store.upsert(dict([device(1, version=9), device(50)]), deleted=[device(2)[0]])
    last = store.revision()
    store.close()
    with pytest.raises(UsageError, match="--replace"):
        restore(place, saved)
    assert restore(place, saved, replace=True) == 80
    again = open_store(place)
    assert again.names() == sorted((device(n)[0] for n in range(20)), key=lambda name: name.value)
    assert canonical(again.graph(device(1)[0])) == canonical(device(1)[1])
    assert again.revision() > last  # nobody takes it for what was there before
    again.close()
    assert {p.name for p in tmp_path.iterdir()} <= {"registry", saved.name}


def test_a_new_place_needs_no_replace(tmp_path: Path) -> None:
    store = open_store(tmp_path / "registry")
    store.upsert(dict([device(1)]))
    back_up(store, tmp_path / "copy")
    store.close()
    assert restore(str(tmp_path / "new" / "place"), tmp_path / "copy") == 4
    open_store(tmp_path / "new" / "place", create=False).close()


def test_a_damaged_backup_leaves_the_registry(tmp_path: Path) -> None:
    store = open_store(tmp_path / "registry")
    store.upsert(dict(map(device, range(20))))
    back_up(store, tmp_path / "copy")
    store.close()
    table = max((tmp_path / "copy").glob("*.sst"), key=lambda p: p.stat().st_size)
    content = bytearray(table.read_bytes())
    table.unlink()  # a hard link: the registry's own must stay
    content[10] ^= 0xFF
    table.write_bytes(content)
    (tmp_path / "bad.nq").write_text("<urn:test:a>")
    for source in (tmp_path / "copy", tmp_path / "bad.nq", tmp_path / "none.nq", tmp_path):
        with pytest.raises((StoreError, UsageError)):
            restore(str(tmp_path / "registry"), source, replace=True)
    again = open_store(tmp_path / "registry", create=False)
    assert len(again.names()) == 20
    assert {p.name for p in tmp_path.iterdir()} == {"registry", "copy", "bad.nq"}
    again.close()


def test_a_damaged_registry_is_restored(tmp_path: Path) -> None:
    store = open_store(tmp_path / "registry")
    store.upsert(dict([device(1)]))
    export_dataset(store, tmp_path / "all.nq")
    store.close()
    for manifest in (tmp_path / "registry").glob("MANIFEST-*"):
        manifest.write_bytes(b"nothing")
    with pytest.raises(StoreError):
        open_store(tmp_path / "registry")
    restore(str(tmp_path / "registry"), tmp_path / "all.nq", replace=True)
    again = open_store(tmp_path / "registry")
    assert again.names() == [device(1)[0]]
    again.close()


def test_a_registry_that_is_written_to_is_not_replaced(tmp_path: Path) -> None:
    store = open_store(tmp_path / "registry")
    store.upsert(dict([device(1)]))
    export_dataset(store, tmp_path / "all.nq")

    code = (
        "import sys; from pathlib import Path; from tinylearn.registry.store.backup import restore; "
        "restore(sys.argv[1], Path(sys.argv[2]), True)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "registry"), str(tmp_path / "all.nq")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "StoreLockedError" in done.stderr
    store.upsert(
        {
            NamedNode("urn:test:x"): [
                Triple(NamedNode("urn:test:x"), NamedNode("urn:test:y"), Literal(1))
            ]
        }
    )
    assert len(store.names()) == 2
    store.close()
