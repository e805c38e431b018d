"""Helpers of the tests: graphs, compiled C, and oracles written independently of the code."""
