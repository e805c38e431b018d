"""Federated meta-learning: a coordinator, its strategies, and the devices that take part."""
