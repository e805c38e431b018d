"""From a compiled model to C text and project folders."""
