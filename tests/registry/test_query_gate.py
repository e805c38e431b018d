"""What passes the gate is SPARQL that only reads; rdflib and Oxigraph are the judges of what is SPARQL."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyoxigraph import Store
from support import shared

from tinylearn.registry.query.errors import QueryRefusedError
from tinylearn.registry.query.gate import Form, admit
from tinylearn.registry.query.limits import Limits
from tinylearn.registry.query.parser import sparql

LIMITS = Limits()
VALID = (
    "SELECT * {}",
    "select distinct ?x where { ?x a <a:b> } order by desc(?x) ?x limit 3 offset 2",
    "SELECT REDUCED ?x $y { ?x <a:b> $y } OFFSET 2 LIMIT 3",
    "BASE <http://a/> PREFIX : <b#> PREFIX p: <c#> SELECT ?x { ?x :y p:z . ?x p:a.b:c 'd' }",
    "SELECT (COUNT(*) AS ?n) (SUM(DISTINCT ?o) AS ?m) { ?s ?p ?o } GROUP BY ?p HAVING (COUNT(?s) > 1)",
    "SELECT (GROUP_CONCAT(?o ; SEPARATOR = ', ') AS ?n) { ?s ?p ?o } GROUP BY (STR(?p) AS ?q) STR(?s)",
    "ASK { ?s ?p 1, -2, +3.5, 1e9, .5, true, false, 'a'@en-GB, \"b\"^^<a:b>, '''c''d\n''' }",
    "ASK WHERE { [] ?p [ <a:b> ?x ; <a:c> ?y ; ] . (1 ?x (2)) <a:b> () . [ <a:b> 1 ] }",
    "CONSTRUCT { ?s ?p [ a <a:b> ] . ?o <a:b> (1 2) . } WHERE { ?s ?p ?o } LIMIT 1",
    "CONSTRUCT WHERE { ?s ?p ?o . ?o <a:b> 1 }",
    "CONSTRUCT {} WHERE {}",
    "DESCRIBE <a:b> ?x { ?x ?y ?z }",
    "DESCRIBE <a:b>",
    "SELECT * { ?s <a:b>/<a:c>*|^<a:d>/(<a:e>|!(<a:f>|^a))+ ?o . ?s !a ?x ; (<a:b>?) ?y }",
    "SELECT * { { ?s ?p 1 } UNION { ?s ?p 2 } UNION { } OPTIONAL { ?s ?q ?r } MINUS { ?s ?p 3 } . }",
    "SELECT * { GRAPH ?g { ?s ?p ?o } GRAPH <a:b> { } . ?s ?p ?o FILTER (?o < 3 && ?o >= -1 || !?b) }",
    "SELECT * { ?s ?p ?o FILTER EXISTS { ?s ?q ?r } FILTER NOT EXISTS { ?o ?q ?r } }",
    "PREFIX x: <http://www.w3.org/2001/XMLSchema#> SELECT * { ?s ?p ?o FILTER x:boolean(?o) }",
    "SELECT * { ?s ?p ?o FILTER (?o IN (1, 2) && ?s NOT IN () && ?p = ?o) }",
    "SELECT * { ?s ?p ?o BIND (IF(BOUND(?o), ?o + 1 * 2 - 3 / 4, COALESCE(?s, 1)) AS ?x) }",
    "SELECT * { VALUES ?x { 1 <a:b> UNDEF 'c' } VALUES (?y ?z) { (1 2) (UNDEF -3) } VALUES () { () } }",
    "SELECT ?x { ?x ?y ?z } VALUES (?x) { (<a:b>) }",
    "SELECT * { { SELECT ?x (MAX(?y) AS ?z) { ?x <a:b> ?y } GROUP BY ?x LIMIT 3 } ?x ?p ?q }",
    "SELECT * { ?s ?p ?o FILTER REGEX(STR(?o), '^a', 'i') FILTER (REPLACE(?o, 'a', 'b') = SUBSTR('abc', 2)) }",
    "SELECT * { ?s ?p ?o FILTER (LANG(?o) = 'en' && LANGMATCHES(LANG(?o), '*') && IRI(?s) = URI(?s)) }",
    "SELECT (NOW() AS ?t) (RAND() AS ?r) (BNODE() AS ?b) (STRUUID() AS ?u) (MD5('a') AS ?m) {}",
    "SELECT (NOW ( ) AS ?t) { ?s ?p ?o FILTER (BOUND ( ?o ) && STR (?o) = CONCAT ()) }",
    "SELECT * { _:a <a:b> _:c.d . ?é <a:b> <http://é/> }",
    "SELECT * # a comment { \n { ?s ?p '# none' . # another\n ?s ?p <a:b#c> } # the last",
    "SELECT * { ?s a ?o ; a ?p , ?q ; . }",
    "SELECT * { ?s ?p \"\\t\\n\\\\ \\\"quoted\\\" \\u00e9\" }",
    "PREFIX SERVICE: <a:> SELECT ?FROM { SERVICE:LOAD ?FROM 'INSERT' , SERVICE:\\-x , SERVICE:%20 }",
)  # fmt: skip
INVALID = (
    "", "SELECT", "SELECT * { ?s ?p }", "SELECT * { ?s ?p ?o", "SELECT * ?s ?p ?o }", "SELECT ?x ?y",
    "SELECT * { ?s ?p ?o } }", "SELECT * { ?s ?p ?o ) }", "SELECT * { FILTER }", "SELECT * { ?s ?p 'a }",
    "SELECT * { ?s ?p ?o } LIMIT -1", "SELECT * { ?s ?p ?o } GROUP BY", "SELECT (?x) { ?x ?y ?z }",
    "SELECT * { ?s ?p ?o UNION { ?s ?p ?o } }", "SELECT * { ?s (?p)* ?o }", "ASK { ?s ?p 'a' 'b' }",
    "SELECT * { ?s ?p ?o FILTER NOTHING(?o) }", "SELECT * { ?s ?p ?o FILTER (?o ?o) }", "SELECT * { VAR }",
    "SELECT * { VALUES ?x { ?y } }", "CONSTRUCT { ?s <a:b>* ?o } WHERE { ?s ?p ?o }", "DESCRIBE",
    "SELECT * { ?s ?p <a b> }", "SELECT * { ?s ?p 'a\nb' }", "SELECT * { BIND (1 ?x) }", "A { }",
    "PREFIX a <b> SELECT * {}", "SELECT * {} SELECT * {}", "SELECT * { ?s ?p \"\\q\" }",
)  # fmt: skip


def parses(query: str) -> bool:
    parser = pytest.importorskip("rdflib.plugins.sparql.parser", reason="needs rdflib")
    try:
        parser.parseQuery(query)
    except Exception:  # it has many ways to say no
        return False
    return True


@pytest.mark.parametrize("query", VALID)
def test_admits_what_is_sparql(query):
    assert parses(query)
    Store().query(admit(query, LIMITS).text)


@pytest.mark.parametrize("query", INVALID)
def test_refuses_what_is_not(query):
    assert not parses(query)
    with pytest.raises(QueryRefusedError):
        admit(query, LIMITS)


@pytest.mark.parametrize("query", VALID)
def test_is_admitted_again_as_it_is(query):
    once = admit(query, LIMITS)
    again = admit(once.text, LIMITS)
    assert (again.text, again.form, again.variables) == (once.text, once.form, once.variables)


def test_one_token_decides():
    assert sparql().conflicts() == []


FORBIDDEN = {
    "SELECT * { SERVICE <http://a.example/> { ?s ?p ?o } }": "SERVICE is not allowed",
    "SELECT * { service silent <http://a.example/> { ?s ?p ?o } }": "SERVICE is not allowed",
    "SELECT * { \\u0053ERVICE <http://a.example/> { ?s ?p ?o } }": "SERVICE is not allowed",
    "SELECT * { \\U00000053ERVICE <http://a.example/> { ?s ?p ?o } }": "SERVICE is not allowed",
    "SELECT * { ?s ?p 'a\\u0027 . SERVICE <http://a.example/> { ?s ?p ?o } } # '": "SERVICE is not allowed",
    "SELECT * { ?s ?p '''a''' . SERVICE <a:b> {} } # '''": "SERVICE is not allowed",
    "SELECT * { ?s ?p <a:b#c> . SERVICE <a:b> {} }": "SERVICE is not allowed",
    "SELECT * # \r { SERVICE <a:b> {} }": "SERVICE is not allowed",
    "SELECT * FROM <http://a.example/> { ?s ?p ?o }": "FROM is not allowed",
    "ASK FROM NAMED <file:///etc/passwd> { ?s ?p ?o }": "FROM is not allowed",
    "LOAD <http://a.example/>": "LOAD is not allowed",
    "SELECT * {} ; LOAD <file:///etc/passwd>": "LOAD is not allowed",
    "INSERT DATA { <a:b> <a:c> 1 }": "INSERT is not allowed",
    "DELETE WHERE { ?s ?p ?o }": "DELETE is not allowed",
    "WITH <a:b> DELETE { ?s ?p ?o } WHERE { ?s ?p ?o }": "WITH is not allowed",
    "CLEAR ALL": "CLEAR is not allowed",
    "DROP ALL": "DROP is not allowed",
}
MANY = 10_000
LARGE = {
    "braces": ("SELECT * " + "{" * MANY + "}" * MANY, "nested more than 32 deep"),
    "parentheses": ("SELECT * { FILTER " + "(" * MANY + "1" + ")" * MANY + "}", "nested more than 32"),
    "brackets": ("SELECT * { ?s ?p " + "[ ?p " * MANY + "1" + "]" * MANY + "}", "nested more than 32"),
    "open": ("{" * MANY, "nested more than 32 deep"),
    "closed": ("SELECT * {" + "}" * MANY, "closes what is not open"),
    "long": ("SELECT * { ?s ?p ?o } #" + "x" * 70_000, "more than 65,536 bytes"),
    "wide": ("SELECT * { ?s ?p '" + "\U0001f600" * 20_000 + "' }", "more than 65,536 bytes"),
    "values": ("SELECT * { VALUES ?x { " + "1 " * 1_000_000 + "} }", "more than 65,536 bytes"),
    "tokens": ("SELECT * { VALUES ?x { " + "1 " * 7_000 + "} }", "more than 6,000 tokens"),
    "literal": ("SELECT * { ?s ?p '" + "x" * 20_000 + "' }", "a literal has more than 10,000"),
    "unions": ("SELECT * { {} " + "UNION {}" * 200 + "}", "202 groups of braces; at most 64"),
    "optionals": ("SELECT * { " + "OPTIONAL { ?s ?p ?o }" * 90 + "}", "91 groups of braces"),
    "cross": ("SELECT * { " + "".join(f"?a{i} ?b{i} ?c{i} ." for i in range(200)) + "}", "200 triple"),
    "collection": ("SELECT * { ?s ?p (" + "1 " * 500 + ") }", "triple patterns"),
    "path": ("SELECT * { ?s " + "/".join(["<a:b>"] * 500) + " ?o }", "triple patterns and steps of paths"),
    "closures": ("SELECT * { ?s " + "/".join(["<a:b>*"] * 20) + " ?o }", "20 * and + in paths"),
    "regex": ("ASK { ?s ?p ?o FILTER REGEX(?o, '" + "(a+)+" * 100 + "') }", "a regular expression has"),
    "columns": ("SELECT " + "(1 AS ?x) " * 300 + "{}", "300 columns"),
    "surrogate": ("SELECT * { ?s ?p '\ud800' }", "code point D800"),
    "escaped surrogate": ("SELECT * { ?s ?p '\\uD800' }", "code point D800"),
    "no code point": ("SELECT * { ?s ?p '\\UFFFFFFFF' }", "no code point FFFFFFFF"),
    "null": ("SELECT * { ?s ?p 'a\0b' }", "code point 0000"),
    "escape of an escape": ("SELECT * { ?s ?p '\\U0000005C\\U0000005Cu0041' }", "is itself escaped"),
}  # fmt: skip


@pytest.mark.parametrize(("query", "why"), FORBIDDEN.items())
def test_refuses_what_leads_out_or_changes(query, why):
    with pytest.raises(QueryRefusedError, match=r"line \d+, column \d+: ") as caught:
        admit(query, LIMITS)
    assert why in str(caught.value)


@pytest.mark.parametrize("name", LARGE)
def test_refuses_what_is_too_large(name):
    query, why = LARGE[name]
    with pytest.raises(QueryRefusedError) as caught:
        admit(query, LIMITS)
    assert why in str(caught.value)


def test_says_where_it_stumbles():
    with pytest.raises(QueryRefusedError, match="line 2, column 10: WHO is wrong here: expected"):
        admit("SELECT *\n { ?s ?p WHO }", LIMITS)
    with pytest.raises(QueryRefusedError, match="line 3, column 1: '§}' is not SPARQL"):
        admit("SELECT *\n {\n§}", LIMITS)


def test_words_in_strings_names_and_comments_are_none():
    query = 'SELECT ?LOAD { ?LOAD ?p \'SERVICE <a:b>\' , """FROM""" # DELETE\n }'
    assert admit(query, LIMITS).text == 'SELECT ?LOAD { ?LOAD ?p "SERVICE <a:b>" , "FROM" }'


def test_tokens_side_by_side_stay_apart():
    """Found by fuzzing: two strings became one, and what was in the second was outside of any."""
    query = """SELECT * { VALUES ?x { ''"} SERVICE <a:b> { #"''1-1'a'@en"b"^^<a:b>true<a:b>'' } }"""
    rows = [str(row["x"]) for row in Store().query(admit(query, LIMITS).text)]
    number, boolean = (
        f"<http://www.w3.org/2001/XMLSchema#{name}>" for name in ("integer", "boolean")
    )
    assert rows == ['""', '"} SERVICE <a:b> { #"', '""', f'"1"^^{number}', f'"-1"^^{number}', '"a"@en',
                    '"b"^^<a:b>', f'"true"^^{boolean}', "<a:b>", '""']  # fmt: skip


def test_knows_form_and_variables():
    found = admit("ASK { ?s $p 1 }", LIMITS)
    assert (found.form, found.variables, found.form.is_graph) == (Form.ASK, {"s", "p"}, False)
    assert admit("DESCRIBE <a:b>", LIMITS).form.is_graph


OLD = "http://tinyml-schema.org/"
NEW = "https://w3id.org/tinyml-schema/neural-network-schema"


def test_deprecated_namespaces_are_mended_and_told():
    query = f"PREFIX n: <{OLD}networkschema#> SELECT * {{ ?s a n:A, <{OLD}sosa_extend/B>, '{OLD}s3n_extend/' }}"
    found = admit(query, LIMITS)
    assert f"PREFIX n: <{NEW}#>" in found.text and f"<{NEW}/sosa_extend/B>" in found.text
    assert f'"{OLD}s3n_extend/"' in found.text
    assert [note.split()[0] for note in found.notes] == [
        f"<{OLD}networkschema#>",
        f"<{OLD}sosa_extend/>",
    ]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_published_queries_pass_as_shipped(number):
    text = (shared.folder("rdf") / "seloc-ml" / "queries" / f"query_{number}.rq").read_text()
    found = admit(text, LIMITS)
    assert found.form == Form.SELECT and len(found.notes) == 4 and OLD not in found.text


PIECES = st.sampled_from(
    ["SELECT", "*", "{", "}", "(", ")", "[", "]", "?x", "$y", "<a:b>", "a", "'c'", '"d"', "'''", '"""',
     "1", "-", "+", "/", "|", "^", "^^", "!", "?", ".", ";", ",", "FILTER", "BIND", "AS", "UNION",
     "SERVICE", "FROM", "LOAD", "\\u0053", "\\", "<", ">", "&&", "||", "=", "#", "\n", " ", "a:b", ":",
     "VALUES", "UNDEF", "GRAPH", "@en", "REGEX", "NOT", "EXISTS", "IN", "\0", "é", "_:b", "LIMIT"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=30), st.sampled_from([" ", ""]), st.booleans())
def test_whatever_passes_passes_again_and_is_for_the_engine_alone(pieces, between, framed):
    query = between.join(pieces)
    try:
        found = admit(f"SELECT * {{ ?s ?p ?o . {query} }}" if framed else query, LIMITS)
    except QueryRefusedError:
        return
    assert admit(found.text, LIMITS).text == found.text
    with contextlib.suppress(SyntaxError, RuntimeError):  # scopes of variables, unknown functions
        Store().query(found.text)


@pytest.mark.parametrize("prologue", ["", "PREFIX tl: <urn:tinylearn:ns:> "])
def test_a_prefix_that_is_not_declared_is_named_with_its_declaration(prologue: str):
    with pytest.raises(
        QueryRefusedError, match=r"prefix s3n: .* PREFIX s3n: <http://w3id.org/s3n/>"
    ):
        admit(prologue + "SELECT ?x { ?x a s3n:SmartSensor }", LIMITS)
