"""SPARQL from people and machines: checked, bounded, in a process that can be killed."""
