"""Files of all kinds into the registry: each whole or not at all, and what was wrong is told."""
