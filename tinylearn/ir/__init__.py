"""The intermediate representation and the rules it obeys."""
