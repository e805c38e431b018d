"""What is known of a device, from its RDF and to it."""
