"""Namespaces that the NN ontology has left behind, in queries: put right, and said so."""

from __future__ import annotations

from collections.abc import Sequence

from tinylearn.registry.query.tokens import Token
from tinylearn.registry.vocabulary import NNET, S3N_EXTEND, SOSA_EXTEND, SSN_EXTEND

#: as the published queries of SeLoC-ML have them -> as its data have them
DEPRECATED = {
    "http://tinyml-schema.org/networkschema#": NNET,
    "http://tinyml-schema.org/s3n_extend/": S3N_EXTEND,
    "http://tinyml-schema.org/sosa_extend/": SOSA_EXTEND,
    "http://tinyml-schema.org/ssn_extend/": SSN_EXTEND,
}


def mended(found: Sequence[Token]) -> tuple[list[Token], tuple[str, ...]]:
    """The tokens with today's namespaces, and a note on each that was not one."""
    notes: dict[str, None] = {}
    tokens = [_mended(token, notes) if token.kind == "iri" else token for token in found]
    return tokens, tuple(notes)


def _mended(token: Token, notes: dict[str, None]) -> Token:
    for old, new in DEPRECATED.items():
        if token.text.startswith("<" + old):
            notes[f"<{old}> is deprecated: read as <{new}>"] = None
            return token._replace(text="<" + new + token.text[len(old) + 1 :])
    return token
