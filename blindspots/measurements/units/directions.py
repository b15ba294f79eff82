"""Arms: the units of a layer, and the directions that they are compared with.

A direction is a linear functional of the activations, (units,): its score for an image is its inner
product with the image's activations. Without scaling ("raw"), units are the basis vectors e_i, and
random directions are uniform on the sphere.

With a scaling, directions are in the space of z = Σ^−½ (a − mean). Unit i is still the functional
e_i, so its scores are the unit's activations; in that space it is the direction Σ^½ e_i. Random
directions are uniform on the sphere of that space, and a rotation turns the frame of all units
rigidly.

* "matched": Σ is the diagonal of the units' variances. Every unit has variance 1, and so do random
  directions and rotated units on average. Without scaling, units of large variance dominate every
  random direction; here no unit does.
* "whitened": Σ is the covariance. Every direction has variance 1, and rotated units have the same
  correlations as the units (both up to the shrinkage of Σ), so second moments do not distinguish
  them. But the layer hardly varies along most directions of that sphere, so these say little about
  its images.

Units that never vary have weight 0 in every direction.
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
    """Measured units of a layer, in the space of a scaling.

    Attributes:
        live: (d,) units of the layer that vary; directions are drawn in their space.
        units: (k,) measured units among the live ones.
        covariance: covariance that defines the space.
    """

    def __init__(self, activations: np.ndarray, units: np.ndarray, scaling: str) -> None:
        """Take the space from the activations.

        Args:
            activations: (n, size).
            units: units to measure.
            scaling: one of `SCALINGS`.
        """
        self.size, self.live = activations.shape[1], np.flatnonzero(np.ptp(activations, axis=0) > 0)
        self.units = units[np.isin(units, self.live)]
        space = _SPACES[scaling] if len(self.live) else identity
        self.covariance: Covariance | Diagonal = space(activations[:, self.live])
        vectors = self.covariance.power(0.5, self.functionals()[self.live])
        self.mixing = np.linalg.qr(vectors / np.linalg.norm(vectors, axis=0), mode="r")

    def functionals(self) -> np.ndarray:
        """Functionals of the units themselves.

        Returns:
            (size, k) unit vectors.
        """
        found = np.zeros((self.size, len(self.units)))
        found[self.units, np.arange(len(self.units))] = 1
        return found

    def rotated(self, rng: np.random.Generator) -> np.ndarray:
        """Frame of the units after a Haar rotation of the space.

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
        """Functionals (size, k) of directions (d, k) of the space."""
        return self._widened(self.covariance.power(-0.5, vectors))

    def _widened(self, vectors: np.ndarray) -> np.ndarray:
        """Extend (d, k) to (size, k), with 0 for units that never vary."""
        found = np.zeros((self.size, vectors.shape[1]))
        found[self.live] = vectors
        return found

    def removal(self, functionals: np.ndarray) -> np.ndarray:
        """Vectors w such that a − ((a − mean)·f) w has no component along f.

        w = Σ f / fᵀ Σ f: in the space, this projects onto the complement of the direction.

        Args:
            functionals: (size, k) functionals f.

        Returns:
            (size, k) vectors w.
        """
        w = self._widened(self.covariance.power(1.0, functionals[self.live]))
        return w / (functionals * w).sum(axis=0)


def chosen(units: int, limit: int, rng: np.random.Generator) -> np.ndarray:
    """Draw units of a layer without replacement.

    Args:
        units: number of units of the layer.
        limit: largest number of units to draw.
        rng: random generator.

    Returns:
        (min(units, limit),) units, ascending.
    """
    return np.sort(rng.permutation(units)[:limit])


def haar(rng: np.random.Generator, size: int, count: int) -> np.ndarray:
    """First columns of a rotation drawn from Haar's measure.

    Mezzadri 2007, "How to generate random matrices from the classical compact groups", section 5:
    the QR decomposition of a normal matrix, with the signs of R's diagonal moved into Q.

    Args:
        rng: random generator.
        size: dimension of the space.
        count: number of columns.

    Returns:
        (size, count) orthonormal columns.
    """
    q, r = np.linalg.qr(rng.standard_normal((size, count)))
    return q * np.sign(np.diag(r))


def principal(activations: np.ndarray, count: int) -> np.ndarray:
    """Principal components by decreasing variance, each with its largest weight positive.

    Args:
        activations: (n, units).
        count: largest number of components.

    Returns:
        (units, ≤ count) components of length 1.
    """
    basis = shrunk(activations).basis[:, :count]
    largest = np.abs(basis).argmax(axis=0)
    return basis * np.sign(basis[largest, np.arange(basis.shape[1])])


def probe(activations: np.ndarray, labels: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Best linear direction for each class against the rest.

    This is Fisher's linear discriminant Σ^−1 (mean of the class − mean), with the covariance of
    `covariance.shrunk`.

    Args:
        activations: (n, units) activations for images other than those measured.
        labels: (n,).
        classes: labels, each of at least one image.

    Returns:
        (units, classes) directions of length 1.
    """
    covariance = shrunk(activations)
    means = np.stack([activations[labels == c].mean(axis=0, dtype=np.float64) for c in classes], 1)
    found = covariance.power(-1.0, means - covariance.mean[:, None])
    lengths = np.linalg.norm(found, axis=0)
    return found / np.where(lengths > 0, lengths, 1)
