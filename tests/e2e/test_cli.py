"""The command itself: help, arguments, exit codes, what goes to which stream."""

from __future__ import annotations

import argparse
import errno
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cli_tools import ROOT, done, refused, stream, tinylearn

from tinylearn import __version__, errors
from tinylearn.cli import ops as tinylearn_ops
from tinylearn.cli import output
from tinylearn.cli.main import VERBS, build_parser
from tinylearn.targets import all_targets

COMMAND = [sys.executable, "-m", "tinylearn"]
HEAVY = {"numpy", "rich", "tensorflow", "keras", "h5py", "cffi", "matplotlib", "elftools",
         "pyoxigraph", "rdflib", "starlette"}  # fmt: skip


def verbs_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    actions = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return dict(next(actions).choices)


def verb_parsers() -> dict[str, argparse.ArgumentParser]:
    """By their words; those that have verbs of their own as these."""
    verbs = verbs_of(build_parser())
    groups = {group: verbs_of(verbs.pop(group)) for group in ("fleet", "registry")}
    inner = {f"{group} {name}": verb for group, of in groups.items() for name, verb in of.items()}
    return {**verbs, **inner}


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--version"],
        ["generate", "--help"],
        ["ops", "-x"],
        ["fleet", "serve", "--help"],
        ["registry", "import", "--help"],
    ],
)
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    code = f"""
import sys
from tinylearn.cli.main import main
try:
    main({words!r})
except SystemExit:
    print("modules", *sorted({{name.partition(".")[0] for name in sys.modules}}))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.splitlines()[-1].split())
    assert "argparse" in loaded and not loaded & HEAVY


def test_help_shows_every_verb_and_every_exit_code() -> None:
    text = done("--help").out
    assert all(re.search(rf"^    {verb} +\w", text, re.M) for verb in VERBS)
    described = {int(code) for code in re.findall(r"(?:^|   | {2})(\d) [a-z]", text)}
    kinds = [k for k in vars(errors).values() if isinstance(k, type)]
    assert described == {0, *(kind.exit_code for kind in kinds)}


def test_exit_codes_are_those_that_errors_py_draws() -> None:
    tree = re.findall(r"(\w+(?:Error)) +(\d) ", errors.__doc__ or "")
    drawn = {name: int(code) for name, code in tree}
    assert drawn == {k.__name__: k.exit_code for k in vars(errors).values() if isinstance(k, type)}
    assert set(drawn.values()) == set(range(1, 8))


@pytest.mark.parametrize("verb", verb_parsers())
def test_every_option_is_explained(verb: str) -> None:
    parser = verb_parsers()[verb]
    text = done(*verb.split(), "--help").out
    described = " ".join((parser.description or "").split())
    assert described and described in " ".join(text.split())
    for action in parser._actions:
        assert action.help, f"{verb}: {action.option_strings or action.dest}"
        assert not action.help.endswith(".") and len(action.help) > 8
        takes_value = action.option_strings and action.nargs != 0
        if takes_value and action.default and action.default is not argparse.SUPPRESS:
            assert "default" in action.help, f"{verb}: {action.option_strings}"


def test_version() -> None:
    assert done("--version").out == f"tinylearn {__version__}\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "VERB"),
        (["fly"], "'fly'"),
        (["generate"], "model"),
        (["generate", "m.keras"], "--out"),
        (["analyze", "m.keras", "--ram", "10k"], "--ram: '10k' is not a whole number from 1 on"),
        (["analyze", "m.keras", "--ram", "0"], "'0' is not a whole number from 1 on"),
        (["analyze", "m.keras", "--ram", "9", "--learn", "all"], "--learn"),
        (["analyze", "m.keras", "--rate", "nan"], "--rate: 'nan' is not a number above 0"),
        (["analyze", "m.keras", "--rate", "0"], "'0' is not a number above 0"),
        (["analyze", "m.keras", "--momentum", "-1"], "--momentum: '-1' is not a number from 0 on"),
        (["analyze", "m.keras", "--adapt", "maybe"], "'maybe'"),
        (["validate", "d", "--seed", "-1"], "--seed: '-1' is not a whole number from 0 on"),
        (["validate", "d", "--samples", "0"], "'0' is not a whole number from 1 on"),
        (["validate", "d", "--tolerance", "nan"], "--tolerance: 'nan' is not a number above 0"),
        (["validate", "d", "--mode", "moon"], "'moon'"),
        (["run", "d"], "--stream"),
        (["run", "d", "--stream", "s", "--rate", "inf"], "'inf' is not a number from 0 on"),
        (["ops", "--json", "-v", "-q"], "-q"),
        (["ops", "--js"], "--js"),
    ],
)
def test_mistakes_on_the_command_line_get_one_line(words: list[str], told: str) -> None:
    result = tinylearn(*words)
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert told in result.err and "--help" in result.err


def test_targets() -> None:
    table, found = done("targets").out, done("targets", "--json").json
    names = [target.name for target in all_targets()]
    assert [entry["name"] for entry in found] == names
    assert [line.split()[0] for line in table.splitlines()[1:]] == names
    micro = next(entry for entry in found if entry["name"] == "cortex-m0")
    assert micro["ram_bytes"] == 16 * 1024 and micro["emulator"]["machine"] == "microbit"


def test_ops() -> None:
    table, found = done("ops").out, done("ops", "--json").json
    assert {"op": "dense", "layers": "Dense", "learning": "weights"} in found
    assert [line.split()[0] for line in table.splitlines()[1:]] == [row["op"] for row in found]
    layers = " ".join(row["layers"] for row in found)
    for name in ("Conv2D", "DepthwiseConv2D", "SeparableConv2D", "BatchNormalization", "Flatten"):
        assert name in layers


def test_doctor(monkeypatch: pytest.MonkeyPatch) -> None:
    found = done("doctor", "--json").json
    named = {row["name"]: row["install"] for row in found}
    assert {"cc", "make", "qemu-system-arm", "tensorflow", "psycopg"} <= named.keys()
    assert named["mosquitto"] == "apt-get install mosquitto"
    assert named["cryptography"] == named["amqtt"] == "pip install 'tinylearn[fleet]'"
    assert all(isinstance(row["found"], bool) for row in found)
    monkeypatch.setenv("PATH", "/nonexistent")
    missing = {row["name"] for row in done("doctor", "--json").json if not row["found"]}
    assert {"cc", "make", "arm-none-eabi-gcc", "qemu-system-riscv32"} <= missing
    assert re.search(r"cc +the host twin +no +apt-get install gcc\n", done("doctor").out)


def test_tables_are_never_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    table = done("targets").out
    assert "…" not in table and all(target.title in table for target in all_targets())
    assert not any(line.endswith(" ") for line in table.splitlines())


def test_json_has_no_nan(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_json({"a": float("nan"), "b": (1.5, [float("-inf")]), "c": True})
    assert json.loads(capsys.readouterr().out) == {"a": None, "b": [1.5, [None]], "c": True}


@pytest.mark.parametrize("words", [["targets", "--json"], ["ops"]], ids=["long", "short"])
def test_a_reader_that_stops_early_is_no_error(words: list[str]) -> None:
    buffered = {**os.environ, "PYTHONUNBUFFERED": ""}
    ran = subprocess.Popen([*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           env=buffered)  # fmt: skip
    assert ran.stdout and ran.stderr
    ran.stdout.close()
    assert (ran.stderr.read(), ran.wait(60)) == (b"", 0)
    ran.stderr.close()


def test_closed_streams_are_no_error() -> None:
    shell = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]
    for words, code in ((["targets"], 0), (["generate", "gone.keras", "-o", "x"], 2)):
        assert subprocess.run([*shell, *COMMAND, *words], check=False).returncode == code


def test_what_the_terminal_cannot_write_is_one_line(tmp_path: Path) -> None:
    program = "import sys; from tinylearn.cli.main import main; sys.exit(main(sys.argv[1:]))"
    words = [sys.executable, "-c", program, "registry", "--store", tmp_path / "r", "import"]
    (tmp_path / "b\xfc.tflite").write_bytes(b"none")
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii"}
    ran = subprocess.run([*words, tmp_path / "b\xfc.tflite"], env=ascii_only, capture_output=True,
                         text=True, check=False)  # fmt: skip
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == ("tinylearn registry import: '\\xfc' cannot be written in ascii; name it "
                          "otherwise, or set PYTHONUTF8=1\n")  # fmt: skip


def test_what_the_system_refuses_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(args: argparse.Namespace) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/media/card/model.c")

    monkeypatch.setattr(tinylearn_ops, "execute", full)
    assert refused(1, "ops") == "tinylearn ops: /media/card/model.c: No space left on device\n"


def test_an_interrupt_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(args: argparse.Namespace) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(tinylearn_ops, "execute", interrupt)
    assert refused(130, "ops") == "tinylearn ops: interrupted\n"
    monkeypatch.setattr(tinylearn_ops, "configure", interrupt)
    early = tinylearn("ops")
    assert (early.code, early.out, early.err) == (130, "", "tinylearn: interrupted\n")


def on_terminal(*words: object) -> tuple[str, str]:
    """stdout, and what a terminal on stderr shows."""
    ours, theirs = pty.openpty()
    ran = subprocess.Popen([*COMMAND, *map(str, words)], stdout=subprocess.PIPE, stderr=theirs,
                           env={**os.environ, "TERM": "xterm"}, text=True)  # fmt: skip
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # Linux: the other end is closed
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    out = ran.communicate(timeout=60)[0]
    assert ran.returncode == 0
    return out, shown.decode()


def test_progress_is_for_terminals_only(project, tmp_path: Path) -> None:
    data = stream(tmp_path / "s.npz", n=60)
    words = ["run", project("mlp", "--learn", "all"), "--stream", data]
    out, shown = on_terminal(*words)
    assert "learning" in shown and "100%" in shown
    assert out == done(*words).out, "a terminal on stderr changes stdout"
    assert on_terminal(*words, "--quiet") == (out, "")
    out, shown = on_terminal(*words, "--json")
    assert shown == "" and json.loads(out)["samples"] == 60


def test_the_module_runs_from_any_folder(tmp_path: Path) -> None:
    ran = subprocess.run([*COMMAND, "analyze", "gone.keras"], cwd=tmp_path, capture_output=True,
                         text=True, check=False)  # fmt: skip
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == "tinylearn analyze: gone.keras: no such file\n"
    assert not list(tmp_path.iterdir()) and (ROOT / "pyproject.toml").is_file()
