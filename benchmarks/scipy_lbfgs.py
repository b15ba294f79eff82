"""The paper's attack in the way of public code: SciPy's L-BFGS-B, image by image."""

from __future__ import annotations

import multiprocessing
import os

import numpy as np
import torch
from torch import Tensor


def attack(
    model, images: Tensor, labels: Tensor, targets: Tensor | None, *, searches, first, factor
) -> Tensor:
    """Minimise c ‖r‖₂² + cross-entropy to the target; c by a factor until bracketed, then bisected.

    The objective is that of `blindspots.attacks.lbfgs`, and the nearest success is kept as there.
    """
    tasks = [
        (model, images[i], int(labels[i]), None if targets is None else int(targets[i]))
        for i in range(len(images))
    ]
    settings = (searches, first, factor)
    if len(images) <= 8:  # a warm-up
        return torch.stack([_one(*task, *settings)[0] for task in tasks])
    with multiprocessing.get_context("fork").Pool(os.cpu_count(), _single_thread) as pool:
        found = pool.starmap(_one, [(*task, *settings) for task in tasks], chunksize=4)
    model.forwards = sum(passes for _, passes in found)
    model.backwards = model.forwards
    return torch.stack([image for image, _ in found])


def _single_thread() -> None:
    torch.set_num_threads(1)


def _one(model, image, label, target, searches, first, factor) -> tuple[Tensor, int]:
    from scipy.optimize import minimize

    start = image.double().numpy().ravel()
    best, nearest, passes = start, np.inf, 0

    def evaluate(x: np.ndarray, c: float) -> tuple[float, np.ndarray]:
        nonlocal best, nearest, passes
        passes += 1
        point = torch.from_numpy(x).to(image.dtype).view(1, *image.shape).requires_grad_()
        logits = model(point)[0]
        accepted = torch.zeros_like(logits, dtype=torch.bool)
        if target is None:
            accepted[:] = True
            accepted[label] = False
        else:
            accepted[target] = True
        loss = logits.logsumexp(0) - logits[accepted].logsumexp(0)
        (gradient,) = torch.autograd.grad(loss, point)
        change = x - start
        distance = change @ change
        margin = (logits[accepted].max() - logits[~accepted].max()).item()
        if margin >= 1e-5 * logits.abs().max().item() and distance < nearest:
            best, nearest = x.copy(), distance
        evaluate.reached = margin > 0
        value = loss.item() + c * distance
        return value, gradient.numpy().ravel().astype(np.float64) + 2 * c * change

    c, reaches, misses, x = first, 0.0, np.inf, start
    for _ in range(searches):
        x = minimize(
            evaluate, x, args=(c,), jac=True, method="L-BFGS-B", bounds=[(0, 1)] * len(x)
        ).x
        evaluate(x, c)
        if evaluate.reached:
            reaches = c
        else:
            misses = c
        if np.isinf(misses):
            c *= factor
        elif reaches == 0:
            c /= factor
        else:
            c = np.sqrt(reaches * misses)
    return torch.from_numpy(best).to(image.dtype).view(image.shape), passes
