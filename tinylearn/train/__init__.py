"""Training on the host: the only place that imports TensorFlow, and only when called."""
