"""Accuracy that a network loses when a direction is projected out of one of its layers."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from blindspots.measurements.units.activations import Layer, activations, replaced
from blindspots.threat.outcomes import widened

NUMBERS = 2**20
"""Largest size of the layer's outputs in a pass; larger ones would not fit in the CPU's cache."""
FEWEST, MOST_NUMBERS = 8, 2**25
"""Least number of images in a pass, as small batches are slow; and the largest size of the outputs,
which overrides it."""
ROWS = 2**14
"""Largest number of variants of images in a pass."""


def correct_without(
    model: nn.Module,
    layer: Layer,
    images: Tensor,
    labels: Tensor,
    functionals: np.ndarray,
    removals: np.ndarray,
) -> tuple[int, np.ndarray]:
    """Count the images that the network gets right with all directions, and without each.

    For direction f the layer's output a becomes a − ((a − mean) · f) w with w · f = 1, at every
    place of a convolution: its component along the direction becomes the mean for all images. The
    layers above are applied to the result.

    Args:
        model: network from images to logits, in evaluation mode.
        layer: the layer that the directions belong to.
        images: (n, *image) on the model's device.
        labels: (n,) on the same device.
        functionals: (units, directions) functionals f.
        removals: (units, directions) vectors w.

    Returns:
        The number of images right without a change, and the number right without each direction,
        (directions,) int64.
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
    """Remove each direction from (m, units, *places): (directions, m, units, *places)."""
    scores = torch.einsum("mup,ud->dmp", a.flatten(2) if a.ndim > 2 else a[..., None], f)
    scores -= (mean @ f)[:, None, None]
    removed = torch.einsum("dmp,ud->dmup", scores, w)
    return a - removed.view(f.shape[1], *a.shape)


def _variants(
    model: nn.Module, name: str, x: Tensor, f: Tensor, w: Tensor, mean: Tensor
) -> Tensor | None:
    """Answers (1 + directions, m), with all variants as one batch for the layers above.

    None if these layers do not accept a batch of another size than the network's.
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
    """Compute the result of `_variants` with one pass through the whole network per direction."""
    answers = [model(x)]
    for d in range(f.shape[1]):
        at = slice(d, d + 1)
        answers.append(
            replaced(model, name, x, lambda a, at=at: _without(a, f[:, at], w[:, at], mean)[0])
        )
    return torch.stack([widened(logits).argmax(dim=1) for logits in answers])
