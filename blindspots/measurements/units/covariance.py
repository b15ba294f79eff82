"""Covariance of a layer's activations, well-conditioned for any number of images and units."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

SMALLEST_SHRINKAGE = 1e-6
"""Smallest variance of a direction, as a share of the mean variance, so that Σ is invertible."""
RANK = 1e-12
"""Share of the largest eigenvalue below which an eigenvalue counts as 0."""


class Diagonal(NamedTuple):
    """Diagonal covariance.

    Attributes:
        mean: (units,) mean of the activations.
        variances: (units,) positive variances.
    """

    mean: np.ndarray
    variances: np.ndarray

    def power(self, exponent: float, vectors: np.ndarray) -> np.ndarray:
        """Σ^exponent times (units, k) vectors."""
        return self.variances[:, None] ** exponent * vectors


class Covariance(NamedTuple):
    """Covariance by its eigenvectors, with one variance for all directions orthogonal to them.

    Attributes:
        mean: (units,) mean of the activations.
        basis: (units, r) orthonormal vectors, by decreasing variance of the activations.
        variances: (r,) shrunk variances along the basis.
        elsewhere: variance of all directions orthogonal to the basis.
    """

    mean: np.ndarray
    basis: np.ndarray
    variances: np.ndarray
    elsewhere: float

    def power(self, exponent: float, vectors: np.ndarray) -> np.ndarray:
        """Σ^exponent times (units, k) vectors."""
        inside = self.basis.T @ vectors
        scale = self.variances**exponent - self.elsewhere**exponent
        return self.elsewhere**exponent * vectors + self.basis @ (scale[:, None] * inside)


def identity(activations: np.ndarray) -> Diagonal:
    """Identity covariance, for (n, units) activations that are not scaled."""
    return Diagonal(activations.mean(axis=0, dtype=np.float64), np.ones(activations.shape[1]))


def standard(activations: np.ndarray) -> Diagonal:
    """Variance of each unit of (n, units) activations, raised for units that hardly vary."""
    variances = activations.var(axis=0, dtype=np.float64)
    least = SMALLEST_SHRINKAGE * variances.mean()
    return Diagonal(activations.mean(axis=0, dtype=np.float64), np.maximum(variances, least))


def shrunk(activations: np.ndarray) -> Covariance:
    """Shrunk covariance Σ = (1 − λ) S + λ tr(S)/d 1 with the λ of Ledoit and Wolf 2004.

    "A well-conditioned estimator for large-dimensional covariance matrices", section 3.3. With many
    images per unit λ is near 0 and Σ is the sample covariance S; with fewer images than units λ
    prevents Σ^−½ from making all images equidistant.

    Args:
        activations: (n, units).
    """
    n, units = activations.shape
    mean = activations.mean(axis=0, dtype=np.float64)
    x = activations - mean
    by_images = n < units
    eigenvalues, vectors = np.linalg.eigh((x @ x.T if by_images else x.T @ x) / n)
    kept = eigenvalues > RANK * max(eigenvalues[-1], 0.0)
    eigenvalues, vectors = eigenvalues[kept][::-1], vectors[:, kept][:, ::-1]
    basis = x.T @ vectors / np.sqrt(n * eigenvalues) if by_images else vectors
    average = eigenvalues.sum() / units
    if average == 0:  # every unit is constant
        return Covariance(mean, basis, eigenvalues, 1.0)
    squares = float(np.square(eigenvalues).sum())
    spread = float(np.square(np.square(x).sum(axis=1)).mean())  # mean of ‖x‖⁴
    noise = (spread - squares) / n  # b̄², noise of S around Σ
    λ = min(1.0, max(SMALLEST_SHRINKAGE, noise / max(squares - units * average**2, RANK * squares)))
    return Covariance(mean, basis, (1 - λ) * eigenvalues + λ * average, λ * average)
