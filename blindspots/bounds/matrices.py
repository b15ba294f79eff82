"""The largest singular value of a matrix, and a proven upper bound on it."""

from __future__ import annotations

import numpy as np
from scipy.linalg import LinAlgError, cholesky
from scipy.sparse.linalg import LinearOperator, eigsh

UNIT = float(np.finfo(np.float64).eps) / 2
"""The unit roundoff of float64."""

SMALL = 256
"""Largest side of a matrix whose eigenvalues are all computed."""


def largest_singular_value(matrix: np.ndarray) -> float:
    """Largest singular value, from the smaller Gram matrix in float64; 0 for an empty matrix."""
    return float(np.sqrt(largest_eigenvalue(_gram(matrix))))


def upper_norm(matrix: np.ndarray) -> float:
    """Proven upper bound on the matrix's largest singular value.

    t I − G is positive definite, and t above the largest eigenvalue of the Gram matrix G, if its
    Cholesky factorisation runs to completion (Rump 2006, "Verification of positive definiteness",
    BIT 46, with the bounds for rounding). t starts near Lanczos' estimate, a lower bound.
    """
    gram = _gram(matrix)
    side, length = len(gram), max(matrix.shape)
    if side == 0:
        return 0.0
    # rounding of G: |fl(AᵀA) − AᵀA| ≤ γ |A|ᵀ|A|, whose norm is at most ‖A‖_F² = tr G
    rounding = _gamma(length) * float(np.trace(gram)) * (1 + _gamma(length + side))
    return float(np.sqrt(upper_eigenvalue(gram) + rounding) * (1 + 4 * UNIT))


def largest_eigenvalue(gram: np.ndarray | LinearOperator) -> float:
    """Largest eigenvalue of a positive semidefinite operator, from below; by Lanczos if large."""
    side = gram.shape[0]
    if side == 0:
        return 0.0
    if side <= SMALL:
        dense = gram if isinstance(gram, np.ndarray) else gram @ np.eye(side)
        return max(float(np.linalg.eigvalsh(dense)[-1]), 0.0)
    start = np.random.default_rng(0).standard_normal(side)
    (found,) = eigsh(gram, k=1, which="LA", v0=start, tol=1e-7, return_eigenvectors=False)
    return max(float(found), 0.0)


def upper_eigenvalue(gram: np.ndarray) -> float:
    """Proven upper bound on the largest eigenvalue of a positive semidefinite matrix."""
    side = len(gram)
    estimate, slack = largest_eigenvalue(gram), 1e-12
    if estimate == 0 and not gram.any():
        return 0.0
    while not positive_definite(_shifted(gram, estimate * (1 + slack))):
        slack *= 10
    # what a completed Cholesky may hide: λ_min ≥ −γ tr, and the rounding of the shift
    return estimate * (1 + slack) * (1 + 2 * (side + 2) * _gamma(side + 2))


def positive_definite(matrix: np.ndarray) -> bool:
    """Return whether a Cholesky factorisation completes; overwrites the matrix."""
    try:
        cholesky(matrix, lower=True, overwrite_a=True, check_finite=False)
    except LinAlgError:
        return False
    return True


def _shifted(gram: np.ndarray, shift: float) -> np.ndarray:
    shifted = -gram
    shifted.flat[:: len(gram) + 1] += shift
    return np.asfortranarray(shifted)


def _gram(matrix: np.ndarray) -> np.ndarray:
    wide = matrix.shape[0] <= matrix.shape[1]
    return matrix @ matrix.conj().T if wide else matrix.conj().T @ matrix


def _gamma(operations: int) -> float:
    return operations * UNIT / (1 - operations * UNIT)
