"""The factor on the weight decay that fits the paper's training errors best.

The constant λ of Szegedy et al. 2013 is uncertain: as printed, FC10(1e-2) and FC10(1) come out with
smaller errors than the paper's. One factor for all, fitted to its three FC10 training errors, is
the "calibrated" reading.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import log, log10

from scipy.optimize import minimize_scalar
from torch import Tensor

from blindspots.files import weights
from blindspots.trainers.lbfgs import lbfgs

RANGE = (0.1, 100.0)
"""Factors that are searched."""


def fit_decay_scale(
    images: Tensor,
    labels: Tensor,
    classes: int,
    targets: Mapping[float, float],
    *,
    tolerance: float = 1e-4,
    progress: Callable[[float, Mapping[float, float]], None] | None = None,
) -> tuple[float, dict[float, float]]:
    """Fit the factor to training errors of softmax classifiers.

    Args:
        images: (n, *image) training images.
        labels: (n,).
        classes: number of labels.
        targets: training error in percent, by weight decay λ.
        tolerance: of each training.
        progress: called with each factor tried and the errors at it.

    Returns:
        The factor with the smallest sum of squared log ratios of error to target, and the errors at
        it by λ.
    """
    models = {
        decay: weights.create("mlp", {"hidden": []}, images.shape[1:], classes)[0]
        for decay in targets
    }

    def errors(scale: float) -> dict[float, float]:
        found = {}
        for decay, model in models.items():  # each starts from the last factor's optimum
            rows, _ = lbfgs(
                model, images, labels, decay=decay, decay_scale=scale, tolerance=tolerance
            )
            found[decay] = rows[-1]["error"]
        if progress is not None:
            progress(scale, found)
        return found

    def misfit(log_scale: float) -> float:
        found = errors(10**log_scale)
        return sum(log(max(found[decay], 1e-3) / targets[decay]) ** 2 for decay in targets)

    best = minimize_scalar(
        misfit, bounds=[log10(end) for end in RANGE], method="bounded", options={"xatol": 0.02}
    )
    scale = float(10**best.x)
    return scale, errors(scale)
