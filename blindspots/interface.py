"""Types shared by the roles: datasets, statuses, results of attacks and certificates, bad input.

Imports nothing local, and torch only for the type checker.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from torch import Tensor


class InputError(ValueError):
    """Bad input, described in one line: what, where, expected, found, remedy."""


class UnsupportedError(InputError):
    """An unsupported network, such as one with a layer without a known bound, in one line."""


class Box(NamedTuple):
    """The range of a pixel, a property of the dataset.

    Attributes:
        lower: a number for all features, or an array or tensor of an image's shape; -inf: no limit.
        upper: a number, or an array or tensor of that shape; inf: no limit.
    """

    lower: Any
    upper: Any


UNIT_BOX = Box(0.0, 1.0)
UNBOUNDED = Box(-math.inf, math.inf)


class Part(NamedTuple):
    """Images and labels of the training or the test set.

    Attributes:
        images: (n, *image) float32 in the dataset's box.
        labels: (n,) int64.
    """

    images: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Dataset:
    """Return type of a dataset method.

    Attributes:
        train: the training set.
        test: the test set.
        classes: number of classes.
        box: range of a pixel; None: no limits.
        names: names of the classes, in the order of their numbers; None: they have none.
    """

    train: Part
    test: Part
    classes: int
    box: Box | None
    names: Sequence[str] | None = None


class Status(IntEnum):
    """Outcome of a search for one image or one problem of a batch: data, never an exception.

    Attributes:
        CONVERGED: the search met its own criterion, or the goal was met at the beginning.
        ITERATION_LIMIT: the search ended before that.
        LINE_SEARCH_FAILED: no step lowers the objective.
        INFEASIBLE: no point meets the constraints, such as noise of a length that the box has no
            room for.
        NO_SUCCESS: no image was found that meets the goal.
        NON_FINITE: the search ended at a gradient, a value or an answer that is infinite or NaN.
        GRADIENT_VANISHED: the search ended at a gradient that is exactly 0, such as behind a
            rounding; such a failure says nothing about the distance of the nearest success.
        UNSUPPORTED: a certificate does not support this network; or it does not classify.
        TIMED_OUT: a verifier reached a limit on its work or its time.
        ANSWERED: a model gave a finite answer.
        COMPLETED: all requested steps were done, without a criterion to converge to.
    """

    CONVERGED = 0
    ITERATION_LIMIT = 1
    LINE_SEARCH_FAILED = 2
    INFEASIBLE = 3
    NO_SUCCESS = 4
    NON_FINITE = 5
    GRADIENT_VANISHED = 6
    UNSUPPORTED = 7
    TIMED_OUT = 8
    ANSWERED = 9
    COMPLETED = 10


@dataclass(frozen=True)
class AttackResult:
    """Return type of the package's attacks; all tensors have one entry per image.

    Attributes:
        originals: (n, *image) the images before the attack.
        images: (n, *image) the attacked images; the original where the attack failed.
        success: (n,) bool, whether the goal is met with its margin on the stored image.
            Controls such as noise have no goal and always succeed.
        status: (n,) int64, values of `Status`.
        forwards: (n,) int64, images shown to the model; in the package's attacks without the copies
            that pad a batch, and without the 13 images of the model's `trial`.
        backwards: (n,) int64, gradients taken.
        penalty: (n,) the weight c of the distance in the best solution, for penalty attacks,
            relative to the loss as the attack scales it; NaN where none was searched.
    """

    originals: Tensor
    images: Tensor
    success: Tensor
    status: Tensor
    forwards: Tensor
    backwards: Tensor
    penalty: Tensor | None = None

    @property
    def perturbation(self) -> Tensor:
        """(n, pixels) float64, the attacked image minus the original."""
        return (self.images.double() - self.originals.double()).flatten(1)

    @property
    def l2(self) -> Tensor:
        """(n,) float64, Euclidean norm of the perturbation."""
        return self.perturbation.norm(dim=1)

    @property
    def linf(self) -> Tensor:
        """(n,) float64, largest absolute change of a pixel."""
        return self.perturbation.abs().amax(dim=1)

    @property
    def distortion(self) -> Tensor:
        """(n,) float64, RMS change per pixel (Szegedy et al. 2013, section 4.2)."""
        return self.perturbation.square().mean(dim=1).sqrt()


@dataclass(frozen=True)
class CertificateResult:
    """Return type of every certificate.

    Attributes:
        radius: (n,) float64, at least 0: no image nearer than this, in the certificate's norm, has
            a wrong answer; 0 where the model is wrong already, infinite where no image has one, NaN
            where the certificate failed. A certificate that decides yes or no at a radius `eps`
            gives `eps` or 0.
        status: (n,) int64, values of `Status`.
        reasons: (n,) reasons for rows that are UNSUPPORTED or TIMED_OUT; None: no reasons.
    """

    radius: Tensor
    status: Tensor
    reasons: Sequence[str | None] | None = None


class LayerBound(NamedTuple):
    """A bound on the Lipschitz constant of one layer of a network.

    Attributes:
        layer: path of the module in the network, such as "encoder.1".
        kind: type of the module, such as "Linear".
        inputs: number of inputs per image.
        outputs: number of outputs per image.
        bound: bound on the layer's Lipschitz constant.
        product: bound on the Lipschitz constant of the map from the network's input to the layer's
            output.
    """

    layer: str
    kind: str
    inputs: int
    outputs: int
    bound: float
    product: float
