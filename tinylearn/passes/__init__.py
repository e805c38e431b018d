"""Graph to graph, one pure function a file; the order stands in tinylearn.pipeline."""
