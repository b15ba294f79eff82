"""Lipschitz constants from the weights (Szegedy et al. 2013, section 4.3), in the Euclidean norm.

Every bound is computed in float64 and rounded outwards, so that certificates may rely on it.
"""

from blindspots.bounds.networks import layer_bounds, network_bound
from blindspots.bounds.operators import operator_norm

__all__ = ["layer_bounds", "network_bound", "operator_norm"]
