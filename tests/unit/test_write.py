"""Writing a project: all of it or nothing, and never over somebody's files."""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path

import pytest

from tinylearn.emit import write
from tinylearn.emit.write import check_replaceable, write_file, write_project
from tinylearn.errors import UsageError


def project(**extra: bytes) -> dict[str, bytes]:
    """Files of a project named net, with the info file that lists them."""
    files = {"net.c": b"int x;\n", "src/kernels/a.h": b"\n", **extra}
    info = {"generator": "tinylearn 0.1.0", "files": sorted(files)}
    return {**files, "net_info.json": json.dumps(info).encode()}


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes()
            for p in sorted(folder.rglob("*")) if p.is_file()}  # fmt: skip


def test_new_folder_holds_exactly_the_files(tmp_path: Path) -> None:
    write_project(tmp_path / "a" / "out", project())
    assert tree(tmp_path / "a" / "out") == project()
    assert os.listdir(tmp_path / "a") == ["out"]
    assert stat.S_IMODE((tmp_path / "a" / "out").stat().st_mode) == 0o755


def test_own_output_is_replaced_as_a_whole(tmp_path: Path) -> None:
    write_project(tmp_path / "out", project(old=b"x"))
    (tmp_path / "out" / "build").mkdir()
    (tmp_path / "out" / "build" / "net.o").write_bytes(b"object")
    (tmp_path / "out" / "net.c").write_bytes(b"edited")
    write_project(tmp_path / "out", project(new=b"y"))
    assert tree(tmp_path / "out") == project(new=b"y")
    assert os.listdir(tmp_path) == ["out"]


def test_empty_folder_is_used(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    write_project(tmp_path / "out", project())
    assert tree(tmp_path / "out") == project()


def refused(folder: Path, names: str) -> None:
    before = sorted(os.listdir(folder.parent)), tree(folder) if folder.is_dir() else None
    with pytest.raises(UsageError, match=names):
        write_project(folder, project())
    with pytest.raises(UsageError, match="choose another -o"):
        check_replaceable(folder)
    assert (sorted(os.listdir(folder.parent)), tree(folder) if folder.is_dir() else None) == before


def test_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_bytes(b"years")
    refused(tmp_path / "out", r"thesis\.tex")


@pytest.mark.parametrize("where", ["notes.txt", "src/mine.c", "src/kernels/mine.h", ".hidden"])
def test_file_added_to_own_output_is_not_lost(tmp_path: Path, where: str) -> None:
    write_project(tmp_path / "out", project())
    (tmp_path / "out" / where).write_bytes(b"mine")
    refused(tmp_path / "out", where)


@pytest.mark.parametrize("name", ["build", "twin"])
def test_build_folder_of_somebody_else_is_not_lost(tmp_path: Path, name: str) -> None:
    (tmp_path / "out" / name).mkdir(parents=True)
    (tmp_path / "out" / name / "firmware.bin").write_bytes(b"mine")
    refused(tmp_path / "out", r"firmware\.bin")


@pytest.mark.parametrize(
    "info", [{"files": ["thesis.tex"]}, {"generator": "other 1", "files": ["thesis.tex"]}, [1], 3]
)
def test_info_file_of_another_program_vouches_for_nothing(tmp_path: Path, info: object) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_bytes(b"years")
    (tmp_path / "out" / "book_info.json").write_text(json.dumps(info))
    refused(tmp_path / "out", r"thesis\.tex")


def test_symlink_in_own_output_is_not_lost(tmp_path: Path) -> None:
    write_project(tmp_path / "out", project())
    (tmp_path / "data").mkdir()
    (tmp_path / "out" / "data").symlink_to(tmp_path / "data")
    refused(tmp_path / "out", "data")


def test_dangling_symlink_is_not_lost(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "gone").symlink_to(tmp_path / "nowhere")
    refused(tmp_path / "out", "gone")


@pytest.mark.parametrize("exists", [True, False])
def test_symlink_as_folder_is_refused(tmp_path: Path, exists: bool) -> None:
    if exists:
        (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "real")
    with pytest.raises(UsageError, match="not a folder"):
        write_project(tmp_path / "out", project())
    assert (tmp_path / "out").is_symlink()
    assert (tmp_path / "real").exists() == exists


def test_file_as_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"mine")
    refused(tmp_path / "out", "not a folder")


@pytest.mark.parametrize("existing", [True, False])
@pytest.mark.parametrize("fails_at", [0, 1, 2])
def test_full_disk_changes_nothing(
    tmp_path: Path, monkeypatch, existing: bool, fails_at: int
) -> None:
    if existing:
        write_project(tmp_path / "out", project(old=b"x"))
    before = tree(tmp_path)
    written, real = [], Path.write_bytes

    def failing(path: Path, content: bytes) -> int:
        if len(written) == fails_at:
            raise OSError(28, "No space left on device")
        written.append(path)
        return real(path, content)

    monkeypatch.setattr(Path, "write_bytes", failing)
    with pytest.raises(OSError, match="No space"):
        write_project(tmp_path / "out", project())
    assert tree(tmp_path) == before
    assert os.listdir(tmp_path) == (["out"] if existing else [])


@pytest.mark.parametrize("error", [OSError(5, "I/O error"), KeyboardInterrupt()])
@pytest.mark.parametrize("fails_at", [0, 1])
def test_failing_rename_gives_the_old_folder_back(
    tmp_path: Path, monkeypatch, error, fails_at
) -> None:
    write_project(tmp_path / "out", project(old=b"x"))
    calls, real = [], os.rename

    def failing(source: object, target: object) -> None:
        calls.append(source)
        if len(calls) == fails_at + 1:
            raise error
        real(source, target)

    monkeypatch.setattr(write.os, "rename", failing)
    with pytest.raises(type(error)):
        write_project(tmp_path / "out", project())
    assert tree(tmp_path / "out") == project(old=b"x")
    assert os.listdir(tmp_path) == ["out"]


def test_file_is_replaced_completely(tmp_path: Path) -> None:
    write_file(tmp_path / "f", b"old")
    write_file(tmp_path / "f", b"new content")
    assert (tmp_path / "f").read_bytes() == b"new content"
    assert os.listdir(tmp_path) == ["f"]


def test_file_that_cannot_be_written_stays(tmp_path: Path, monkeypatch) -> None:
    write_file(tmp_path / "f", b"old")

    def failing(descriptor: int) -> None:
        raise OSError(5, "I/O error")

    monkeypatch.setattr(write.os, "fsync", failing)
    with pytest.raises(OSError, match="I/O"):
        write_file(tmp_path / "f", b"new")
    assert tree(tmp_path) == {"f": b"old"}


def test_an_error_names_the_file_that_was_asked_for(tmp_path: Path) -> None:
    def fill(path: Path) -> None:
        with write.new_file(path):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for path in (tmp_path / "no" / "a.nq", tmp_path / "a.nq"):
        with pytest.raises(OSError, match="No s") as caught:
            fill(path)
        assert caught.value.filename == str(path)
    assert not list(tmp_path.iterdir())
