"""The paper's training: mean cross-entropy and weight decay, full-batch L-BFGS to convergence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from blindspots.interface import InputError, Status
from blindspots.limits import Count, NonNegative, of_model
from blindspots.trainers._full_batch import minimise
from blindspots.trainers._needs import check_images, trainable
from blindspots.trainers.checkpoint import Checkpoint
from blindspots.trainers.recipe import Progress, Terms

READINGS = {
    "decay": ("decay", ("decay_biases", {
        False: ("decay_per", {
            "units": "{decay_factor:times}λ Σ w² / k as printed",
            "none": "{decay_factor:times}λ Σ w²",
        }),
        True: ("decay_per", {
            "units": "{decay_factor:times}λ Σ (w² + b²) / k",
            "none": "{decay_factor:times}λ Σ (w² + b²)",
        }),
    })),
}  # fmt: skip
"""Readings of the paper by setting, for the report (`report.readings`)."""


def lbfgs(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    decay: NonNegative | Sequence[NonNegative],
    decay_per: Literal["units", "none"] = "units",
    decay_factor: NonNegative = 1.0,
    decay_biases: Annotated[bool, of_model("bias")] = False,
    norm_penalty: NonNegative = 0.0,
    tolerance: NonNegative = 1e-4,
    max_iterations: Count = 2000,
    history: Count = 100,
    chunk: Count = 2048,
    progress: Progress | None = None,
    checkpoint: Checkpoint | None = None,
) -> tuple[list[Terms], Status]:
    """Train in place on mean cross-entropy + factor · Σ_layers λ Σ w² / k, k a layer's units.

    Szegedy et al. 2013, section 4.2. The other usual readings of its decay are settings: ½ λ Σ w²
    is `decay_per="none", decay_factor=0.5`. A loss that is summed over the n images instead of
    averaged is this one with λ/n, which needs no setting. Layers without trainable parameters at
    the front of a `torch.nn.Sequential` are applied once.

    Args:
        model: maps images to logits.
        images: (n, *image).
        labels: (n,).
        decay: λ of every layer's weights, or a list with one per layer, in order.
        decay_per: "units": λ Σ w² / k, as printed; "none": λ Σ w².
        decay_factor: factor on every λ.
        decay_biases: whether biases are decayed like the weights of their layer.
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
        InputError: no images, nothing to train, a list of λ of another length than the layers,
            biases to decay that the model has not, or a norm penalty on a layer that is not fully
            connected.
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
    units = [len(w) if decay_per == "units" else 1 for w in weights]
    strengths = [decay_factor * λ / k for λ, k in zip(decays, units, strict=True)]
    decayed = list(zip(strengths, weights, strict=True))
    if decay_biases:
        decayed += _biases(model, decayed)

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
                [strength * values.square().sum() for strength, values in decayed]
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


def _biases(
    model: nn.Module, weights: list[tuple[float, nn.Parameter]]
) -> list[tuple[float, nn.Parameter]]:
    """Return the biases of layers, each with the strength of the layer's decay."""
    strengths = {id(weight): strength for strength, weight in weights}
    found = []
    for layer in model.modules():
        strength = strengths.get(id(getattr(layer, "weight", None)))
        bias = getattr(layer, "bias", None)
        if strength is not None and isinstance(bias, nn.Parameter) and bias.requires_grad:
            found.append((strength, bias))
    if not found:
        raise InputError(
            "decay_biases: expected a model with biases to train, found none; leave it out"
        )
    return found


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
