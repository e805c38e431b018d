"""Devices and models in one RDF dataset: which model runs on which device, and why not."""
