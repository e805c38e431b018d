"""One file an operator: shapes, reference, gradient, cost, kernel call."""
