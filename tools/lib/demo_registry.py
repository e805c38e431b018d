"""The demo's third act: which model runs on which device, asked in a registry.

The boards that tinylearn knows, the models of the first two acts and, where they lie beside the
repository, the published descriptions of the SeLoC-ML authors go into one registry. Two questions in
SPARQL, then the table of what fits where.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from demo_steps import tinylearn

#: published devices and models, which are no part of the repository
PUBLISHED = Path(__file__).resolve().parents[3] / "shared" / "rdf" / "seloc-ml"

ROOMY = """PREFIX tl: <urn:tinylearn:ns:>
PREFIX td: <https://www.w3.org/2019/wot/td#>

# boards with an FPU and at least 128 kB of RAM
SELECT ?board ?core ?ramBytes ?flashBytes
WHERE {
  ?device td:title ?board ; tl:core ?core ; tl:fpu true ; tl:ramBytes ?ramBytes ; tl:flashBytes ?flashBytes .
  FILTER (?ramBytes >= 131072)
}
ORDER BY ?ramBytes
"""

LEARNERS = """PREFIX tl: <urn:tinylearn:ns:>
PREFIX schema: <https://schema.org/>
PREFIX prov: <http://www.w3.org/ns/prov#>

# what learning takes, and how many versions a fleet has made of it
SELECT ?model ?learningRamBytes ?learningMacs (COUNT(?version) AS ?versions)
WHERE {
  ?nn schema:name ?model ; tl:learningRamBytes ?learningRamBytes ; tl:learningMacs ?learningMacs .
  OPTIONAL { ?version prov:wasDerivedFrom+ ?nn ; tl:version ?number }
}
GROUP BY ?nn ?model ?learningRamBytes ?learningMacs
ORDER BY ?learningRamBytes
"""


def play(out: Path) -> None:
    """Plays it, with what the first two acts have left in ``out``."""
    folder = out / "registry"
    shutil.rmtree(folder, ignore_errors=True)
    store = ("registry", "--store", str(folder))
    print(
        "\nThird act. Which model runs on which device? Boards, models and the fleet in one registry."
    )
    projects = sorted(str(p) for p in out.glob("*/*_info.json"))
    published = [str(PUBLISHED)] if PUBLISHED.is_dir() else []
    tinylearn(*store, "import", "--targets", *projects, *published, quiet=True)
    tinylearn("fleet", "register", "--store", str(out / "fleet.db"), "--registry", str(folder))
    for name, query in (("boards", ROOMY), ("learners", LEARNERS)):
        file = out / f"{name}.rq"
        file.write_text(query)
        print(f"\n{query}", end="", flush=True)
        tinylearn(*store, "query", str(file))
    tinylearn(*store, "match")
