"""What a Turtle file beside a model says of it: written by `quantize` and `generate`, or by a person.

Untrusted. Only what it says of exactly this model, by its hash, is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from pyoxigraph import NamedNode, RdfFormat, Triple, parse

from tinylearn.errors import BadInputError
from tinylearn.registry.models.about import About
from tinylearn.registry.models.build import Said, is_sentence
from tinylearn.registry.models.described import Metric, Origin
from tinylearn.registry.models.iris import is_sha256, model_iri, part
from tinylearn.registry.models.origin import PROCESSES, SETTINGS, prov
from tinylearn.registry.models.read import model_of
from tinylearn.registry.nesting import check_nesting
from tinylearn.registry.triples import Description
from tinylearn.registry.vocabulary import MLS, NNET, RDFS, SCHEMA, tl

_LARGEST = 4 << 20
_LABEL, _NAME = NamedNode(RDFS + "label"), NamedNode(SCHEMA + "name")
_ANY_MODEL = model_iri("").value


def beside(model: Path) -> Path:
    """Where the description of a model file lies: its name and ``.ttl``."""
    return model.with_name(f"{model.name}.ttl")


def said_in(path: Path, sha256: str) -> Said:
    """What the file says of the model of that hash; nothing where there is no file or it is of
    another model. Raises BadInputError where it is no Turtle."""
    if not path.is_file():
        return Said()
    return said_of(model_iri(sha256), _parsed(path))


def said_of(iri: NamedNode, triples: Sequence[Triple]) -> Said:
    """What the triples say of the model; nothing where they are of another."""
    if not any(triple.subject == iri for triple in triples):
        return Said()
    about, model = Description(triples), model_of(iri, triples)
    told = about.text(iri, NamedNode(SCHEMA + "description"))
    description = None if told is None or is_sentence(told) else told
    data, sensors = _dataset(about, iri), tuple(sorted(model.sensors))
    known = About(sensors, model.task, data, model.accuracy, description)
    return Said(known, tuple(_metrics(about, iri)), _origin(about, iri))


def _parsed(path: Path) -> list[Triple]:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise ValueError(f"it has more than {_LARGEST:,} bytes")
        check_nesting(content)
        quads = parse(content, format=RdfFormat.TURTLE)
        return [Triple(q.subject, q.predicate, q.object) for q in quads]
    except (OSError, ValueError, SyntaxError, BadInputError) as error:
        raise BadInputError(
            f"{path}: cannot be read as Turtle ({str(error)[:200]}); mend or remove it"
        ) from None


def _dataset(about: Description, iri: NamedNode) -> str | None:
    nodes = about.nodes(iri, NamedNode(NNET + "trainingDataset"))
    return (about.text(nodes[0], _NAME) or nodes[0].value) if nodes else None


def _metrics(about: Description, iri: NamedNode) -> Iterable[Metric]:
    for node in about.nodes(iri, NamedNode(NNET + "hasMetric")):
        name, value = about.text(node, _LABEL), about.number(node, NamedNode(MLS + "hasValue"))
        samples = about.number(node, tl("samples"))
        if name and value is not None:
            yield Metric(name[:100], value, None if samples is None else int(samples),
                         about.text(node, tl("measuredOn")))  # fmt: skip


def _origin(about: Description, iri: NamedNode) -> Origin | None:
    """The file that it was made from, and how."""
    sources = {
        n.value.removeprefix(_ANY_MODEL): n for n in about.nodes(iri, prov("wasDerivedFrom"))
    }
    sha256 = next(filter(is_sha256, sources), None)
    made = about.nodes(iri, prov("wasGeneratedBy"))
    process = next((name for name in PROCESSES if part(iri, name) in made), None)
    if sha256 is None or process is None:
        return None
    node, source = part(iri, process), sources[sha256]
    data = [n for n in about.nodes(node, prov("used")) if n != source]
    stated = {name: about.text(node, tl(name)) for name in SETTINGS}
    return Origin(
        process, sha256, about.text(source, _LABEL) or "",
        {name: value for name, value in stated.items() if value is not None},
        about.text(data[0], _LABEL) if data else None,
    )  # fmt: skip
