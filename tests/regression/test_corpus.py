"""Files that once crashed a parser, and a short run of the fuzzer on each parser."""

import sys
from pathlib import Path

import pytest

pytest.importorskip("ai_edge_litert", reason="needs ai-edge-litert, the schema")
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "fuzzing"))
import engine  # noqa: E402 - found by the path above
import run  # noqa: E402

CORPUS = ROOT / "tests" / "corpus"
PARSERS = run.parsers()
EXECUTIONS = {"tflite": 250, "keras": 400, "blob": 5000, "session": 1000, "graph": 400,
              "samples": 400, "fleet": 1000, "td": 150, "sparql": 1000}  # fmt: skip


@pytest.mark.parametrize(
    "path", sorted(CORPUS.glob("*/*")), ids=lambda p: f"{p.parent.name}-{p.name}"
)
def test_corpus(path):
    with engine.limits():
        kind, which = engine.outcome(PARSERS[path.parent.name](), path.read_bytes())
    assert kind != "crash", which


@pytest.mark.parametrize("name", PARSERS)
def test_short_fuzz(name):
    report = engine.fuzz(PARSERS[name](), 10, 7, EXECUTIONS[name])
    assert not report.crashes
    assert report.executions
