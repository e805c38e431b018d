"""W3C Thing Descriptions 1.1 as untrusted input: bounds, rules, RDF and back."""
