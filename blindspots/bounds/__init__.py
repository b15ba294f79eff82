"""Bounds on operator norms and Lipschitz constants, in the Euclidean norm and from the weights."""
