"""From a match to a project that builds."""
