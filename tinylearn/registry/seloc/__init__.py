"""Mends what descriptions in RDF have wrong, above all those that the SeLoC-ML authors published.

Every mend is one file: a function from the triples of one thing to better ones, which reports each
defect. Data without these defects goes through unchanged.
"""
