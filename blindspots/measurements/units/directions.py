"""Arms: the units of a layer, and the directions that they are compared with.

A direction is a linear functional of the activations, (units,): its score for an image is its inner
product with the image's activations. Raw, units are the basis vectors e_i, and random directions
are uniform on the sphere.

Scaled, directions are in the space of z = Σ^−½ (a − mean). Unit i is the functional e_i still, so
that its scores are those of the unit; in that space it is the direction Σ^½ e_i. Random directions
are uniform on the sphere there, and a rotation turns the frame of all units as a whole.

* Variance-matched, Σ contains the units' variances. Every unit has variance 1, and so do random
  directions and rotated units on average. Raw, units of large variance dominate every random
  direction; matched, no unit does.
* Whitened, Σ is the covariance. Every direction has variance 1 and rotated units have the
  correlations of the units (both up to the shrinkage of Σ), so that second
  moments do not distinguish them. But the layer hardly varies along most directions of that sphere,
  so that these say little about its images.

Units that never vary have no part in any direction.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from blindspots.measurements.units.covariance import (
    Covariance,
    Diagonal,
    identity,
    shrunk,
    standard,
)

RAW, MATCHED, WHITENED = "raw", "matched", "whitened"
SCALINGS = (RAW, MATCHED, WHITENED)
UNITS, RANDOM, ROTATION, PCA, PROBE = "units", "random", "rotation", "pca", "probe"
ARMS = (UNITS, RANDOM, ROTATION, PCA, PROBE)
_SPACES: dict[str, Callable[[np.ndarray], Covariance | Diagonal]] = {
    RAW: identity,
    MATCHED: standard,
    WHITENED: shrunk,
}


class Frame:
    """The measured units of a layer, in the space of a scaling.

    Attributes:
        live: (d,) units of the layer that vary, in whose space directions are drawn.
        units: (k,) the measured ones among the live units.
        covariance: covariance of that space.
    """

    def __init__(self, activations: np.ndarray, units: np.ndarray, scaling: str) -> None:
        """Take the space from the activations.

        Args:
            activations: (n, size).
            units: the units to measure.
            scaling: one of `SCALINGS`.
        """
        self.size, self.live = activations.shape[1], np.flatnonzero(np.ptp(activations, axis=0) > 0)
        self.units = units[np.isin(units, self.live)]
        space = _SPACES[scaling] if len(self.live) else identity
        self.covariance: Covariance | Diagonal = space(activations[:, self.live])
        vectors = self.covariance.power(0.5, self.functionals()[self.live])
        self.mixing = np.linalg.qr(vectors / np.linalg.norm(vectors, axis=0), mode="r")

    def functionals(self) -> np.ndarray:
        """The units themselves.

        Returns:
            (size, k).
        """
        found = np.zeros((self.size, len(self.units)))
        found[self.units, np.arange(len(self.units))] = 1
        return found

    def rotated(self, rng: np.random.Generator) -> np.ndarray:
        """The units' frame after a Haar rotation of the space.

        Args:
            rng: generator of the rotation.

        Returns:
            (size, k) functionals.
        """
        return self._of_space(haar(rng, len(self.live), len(self.units)) @ self.mixing)

    def random(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Directions uniform on the sphere of the space.

        Args:
            rng: generator of the directions.
            count: number of directions.

        Returns:
            (size, count) functionals.
        """
        vectors = rng.standard_normal((len(self.live), count))
        return self._of_space(vectors / np.linalg.norm(vectors, axis=0))

    def _of_space(self, vectors: np.ndarray) -> np.ndarray:
        """(size, k) the functionals of directions (d, k) of the space."""
        return self._widened(self.covariance.power(-0.5, vectors))

    def _widened(self, vectors: np.ndarray) -> np.ndarray:
        """(d, k) to (size, k): 0 for units that never vary."""
        found = np.zeros((self.size, vectors.shape[1]))
        found[self.live] = vectors
        return found

    def removal(self, functionals: np.ndarray) -> np.ndarray:
        """Vectors w such that a − ((a − mean)·f) w has no component along f.

        w = Σ f / fᵀ Σ f: in the space, the projection on what is orthogonal to the direction.

        Args:
            functionals: (size, k) the f.

        Returns:
            (size, k).
        """
        w = self._widened(self.covariance.power(1.0, functionals[self.live]))
        return w / (functionals * w).sum(axis=0)


def chosen(units: int, limit: int, rng: np.random.Generator) -> np.ndarray:
    """Units of a layer, drawn without replacement.

    Args:
        units: number of units of the layer.
        limit: largest number of units that are drawn.
        rng: generator of the draw.

    Returns:
        (min(units, limit),) in their order.
    """
    return np.sort(rng.permutation(units)[:limit])


def haar(rng: np.random.Generator, size: int, count: int) -> np.ndarray:
    """The first columns of a rotation, uniform by Haar's measure.

    Mezzadri 2007, "How to generate random matrices from the classical compact groups", section 5:
    the QR decomposition of normal variables, with the signs of R's diagonal taken out.

    Args:
        rng: generator of the rotation.
        size: size of the space.
        count: columns.

    Returns:
        (size, count).
    """
    q, r = np.linalg.qr(rng.standard_normal((size, count)))
    return q * np.sign(np.diag(r))


def principal(activations: np.ndarray, count: int) -> np.ndarray:
    """Principal components by decreasing variance, the largest weight of each positive.

    Args:
        activations: (n, units).
        count: largest number of components.

    Returns:
        (units, ≤ count).
    """
    basis = shrunk(activations).basis[:, :count]
    largest = np.abs(basis).argmax(axis=0)
    return basis * np.sign(basis[largest, np.arange(basis.shape[1])])


def probe(activations: np.ndarray, labels: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """The best linear directions for each class against the rest.

    Fisher's linear discriminant Σ^−1 (mean of the class − mean), with the covariance of
    `covariance.shrunk`.

    Args:
        activations: (n, units) of other images than those measured.
        labels: (n,).
        classes: labels, each with an image.

    Returns:
        (units, classes) of length 1.
    """
    covariance = shrunk(activations)
    means = np.stack([activations[labels == c].mean(axis=0, dtype=np.float64) for c in classes], 1)
    found = covariance.power(-1.0, means - covariance.mean[:, None])
    lengths = np.linalg.norm(found, axis=0)
    return found / np.where(lengths > 0, lengths, 1)
