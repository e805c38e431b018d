"""How deep text is nested: found as the parser sees it, wherever the text is cut while it is read."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyoxigraph import RdfFormat, parse

from tinylearn.errors import BadInputError
from tinylearn.registry import nesting
from tinylearn.registry.nesting import (
    JSON,
    MOST_DEPTH,
    RDF,
    Syntax,
    check_nesting,
    may_nest_lines,
)

PREFIX = "@prefix a: <urn:a:> . "
#: what holds brackets that do not count; each an object of a triple
TOKENS = (
    "<urn:a>", "a:b", r"a:b\'\(\)\#\~", "_:b", "1.5", '""', "''", '"["', "'('", r'"\"["', r"'\'{'", r'"\\"',
    '"""["""', "'''('''", '"""a"b""c\n[\\""""', "'''a'b''c\r['''", '"it\'s ["', "'\"'", '"#["@en',
    '"["^^<urn:%5B#(>', "<urn:a?b=)>", "1 # [ ' \" ''' \\\n", "2 # (\r", '"[" # "\n', "true", "'a'",
)  # fmt: skip
WRAPPED = ("[ a:p {} ]", "( {} )", "( 1 {} 2 )", "[ a:p 1 ; a:q {} ]")
#: with the depth in a graph; a triple term is two levels
STATED = {
    "<< a:s a:p {} >>": 2,
    "<<( a:s a:p {} )>>": 3,
    "<<(a:s a:p <urn:a>)>> , {}": 3,
    "1 {{| a:p {} |}}": 2,
}


def deepest(text: str, syntax: Syntax = RDF) -> int:
    """The least depth that lets it pass."""
    most = nesting.MOST_DEPTH
    try:
        for nesting.MOST_DEPTH in range(200):
            try:
                check_nesting(text.encode(), syntax)
            except BadInputError:
                continue
            return nesting.MOST_DEPTH
    finally:
        nesting.MOST_DEPTH = most
    raise AssertionError("deeper than any")


@st.composite
def statements(draw: st.DrawFn) -> tuple[str, int]:
    """A triple in a graph, in TriG, and how deep it is."""
    inner, depth = draw(st.sampled_from(TOKENS)), 1
    for _ in range(draw(st.integers(0, 3))):
        wrapped = draw(st.sampled_from(WRAPPED))
        inner, depth = wrapped.format(inner), depth + 1
    return f"a:g {{ a:s a:p {draw(st.sampled_from(TOKENS))} , {inner} }}\n", depth


@given(st.lists(statements(), min_size=1, max_size=4))
def test_it_is_as_deep_as_the_parser_reads_it(made: list[tuple[str, int]]) -> None:
    text = PREFIX + "".join(part for part, _ in made)
    list(parse(text, RdfFormat.TRIG, base_iri="urn:base:"))  # what is counted is no mistake
    assert deepest(text) == max(depth for _, depth in made)


@pytest.mark.parametrize(("around", "depth"), list(STATED.items()))
@pytest.mark.parametrize("token", [t for t in TOKENS if not {"'''", '"""'} & {t[:3], t[-3:]}])
def test_statements_within_statements_count(around: str, depth: int, token: str) -> None:
    text = f"{PREFIX} a:g {{ a:s a:p {around.format(token)} . a:s a:p <urn:a>}}"
    list(parse(text, RdfFormat.TRIG, base_iri="urn:base:"))
    assert deepest(text) == depth


@given(
    st.lists(st.sampled_from([*"[[](){{}<>'\"\\#\n\r ab.", "<<", ">>", "'''", '"""', "<a>"])),
    st.integers(1, 9),
)
def test_where_the_text_is_cut_does_not_matter(pieces: list[str], size: int) -> None:
    text = "".join(pieces).encode()
    for syntax in (RDF, JSON):
        assert _told(text, syntax, 2, size) == _told(text, syntax, 2, 1 << 20)


def _told(text: bytes, syntax: Syntax, depth: int, piece: int) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nesting, "_PIECE", piece)
        patch.setattr(nesting, "MOST_DEPTH", depth)
        try:
            check_nesting(io.BytesIO(text), syntax)
        except BadInputError as error:
            return str(error)
        return ""


_JSON = st.recursive(
    st.none() | st.integers() | st.text('[]{}"\\,a', max_size=5),
    lambda inner: st.lists(inner) | st.dictionaries(st.text('[]{}"\\a', max_size=3), inner),
    max_leaves=8,
)


def _depth(value: object) -> int:
    inner = [*value.values()] if isinstance(value, dict) else value
    if not isinstance(inner, list):
        return 0
    is_flat = isinstance(value, dict) and not any(isinstance(x, (dict, list)) for x in inner)
    return 0 if is_flat else 1 + max(map(_depth, inner), default=0)


@given(_JSON)
def test_json_counts_but_for_objects_without_any_within(value: object) -> None:
    assert deepest(json.dumps(value), JSON) == _depth(value)


def test_the_line_of_the_first_that_is_too_deep_is_told() -> None:
    text = "\n" * 2_000_000 + "[" * MOST_DEPTH + "\n\r\n["
    with pytest.raises(BadInputError, match=r"^line 2000003: is nested more than 64"):
        check_nesting(text.encode())


def test_a_token_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nesting, "MOST_TOKEN_BYTES", 1000)
    monkeypatch.setattr(nesting, "_PIECE", 100)
    check_nesting((b"'" + b"x" * 900 + b"'\n") * 100 + b" " * 5000)
    for start in (b"'", b'"""', b"<urn:", b"# "):
        with pytest.raises(BadInputError, match="line 2: a text or name is too long to be read"):
            check_nesting(b"\n" + start + b"x" * 2000)


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_lines_may_nest_where_a_triple_is_within_one(
    monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(nesting, "_PIECE", size)
    plain = b"<urn:a> <urn:b> <urn:c> <urn:d> .\n"
    assert not may_nest_lines(io.BytesIO(plain * 3))
    assert may_nest_lines(io.BytesIO(plain + b"<urn:a> <urn:b> <<( " + plain))
