"""Formats of files that nobody has vouched for."""
