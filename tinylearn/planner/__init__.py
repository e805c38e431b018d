"""Lifetimes and addresses: pure functions from a program to a memory plan."""
