"""Shared by the package's certificates: a network's answers, and bounds on their rounding.

A certificate holds for the network as it runs, in the precision of its images, on any processor. A
sum w·h + b of n + 1 terms is rounded there by at most γ (Σ |w_i h_i| + |b|), in any order of
summation: γ is k u / (1 − k u) with the unit roundoff u and k = n + 1 (Higham 2002, "Accuracy and
stability of numerical algorithms", section 3.1), or, of long sums and but for a probability of 2 n
exp(−λ²/2), k = λ √(n + 1) (Higham and Mary 2019, "A new approach to probabilistic rounding error
analysis"). This is not a share of the logit, which may vanish where the sum's terms do not: at the
boundary between two opposite logits any lead is as large as the logits, even a lead by rounding.
"""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

import torch
from torch import Tensor, nn

from blindspots.bounds.graph import Exact, exact, steps
from blindspots.interface import InputError
from blindspots.threat.goals import SUCCESS_MARGIN, accepted_answers, relative_margin

LIKELY = 8
"""λ, by which a sum of 1000 terms exceeds its bound with a probability of at most 3e-11."""

OWN = 1e-12
"""Rounding of a certificate itself, in float64: (n + 1) u of sums of 9000 terms."""


class Answers(NamedTuple):
    """A network's answers to images.

    Attributes:
        network: float64 network that computes what the model does (see `bounds.graph.exact`).
        logits: (n, classes) float64.
        label_alone: (n, classes) bool, true at the label only.
        certain: (n,) bool, whether the label leads all others by `goals.SUCCESS_MARGIN`, so that
            float32 gets the image right, too.
        rounding: (n, classes) float64, bound on the rounding of the label's logit minus another as
            the network runs; that of the last layer only, and only if it is `nn.Linear`.
        steeper: slope to add to those of such differences, as a share of the network's own, since
            the rounding may grow away from the image.
    """

    network: Exact
    logits: Tensor
    label_alone: Tensor
    certain: Tensor
    rounding: Tensor
    steeper: float


class _Widened(nn.Module):
    """A model with one logit z as one with two, 0 and z (`outcomes.widened`), layer by layer."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model, self.both = model, nn.Linear(1, 2)
        with torch.no_grad():
            self.both.weight.copy_(torch.tensor([[0.0], [1.0]]))
            self.both.bias.zero_()

    def forward(self, x: Tensor) -> Tensor:
        return self.both(self.model(x))


def answers(
    model: nn.Module, images: Tensor, labels: Tensor, classes: int | None = None
) -> Answers:
    """Show images to a model.

    Args:
        model: images to logits; a single logit z stands for the logits 0 and z.
        images: (n, *image) float32 or float64.
        labels: (n,) int64, true classes.
        classes: number of labels; logits beyond them, such as a detector's "rejected", are left
            out, since a rejected image is not wrong. None: that of the logits.

    Raises:
        InputError: other images or labels, or a model that gives no logits (n, classes).
        UnsupportedError: a model whose answers do not follow from its layers.
    """
    if images.dtype not in (torch.float32, torch.float64) or not images.isfinite().all():
        raise InputError(f"images: expected finite float32 or float64, found {images.dtype}")
    if labels.dtype != torch.int64 or labels.shape != images.shape[:1]:
        raise InputError(
            f"labels: expected int64 of shape ({len(images)},), found {labels.dtype} "
            f"{tuple(labels.shape)}"
        )
    network = exact(model, images.shape[1:])
    with torch.no_grad():
        logits, sizes, terms = _shown(network, images)
        if logits.ndim == 2 and logits.shape[1] == 1:
            network = exact(_Widened(model).to(images.device), images.shape[1:])
            logits = network(images.double().clone())
            sizes = torch.cat([torch.zeros_like(sizes), sizes], dim=1)
    if logits.ndim != 2:
        raise InputError(
            "model: expected a net that classifies, with logits (n, classes), found answers of "
            f"shape ({', '.join(['n', *map(str, logits.shape[1:])])}); leave it out"
        )
    logits = logits[:, :classes]
    if not ((labels >= 0) & (labels < logits.shape[1])).all():
        raise InputError(f"labels: expected classes from 0 to {logits.shape[1] - 1}, found others")
    label_alone = accepted_answers(labels, labels, logits.shape[1], logits.shape[1])
    certain = relative_margin(logits, label_alone) >= SUCCESS_MARGIN
    sizes, unit = sizes[:, :classes], torch.finfo(images.dtype).eps / 2
    roundings = min(terms, LIKELY * sqrt(terms)) * unit
    share = roundings / (1 - roundings)
    rounding = (share + OWN) * (sizes.gather(1, labels[:, None]) + sizes)
    return Answers(network, logits, label_alone, certain, rounding, 2 * share)


def _shown(network: Exact, images: Tensor) -> tuple[Tensor, Tensor, int]:
    """Logits of images, Σ |w_i h_i| + |b| of each in a linear last layer, and the terms of a sum.

    If the last layer is another one, the largest absolute logit, and no terms.
    """
    last, entered = steps(network, images.shape[1:])[-1], []
    head = last.operation
    if not isinstance(head, nn.Linear):
        logits = network(images.double().clone())  # a forward may change its images
        return logits, logits.abs().amax(dim=-1, keepdim=True).expand_as(logits), 0
    hook = network.get_submodule(last.path).register_forward_pre_hook(
        lambda _, inputs: entered.append(inputs[0].detach().clone())
    )
    try:
        logits = network(images.double().clone())
    finally:
        hook.remove()
    sizes = entered[-1].abs() @ head.weight.abs().T.to(logits)
    if head.bias is not None:
        sizes = sizes + head.bias.abs().to(logits)
    return logits, sizes, head.in_features + 1
