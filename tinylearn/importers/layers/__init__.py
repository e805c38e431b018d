"""Converters of Keras layers: one file per family, found through the registry in base.py."""
