"""Training of a sparse autoencoder: squared error, weight decay, a penalty on mean activity."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from blindspots.interface import InputError, Status
from blindspots.limits import Count, NonNegative, Share
from blindspots.trainers._full_batch import minimise
from blindspots.trainers._needs import check_images
from blindspots.trainers.checkpoint import Checkpoint
from blindspots.trainers.recipe import Progress, Terms


def sparse_autoencoder(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    sparsity: Share = 0.1,
    sparsity_weight: NonNegative = 1.0,
    decay: NonNegative = 4e-3,
    tolerance: NonNegative = 3e-4,
    max_iterations: Count = 1000,
    history: Count = 30,
    chunk: Count = 2048,
    progress: Progress | None = None,
    checkpoint: Checkpoint | None = None,
) -> tuple[list[Terms], Status]:
    """Train in place, by full-batch L-BFGS, on the usual sparse autoencoder objective.

    mean over images of ½ ‖x̂ − x‖² + β Σ_j KL(ρ ‖ ρ̂_j) + λ/2 Σ w², where ρ̂_j is the mean activity of
    code unit j. Szegedy et al. 2013 do not state the recipe of AE400-10; this is the usual one,
    from A. Ng's lecture notes "Sparse autoencoder" (CS294A, Stanford 2011).

    Args:
        model: has the parts `encoder`, images to codes in (0, 1), and `decoder`, codes to images.
        images: (n, *image).
        labels: not used.
        sparsity: ρ, the target of the mean activity.
        sparsity_weight: β.
        decay: λ of all weights; biases are not decayed.
        tolerance: converged when ten iterations lower the loss by less than this share of it.
        max_iterations: largest number of iterations.
        history: curvature pairs that L-BFGS keeps.
        chunk: images per forward pass; the loss is that of all.
        progress: called with each row of the history.
        checkpoint: resumes an interrupted training, and saves what resuming needs.

    Returns:
        The history (`loss`, `data`, `decay`, `sparsity`, …) and the status.

    Raises:
        InputError: no images, or a model without the two parts.
    """
    check_images(images)
    parts = dict(model.named_children())
    if not {"encoder", "decoder"} <= parts.keys():
        raise InputError(f"model: expected parts encoder and decoder, found {sorted(parts)}")
    encoder, decoder = parts["encoder"], parts["decoder"]
    parameters = list(model.parameters())
    weights = [p for p in parameters if p.ndim > 1]
    chunks = images.split(chunk)

    def evaluate() -> Terms:
        for parameter in parameters:
            parameter.grad = None
        with torch.no_grad():  # whose graphs would hold all images
            activity = torch.stack([encoder(x).sum(dim=0) for x in chunks]).sum(dim=0) / len(images)
        activity.requires_grad_()
        divergence = sparsity_weight * _bernoulli_kl(sparsity, activity).sum()
        (pull,) = torch.autograd.grad(divergence, activity)
        error = 0.0
        for x in chunks:
            h = encoder(x)
            squared = (decoder(h) - x).square().sum() / (2 * len(images))
            (squared + (h.sum(dim=0) @ pull) / len(images)).backward()
            error += squared.item()
        shrinkage = decay / 2 * torch.stack([w.square().sum() for w in weights]).sum()
        shrinkage.backward()
        return {
            "loss": error + shrinkage.item() + divergence.item(),
            "data": error,
            "decay": shrinkage.item(),
            "sparsity": divergence.item(),
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


def _bernoulli_kl(p: float, q: Tensor) -> Tensor:
    """KL divergence of Bernoulli(q) from Bernoulli(p)."""
    p_tensor = torch.as_tensor(p, dtype=q.dtype, device=q.device)
    return p_tensor.xlogy(p_tensor / q) + (1 - p_tensor).xlogy((1 - p_tensor) / (1 - q))
