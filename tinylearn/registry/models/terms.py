"""Terms by which a model is described, nested as the NN ontology and S3N do it and flat as we do,
and literals for them."""

from __future__ import annotations

from decimal import Decimal

from pyoxigraph import Literal, NamedNode

from tinylearn.registry.vocabulary import NNET, TL, XSD

#: what the ontology names; everything else of its kind is called by a term of ours
LAYER_TYPES = frozenset(
    (
        "AveragePool2D", "Conv2D", "DepthwiseConv2D", "Dequantize", "FullyConnected", "Logistic",
        "MaxPool2D", "Quantize", "Reshape", "ResizeNearestNeighbor", "Softmax",
    )
)  # fmt: skip
ACTIVATIONS = frozenset(("Relu", "Tanh"))
QUANTIZATIONS = frozenset(("Float16", "Float32", "Int16", "Int8"))
CATEGORIES = frozenset(("Classification", "FeatureExtraction", "ObjectDetection", "Unsupervised"))
METRICS = frozenset(("Top_1_accuracy", "Top_5_accuracy"))

_LONGEST, _PLACES = 4000, 12
_INTEGER, _DECIMAL, _DOUBLE = (NamedNode(XSD + name) for name in ("integer", "decimal", "double"))


def term(name: str, of_ontology: frozenset[str]) -> NamedNode:
    """The NN ontology's term of a name, or ours."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in name[:100])
    return NamedNode((NNET if name in of_ontology else TL) + (plain or "_"))


def text(value: str) -> Literal:
    """A string, whatever a file was called: lone surrogates become question marks."""
    return Literal(value[:_LONGEST].encode("utf-8", "replace").decode())


def integer(value: int) -> Literal:
    """An xsd:integer."""
    return Literal(str(value), datatype=_INTEGER)


def decimal(value: Decimal | float) -> Literal:
    """An xsd:decimal: the shortest that gives the float back, of at most 12 places. Engines keep no
    more than 18."""
    exact = value if isinstance(value, Decimal) else Decimal(repr(float(value)))
    shown = f"{round(exact, _PLACES).normalize():f}"
    return Literal(shown if "." in shown else f"{shown}.0", datatype=_DECIMAL)


def double(value: float) -> Literal:
    """An xsd:double."""
    return Literal(repr(float(value)), datatype=_DOUBLE)
