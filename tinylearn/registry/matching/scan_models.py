"""All models of a store, by what is flat on them: their layers are left alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from pyoxigraph import Literal, NamedNode, Triple

from tinylearn.registry.matching.csv_rows import table_of
from tinylearn.registry.models import flat
from tinylearn.registry.models.facts import Mode, Model, Need
from tinylearn.registry.models.read import model_of
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.vocabulary import NEURAL_NETWORK, TYPE

_TARGETS = f"""SELECT ?m ?mode ?target ?ram ?flash ?macs ?measured {{ %s GRAPH ?m {{
  ?n {flat.TARGET} ?target . ?m {flat.NEED} ?n . ?n {flat.MODE} ?mode ;
  {flat.sizes()[0]} ?ram ; {flat.sizes()[1]} ?flash .
  OPTIONAL {{ ?n {flat.sizes()[2]} ?macs }} OPTIONAL {{ ?n {flat.MEASURED} ?measured }} }} }}"""


def scan_models(store: GraphStore, target: str | None = None) -> list[Model]:
    """Every model. ``target``: of the needs by target only those of this one are read."""
    of_targets = _needs_of_targets(store, target)
    triples: dict[str, list[Triple]] = defaultdict(list)
    for row in store.select(_query()):
        iri = row["m"]
        assert isinstance(iri, NamedNode) and isinstance(row["p"], NamedNode)
        triples[iri.value].append(Triple(iri, row["p"], row["o"]))
    read = (model_of(NamedNode(iri), known) for iri, known in sorted(triples.items()))
    return [replace(model, needs_of_target=of_targets.get(model.iri, {})) for model in read]


def _query() -> str:
    """Each model's type and flat facts."""
    sizes = (fact for mode in Mode for fact in flat.sizes(mode))
    obstacles = (flat.obstacle(mode) for mode in Mode)
    facts = (TYPE, flat.NAME, flat.CATEGORY, flat.SENSOR, flat.OPERATOR, flat.UNSUPPORTED,
             flat.ARITHMETIC, flat.ACCURACY, flat.FILE, flat.SHA256, *sizes, *obstacles)  # fmt: skip
    wanted = " ".join(map(str, facts))
    model = f"?m {TYPE} {NEURAL_NETWORK}"
    return f"SELECT ?m ?p ?o {{ GRAPH ?m {{ {model} . VALUES ?p {{ {wanted} }} ?m ?p ?o }} }}"


def _needs_of_targets(
    store: GraphStore, target: str | None
) -> dict[str, dict[tuple[Mode, str], Need]]:
    only = "" if target is None else f"VALUES ?target {{ {Literal(target)} }}"
    found: dict[str, dict[tuple[Mode, str], Need]] = defaultdict(dict)
    for iri, mode, name, ram, flash, macs, measured in table_of(store.select_csv(_TARGETS % only)):
        need = Need(int(ram), int(flash), int(macs) if macs else None, measured == "true")
        found[iri][Mode(mode), name] = need
    return found
