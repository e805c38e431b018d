"""Which model runs on which device, and why not. Pure."""
