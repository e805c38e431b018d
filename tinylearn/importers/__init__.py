"""Importers: one module per model file format, each giving an ir.Graph."""
