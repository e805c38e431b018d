"""tinylearn: from a Keras model to microcontrollers that keep learning in the field."""

__version__ = "0.1.0"
