"""Where graphs are kept: an embedded Oxigraph, or any SPARQL 1.1 endpoint."""
