"""What is known of a model, from its RDF and to it."""
