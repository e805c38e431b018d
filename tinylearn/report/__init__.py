"""What was built and measured, for people and machines."""
