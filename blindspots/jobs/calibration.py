"""Fit one setting, shared by several nets' trainers, to given training errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import log, log10
from typing import Any, NamedTuple

from scipy.optimize import minimize_scalar
from torch import Tensor, nn

from blindspots.interface import InputError

RANGE = (0.1, 100.0)
"""Range of the search."""

LEAST = 1e-3
"""Error in percent below which errors count as equal."""


class Trained(NamedTuple):
    """A net to be trained.

    Attributes:
        model: maps images to logits.
        train: trainer, called with the model, images and labels.
        settings: settings of the trainer.
        error: wanted error on the training images after training, in percent.
    """

    model: nn.Module
    train: Callable[..., Any]
    settings: Mapping[str, Any]
    error: float


def fit(
    setting: str,
    nets: Mapping[str, Trained],
    images: Tensor,
    labels: Tensor,
    *,
    progress: Callable[[float, Mapping[str, float]], None] | None = None,
) -> tuple[float, dict[str, float]]:
    """Fit one value of a setting to the training errors of all nets.

    Args:
        setting: setting of their trainers, a positive number.
        nets: nets by name. They are trained in place; each training starts from the last one's
            weights.
        images: (n, *image) training images.
        labels: (n,).
        progress: called with each value tried and the resulting errors.

    Returns:
        The value with the smallest sum of squared log ratios of error to wanted error, and the
        resulting errors in percent.

    Raises:
        InputError: a trainer whose history has no `error`.
    """

    def errors(value: float) -> dict[str, float]:
        found = {}
        for name, net in nets.items():
            rows, _ = net.train(net.model, images, labels, **{**net.settings, setting: value})
            if "error" not in rows[-1]:
                raise InputError(
                    f"{name}: expected a trainer whose history has the training error (`error`), "
                    f"found {', '.join(rows[-1])}"
                )
            found[name] = rows[-1]["error"]
        if progress is not None:
            progress(value, found)
        return found

    def misfit(log_value: float) -> float:
        found = errors(10**log_value)
        return sum(log(max(found[name], LEAST) / net.error) ** 2 for name, net in nets.items())

    best = minimize_scalar(
        misfit, bounds=[log10(end) for end in RANGE], method="bounded", options={"xatol": 0.02}
    )
    value = float(10**best.x)
    return value, errors(value)
