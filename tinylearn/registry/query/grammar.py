"""The queries of SPARQL 1.1 that may be asked (https://www.w3.org/TR/sparql11-query/#sparqlGrammar).

What is not in here cannot be asked: no update, no SERVICE, no FROM. Keywords are in capitals, other
tokens in small letters or quotes; ``?``, ``*`` and ``+`` are as in regular expressions, and take what
they can. How many arguments a function takes is left to the engine. Every choice is decided by one
token.
"""

RULES = r"""
Query: Prologue ( Select | Construct | Describe | Ask ) Values?
Prologue: ( BASE iri | PREFIX prefix_name iri )*
Select: SelectClause Where Modifiers
SubSelect: SelectClause Where Modifiers Values?
SelectClause: SELECT ( DISTINCT | REDUCED )? ( '*' | Column+ )
Column: var | '(' Expression AS var ')'
Construct: CONSTRUCT ( Template Where Modifiers | WHERE Template Modifiers )
Describe: DESCRIBE ( '*' | VarOrIri+ ) Where? Modifiers
Ask: ASK Where Modifiers
Where: WHERE? Group
Modifiers: GroupBy? Having? OrderBy? Slice?
GroupBy: GROUP BY GroupCondition+
GroupCondition: var | Call | '(' Expression ( AS var )? ')'
Having: HAVING Constraint+
OrderBy: ORDER BY OrderCondition+
OrderCondition: ( ASC | DESC ) Bracketed | Constraint | var
Slice: LIMIT integer ( OFFSET integer )? | OFFSET integer ( LIMIT integer )?
Values: VALUES Data
Data: var '{' Value* '}' | ( nil | '(' var* ')' ) '{' ( nil | '(' Value* ')' )* '}'
Value: Iri | Literal | UNDEF

Group: '{' ( SubSelect | Patterns ) '}'
Patterns: Triples? ( Other '.'? Triples? )*
Triples: Subject ( '.' Triples? )?
Subject: Term Properties | Node Properties?
Other: Union | Optional | Minus | Graph | Filter | Bind | Values
Union: Group ( UNION Group )*
Optional: OPTIONAL Group
Minus: MINUS Group
Graph: GRAPH VarOrIri Group
Filter: FILTER Constraint
Bind: BIND '(' Expression AS var ')'
Constraint: Bracketed | Call
Template: '{' TemplateTriples? '}'
TemplateTriples: TemplateSubject ( '.' TemplateTriples? )?
TemplateSubject: Term PlainProperties | PlainNode PlainProperties?

Properties: Property ( ';' Property? )*
Property: ( Path | var ) Object ( ',' Object )*
Object: Term | Node
Node: '(' Object+ ')' | '[' Properties ']'
PlainProperties: PlainProperty ( ';' PlainProperty? )*
PlainProperty: ( VarOrIri | 'a' ) PlainObject ( ',' PlainObject )*
PlainObject: Term | PlainNode
PlainNode: '(' PlainObject+ ')' | '[' PlainProperties ']'
Path: Sequence ( '|' Sequence )*
Sequence: Step ( '/' Step )*
Step: '^'? ( Iri | 'a' | '!' Negated | '(' Path ')' ) ( '?' | Closure )?
Closure: '*' | '+'
Negated: OneNegated | nil | '(' OneNegated ( '|' OneNegated )* ')'
OneNegated: '^'? ( Iri | 'a' )

Term: var | Iri | Literal | blank | anon | nil
VarOrIri: var | Iri
Iri: iri | name | prefix_name
Literal: string ( lang | '^^' Iri )? | ( '+' | '-' )? Number | TRUE | FALSE
Number: integer | decimal | double

Expression: And ( '||' And )*
And: Comparison ( '&&' Comparison )*
Comparison: Sum ( ( '=' | '!=' | '<' | '>' | '<=' | '>=' ) Sum | NOT? IN Arguments )?
Sum: Product ( ( '+' | '-' ) Product )*
Product: Unary ( ( '*' | '/' ) Unary )*
Unary: ( '!' | '+' | '-' )? Primary
Primary: Bracketed | BuiltIn | Iri ( nil | '(' DISTINCT? List ')' )? | Constant | var
Constant: string ( lang | '^^' Iri )? | Number | TRUE | FALSE
Bracketed: '(' Expression ')'
List: Expression ( ',' Expression )*
Arguments: nil | '(' List ')'
Call: BuiltIn | Iri ( nil | '(' DISTINCT? List ')' )
BuiltIn: Exists | Aggregate | Regex | Function Arguments
Exists: NOT? EXISTS Group
Aggregate: COUNT '(' DISTINCT? ( '*' | Expression ) ')'
    | ( SUM | MIN | MAX | AVG | SAMPLE ) '(' DISTINCT? Expression ')'
    | GROUP_CONCAT '(' DISTINCT? Expression ( ';' SEPARATOR '=' string )? ')'
Regex: ( REGEX | REPLACE ) '(' List ')'
Function: STR | LANG | LANGMATCHES | DATATYPE | BOUND | IRI | URI | BNODE | RAND | ABS | CEIL
    | FLOOR | ROUND | CONCAT | STRLEN | UCASE | LCASE | ENCODE_FOR_URI | CONTAINS | STRSTARTS
    | STRENDS | STRBEFORE | STRAFTER | YEAR | MONTH | DAY | HOURS | MINUTES | SECONDS | TIMEZONE
    | TZ | NOW | UUID | STRUUID | MD5 | SHA1 | SHA256 | SHA384 | SHA512 | COALESCE | IF | STRLANG
    | STRDT | SAMETERM | ISIRI | ISURI | ISBLANK | ISLITERAL | ISNUMERIC | SUBSTR
"""
