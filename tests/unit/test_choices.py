"""Command-line options that become Choices."""

from __future__ import annotations

import argparse

import pytest

from tinylearn.cli.choices import add_choice_options, choices_of
from tinylearn.errors import UsageError
from tinylearn.passes.backward import Optimizer
from tinylearn.passes.head import Head
from tinylearn.pipeline import Choices


def parse(*words: str) -> Choices:
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_choice_options(parser)
    return choices_of(parser.parse_args(words))


@pytest.mark.parametrize(
    ("words", "want"),
    [
        ((), Choices()),
        (("--learn", "all"), Choices("all")),
        (("--learn", "last:2", "--rate", "0.5"), Choices("last:2", rate=0.5)),
        (("--ram", "4096"), Choices(ram_budget=4096)),
        (("--loss", "mse"), Choices(loss="mse")),
        (("--momentum", "0.9", "--weight-decay", "0.1", "--accumulate", "8"),
         Choices(optimizer=Optimizer(0.9, 0.1, 8))),
        (("--no-skip-zero-deltas",), Choices(optimizer=Optimizer(skip_zero_deltas=False))),
        (("--head", "dense:3"), Choices(head=Head(3))),
        (("--head", "dense:1:sigmoid", "--at", "features", "--reconstruction-error",
          "--standardize", "features"), Choices(head=Head(1, "sigmoid", "features", True, True))),
        (("--standardize", "input"), Choices(standardize_input=True)),
        (("--standardize", "input", "--standardize", "features", "--head", "dense:2"),
         Choices(head=Head(2, standardize=True), standardize_input=True)),
        (("--head", "dense:0", "--max-classes", "9"), Choices(head=Head(0), max_classes=9)),
        (("--adapt", "gated", "--guard"), Choices(adapt="gated", guard=True)),
    ],
)  # fmt: skip
def test_options_become_choices(words: tuple[str, ...], want: Choices) -> None:
    assert parse(*words) == want


@pytest.mark.parametrize("words", [
    ("--at", "features"), ("--reconstruction-error",), ("--standardize", "features"),
    ("--head", "conv:3"), ("--momentum", "1"), ("--weight-decay", "1"), ("--accumulate", "65536"),
])  # fmt: skip
def test_choices_that_make_no_sense_are_refused(words: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="--"):
        parse(*words)


@pytest.mark.parametrize("words", [
    ("--learn", "all", "--ram", "100"), ("--ram", "0"), ("--ram", "-5"), ("--ram", "much"),
    ("--max-classes", "0"), ("--loss", "hinge"), ("--adapt", "maybe"), ("--rate", "fast"),
    ("--standardize", "weights"), ("--momentum", "nan"), ("--weight-decay", "-1"),
    ("--accumulate", "0"),
])  # fmt: skip
def test_words_that_are_no_options_are_refused(words: tuple[str, ...]) -> None:
    with pytest.raises((argparse.ArgumentError, SystemExit)):
        parse(*words)
