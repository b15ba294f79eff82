"""The paper's training: mean cross-entropy and weight decay, full-batch L-BFGS to convergence."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from blindspots.interface import InputError, Status
from blindspots.limits import Count, NonNegative
from blindspots.trainers._full_batch import minimise
from blindspots.trainers._needs import check_images, trainable
from blindspots.trainers.checkpoint import Checkpoint
from blindspots.trainers.recipe import Progress, Terms

READINGS = {"decay": ("decay", "as printed times {decay_scale:g}")}
"""Readings of the paper by setting, for the report (`report.readings`)."""


def lbfgs(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    decay: NonNegative | Sequence[NonNegative],
    decay_scale: NonNegative = 1.0,
    norm_penalty: NonNegative = 0.0,
    tolerance: NonNegative = 1e-4,
    max_iterations: Count = 2000,
    history: Count = 100,
    chunk: Count = 2048,
    progress: Progress | None = None,
    checkpoint: Checkpoint | None = None,
) -> tuple[list[Terms], Status]:
    """Train in place on mean cross-entropy + decay_scale · Σ_layers λ Σ w² / k, k a layer's units.

    Szegedy et al. 2013, section 4.2; biases are not decayed. Layers without trainable parameters at
    the front of a `torch.nn.Sequential` are applied once.

    Args:
        model: maps images to logits.
        images: (n, *image).
        labels: (n,).
        decay: λ of every layer's weights, or a list with one per layer, in order.
        decay_scale: factor on every λ; 1 is the formula as printed.
        norm_penalty: μ of μ Σ_layers ‖W‖, each the largest singular value: "penalizing each upper
            Lipschitz bound" (section 4.3). For fully connected layers.
        tolerance: converged when ten iterations lower the loss by less than this share of it.
        max_iterations: largest number of iterations.
        history: curvature pairs that L-BFGS keeps.
        chunk: images per forward pass; the loss is that of all.
        progress: called with each row of the history.
        checkpoint: resumes an interrupted training, and saves what resuming needs.

    Returns:
        The history (`loss`, `data`, `decay`, `error` in percent, with a penalty `norm`, …) and the
        status.

    Raises:
        InputError: no images, nothing to train, a list of λ of another length than the layers, or a
            norm penalty on a layer that is not fully connected.
    """
    check_images(images)
    parameters = trainable(model)
    inputs, trained = _frozen_part_applied(model, images, chunk)
    weights = [p for p in parameters if p.ndim > 1]
    decays = [decay] * len(weights) if isinstance(decay, int | float) else list(decay)
    if len(decays) != len(weights):
        raise InputError(
            f"decay: expected one number, or one for each of the {len(weights)} weight layers, "
            f"found {len(decays)}: {decays}"
        )
    if norm_penalty and any(w.ndim != 2 for w in weights):
        raise InputError(
            "norm_penalty: expected fully connected layers, found others; leave it at 0"
        )
    strengths = [decay_scale * λ / len(w) for λ, w in zip(decays, weights, strict=True)]

    def evaluate() -> Terms:
        for parameter in parameters:
            parameter.grad = None
        data, wrong = 0.0, 0
        for x, y in zip(inputs.split(chunk), labels.split(chunk), strict=True):
            logits = trained(x)
            loss = cross_entropy(logits, y, reduction="sum") / len(inputs)
            loss.backward()
            data += loss.item()
            wrong += int((logits.argmax(dim=1) != y).sum())
        penalties = {
            "decay": torch.stack(
                [s * w.square().sum() for s, w in zip(strengths, weights, strict=True)]
            ).sum()
        }
        if norm_penalty:
            norms = [torch.linalg.matrix_norm(w, ord=2) for w in weights]
            penalties["norm"] = norm_penalty * torch.stack(norms).sum()
        torch.stack(list(penalties.values())).sum().backward()
        added = {name: penalty.item() for name, penalty in penalties.items()}
        return {
            "loss": data + sum(added.values()),
            "data": data,
            **added,
            "error": 100 * wrong / len(inputs),
        }

    return minimise(
        parameters,
        evaluate,
        tolerance=tolerance,
        max_iterations=max_iterations,
        history=history,
        progress=progress,
        checkpoint=checkpoint,
    )


def _frozen_part_applied(model: nn.Module, images: Tensor, chunk: int) -> tuple[Tensor, nn.Module]:
    """Apply the frozen front of the model to the images; return the result and the rest."""
    if type(model) is not nn.Sequential:  # a subclass may compute more than its parts
        return images, model
    front = next(
        i for i, layer in enumerate(model) if any(p.requires_grad for p in layer.parameters())
    )
    frozen = model[:front]
    if next(frozen.parameters(), None) is None:
        return images, model
    with torch.no_grad():
        return torch.cat([frozen(x) for x in images.split(chunk)]), model[front:]
