"""Lower bounds on a network's Lipschitz constant: the steepest slopes that are found.

Every slope of the network is a lower bound: the norm of its Jacobian at a point where it is
differentiable, and ‖φ(x + r) − φ(x)‖ / ‖r‖ of an attacked image. They are computed in float64,
whose rounding is about 1e-12 of them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def stretch(model: nn.Module, originals: Tensor, images: Tensor) -> Tensor:
    """‖φ(x + r) − φ(x)‖ / ‖r‖ of every attacked image.

    Args:
        model: images to logits, in float64.
        originals: (n, *image).
        images: (n, *image), attacked.

    Returns:
        (n,) float64; 0 where an image is the original.
    """
    x, y = originals.double(), images.double()
    with torch.no_grad():
        change = (model(y) - model(x)).norm(dim=1)
    length = (y - x).flatten(1).norm(dim=1)
    return torch.where(length > 0, change / length, 0)


def jacobian_norms(model: nn.Module, images: Tensor) -> Tensor:
    """Largest singular value of the Jacobian of the logits at every image.

    Args:
        model: images to logits, in float64.
        images: (n, *image).

    Returns:
        (n,) float64.
    """
    return torch.linalg.matrix_norm(_jacobian(model, images.double()), ord=2)


def steepest(
    model: nn.Module, images: Tensor, *, starts: int = 16, steps: int = 60, seed: int = 0
) -> float:
    """Largest Jacobian norm that an ascent from the steepest images finds, also outside the box.

    The ascent follows the gradient of uᵀ J(x) v for the leading singular vectors u and v, or a
    random direction if the gradient is 0, as in ReLU networks; a step that decreases the norm is
    halved.

    Args:
        model: images to logits, in float64.
        images: (n, *image).
        starts: number of images from which it starts.
        steps: number of steps from each.
        seed: seed of the random directions.

    Returns:
        A lower bound on the network's Lipschitz constant.
    """
    generator = torch.Generator(images.device).manual_seed(seed)
    norms = jacobian_norms(model, images)
    best, at = norms.topk(min(starts, len(images)))
    x = images.double()[at]
    length = torch.ones_like(best)
    for _ in range(steps):
        direction = _ascent(model, x)
        random = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        flat = direction.flatten(1).norm(dim=1) == 0
        direction[flat] = random[flat]
        unit = direction / direction.flatten(1).norm(dim=1).view(-1, *[1] * (x.ndim - 1))
        trial = x + length.view(-1, *[1] * (x.ndim - 1)) * unit
        found = jacobian_norms(model, trial)
        better = found > best
        best, length = torch.where(better, found, best), length * torch.where(better, 1.5, 0.5)
        x[better] = trial[better]
    return float(best.max())


def _jacobian(model: nn.Module, images: Tensor) -> Tensor:
    """(n, logits, pixels)."""
    with torch.enable_grad():
        x = images.detach().requires_grad_()
        logits = model(x)
        rows = [
            torch.autograd.grad(logits[:, j].sum(), x, retain_graph=True)[0].flatten(1)
            for j in range(logits.shape[1])
        ]
    return torch.stack(rows, dim=1)


def _ascent(model: nn.Module, images: Tensor) -> Tensor:
    """Gradient of uᵀ J(x) v, (n, *image), for the leading singular vectors at x."""
    u, _, v = torch.linalg.svd(_jacobian(model, images), full_matrices=False)
    with torch.enable_grad():
        x = images.detach().requires_grad_()
        pulled = torch.autograd.grad((model(x) * u[:, :, 0]).sum(), x, create_graph=True)[0]
        if not pulled.requires_grad:  # piecewise linear
            return torch.zeros_like(images)
        slope = (pulled.flatten(1) * v[:, 0]).sum()
        (up,) = torch.autograd.grad(slope, x, allow_unused=True)
    return torch.zeros_like(images) if up is None else up
