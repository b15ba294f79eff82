"""The accuracy that a network loses when a direction is projected out of one of its layers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from blindspots.measurements.units.activations import Layer, activations, replaced
from blindspots.threat.outcomes import widened

NUMBERS = 2**20
"""Outputs of the layer in a pass; more would not fit in the processor's cache."""
FEWEST, MOST_NUMBERS = 8, 2**25
"""Least number of images in a pass, unless they take too much memory: small batches are slow."""
ROWS = 2**14
"""Maximum of variants in a pass, counted per image."""


def correct_without(
    model: nn.Module,
    layer: Layer,
    images: Tensor,
    labels: Tensor,
    functionals: np.ndarray,
    removals: np.ndarray,
    progress: Callable[[int], None] | None = None,
) -> tuple[int, np.ndarray]:
    """Count of the images that the network gets right, with all and without each direction.

    For direction f the layer's output a becomes a − ((a − mean) · f) w with w · f = 1, at every
    place of a convolution: its component along the direction becomes the mean for all images. The
    layers above it are applied to the result.

    Args:
        model: images to logits, in evaluation mode.
        layer: the layer that the directions belong to.
        images: (n, *image) on the model's device.
        labels: (n,) on the same device.
        functionals: (units, directions), each f.
        removals: (units, directions), each w.
        progress: called with the number of images that are done.

    Returns:
        The images right as they are, and (directions,) int64.
    """
    mean = activations(model, images.split(256), [layer.name])[layer.name].mean(0, dtype=np.float64)
    f, w, mean = (
        torch.from_numpy(array).to(images) for array in (functionals, removals, mean)
    )  # (units, directions), …
    with torch.no_grad():
        numbers = _numbers(model, layer.name, images[:1])
    most = max(1, MOST_NUMBERS // numbers)  # variants of images at once
    group = min(f.shape[1], most)  # directions at once
    passes = min(NUMBERS // numbers, ROWS) // (group + 1)
    passes = max(1, passes, min(FEWEST, most // (group + 1)))
    # The unchanged network is the first variant of each group of directions.
    groups = list(zip(f.split(group, dim=1), w.split(group, dim=1), strict=True))
    right = [torch.zeros(of.shape[1] + 1, dtype=torch.int64, device=f.device) for of, _ in groups]
    together = True
    for at in range(0, len(images), passes):
        x, y = images[at : at + passes], labels[at : at + passes]
        for (some_f, some_w), count in zip(groups, right, strict=True):
            given = _variants(model, layer.name, x, some_f, some_w, mean) if together else None
            if given is None:
                together = False
                given = _one_by_one(model, layer.name, x, some_f, some_w, mean)
            count += (given == y).sum(dim=1)
        if progress is not None:
            progress(at + len(x))
    return int(right[0][0]), torch.cat([count[1:] for count in right]).cpu().numpy()


def _numbers(model: nn.Module, name: str, image: Tensor) -> int:
    """Size of the layer's output for one image."""
    sizes = []

    def note(output: Tensor) -> Tensor:
        sizes.append(output.numel())
        return output

    replaced(model, name, image, note)
    return sizes[0]


def _without(a: Tensor, f: Tensor, w: Tensor, mean: Tensor) -> Tensor:
    """(m, units, *places) to (directions, m, units, *places)."""
    scores = torch.einsum("mup,ud->dmp", a.flatten(2) if a.ndim > 2 else a[..., None], f)
    scores -= (mean @ f)[:, None, None]
    removed = torch.einsum("dmp,ud->dmup", scores, w)
    return a - removed.view(f.shape[1], *a.shape)


def _variants(
    model: nn.Module, name: str, x: Tensor, f: Tensor, w: Tensor, mean: Tensor
) -> Tensor | None:
    """Answers (1 + directions, m): the layers above see all variants as one batch.

    None if they do not take another number of images than the network was given.
    """

    def change(a: Tensor) -> Tensor:
        return torch.cat([a[None], _without(a, f, w, mean)]).flatten(0, 1)

    try:
        answers = widened(replaced(model, name, x, change)).argmax(dim=1)
    except RuntimeError as error:
        if "memory" in str(error):
            raise
        return None
    variants = f.shape[1] + 1
    return answers.view(variants, len(x)) if len(answers) == variants * len(x) else None


def _one_by_one(
    model: nn.Module, name: str, x: Tensor, f: Tensor, w: Tensor, mean: Tensor
) -> Tensor:
    """Compute `_variants` by a pass through the whole network for each direction."""
    answers = [model(x)]
    for d in range(f.shape[1]):
        at = slice(d, d + 1)
        answers.append(
            replaced(model, name, x, lambda a, at=at: _without(a, f[:, at], w[:, at], mean)[0])
        )
    return torch.stack([widened(logits).argmax(dim=1) for logits in answers])
