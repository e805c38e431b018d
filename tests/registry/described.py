"""Short descriptions in Turtle for tests."""

from __future__ import annotations

from pyoxigraph import NamedNode, RdfFormat, Triple, parse

from tinylearn.registry.vocabulary import PREFIXES

_HEAD = "".join(f"@prefix {name}: <{base}> .\n" for name, base in PREFIXES.items())

DEVICE = NamedNode("urn:test:device")
MEMORY = """ssn-system:hasSystemProperty
  [ a s3n_extend:RAM ; qudt:numericValue 262144 ; qudt:unit unit:BYTE ] ,
  [ a s3n_extend:Flash ; qudt:numericValue 1048576 ; qudt:unit unit:BYTE ]"""


def turtle(text: str) -> bytes:
    """With all prefixes in front."""
    return (_HEAD + text).encode()


def triples(text: str) -> list[Triple]:
    """Of Turtle with our prefixes."""
    quads = parse(turtle(text), format=RdfFormat.TURTLE, rename_blank_nodes=True)
    return [quad.triple for quad in quads]


def board(memory: str = MEMORY, core: str = 'tl:core "Cortex-M4F" ;', more: str = "") -> str:
    """A device with a microcontroller."""
    return f"""<{DEVICE.value}> a s3n:SmartSensor ; td:title "board" ; {more}
      ssn:hasSubSystem [ a s3n:MicroController ; {core} s3n:hasSystemCapability [ {memory} ] ] ."""
