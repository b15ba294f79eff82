"""Input gradients of sources and victims: similarity of directions, and norm of the victims'.

Demontis et al. 2019, "Why do adversarial attacks transfer?", name both as causes of transfer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor, nn

from blindspots.files import tables
from blindspots.files.images import Images
from blindspots.measurements.contract import measurement
from blindspots.threat.outcomes import widened

GRADIENTS = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("victim", pa.string(), nullable=False),
        pa.field("seed", pa.int32(), nullable=False),
        pa.field("cosine", pa.float64()),  # mean over images with both gradients; null: none
        pa.field("compared", pa.int32(), nullable=False),  # number of these images
        pa.field("victim_gradient", pa.float64(), nullable=False),  # L2 norm, mean over images
        pa.field("n", pa.int32(), nullable=False),
    ]
)
"""Input gradients of the cross-entropy with the label: a row per source and victim."""


@measurement("experiment", tables=("gradients",), runtime=30)
def gradients(
    seed: int,
    data: Images,
    sources: Mapping[str, nn.Module],
    victims: Mapping[str, nn.Module],
    chunk: int,
    progress: Callable[[int], None] | None = None,
) -> pa.Table:
    """Compare the input gradients of an experiment's sources with those of its victims.

    Args:
        seed: seed of the nets.
        data: images at which gradients are taken.
        sources: sources by name.
        victims: victims by name.
        chunk: images at a time.
        progress: called with the number of images that are done.

    Returns:
        A table with `GRADIENTS`.
    """
    models = {**sources, **victims}
    return alignment(data, models, [*sources], [*victims], seed, chunk, progress)


def input_gradients(model: nn.Module, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Input gradient of each image's cross-entropy with its label: direction and norm.

    Both are 0 if the logits do not depend on the image or have no finite gradient. The
    cross-entropy is softplus(u) with u = log Σ_{j ≠ y} exp z_j − z_y, so its gradient is the
    gradient of u times sigmoid(u): u does not saturate where the model is confident, so float32 is
    accurate there.

    Returns:
        Directions (n, pixels) float64, of norm 1 or 0; and norms (n,) float64.
    """
    inputs = images.detach().clone().requires_grad_()
    logits = widened(model(inputs))
    others = logits.scatter(1, labels[:, None], -torch.inf).logsumexp(dim=1)
    u = others - logits.gather(1, labels[:, None])[:, 0]
    slope = torch.zeros_like(inputs)
    if u.requires_grad:
        slope = torch.autograd.grad(u.sum(), inputs, materialize_grads=True)[0]
    slope = slope.flatten(1).double()
    slope = torch.where(slope.isfinite().all(dim=1, keepdim=True), slope, 0)
    length = slope.norm(dim=1)
    direction = slope / length.clamp_min(torch.finfo(slope.dtype).tiny)[:, None]
    return direction, length * u.detach().double().sigmoid()


def alignment(
    data: Images,
    models: Mapping[str, nn.Module],
    sources: Sequence[str],
    victims: Sequence[str],
    seed: int,
    chunk: int,
    progress: Callable[[int], None] | None = None,
) -> pa.Table:
    """Compare the gradients of every source with those of every victim, on unaltered images.

    Images on which either has no gradient, for example because the model rounds its input, are
    left out.

    Args:
        data: images at which gradients are taken.
        models: models of sources and victims, by name.
        sources: names of the sources.
        victims: names of the victims.
        seed: seed of the nets, for the table.
        chunk: images at a time.
        progress: called with the number of images that are done.

    Returns:
        A table with `GRADIENTS`.
    """
    pairs = [(source, victim) for source in sources for victim in victims]
    cosine, size = dict.fromkeys(pairs, 0.0), dict.fromkeys(victims, 0.0)
    compared = dict.fromkeys(pairs, 0)
    done = 0
    for part in data.chunks(chunk):
        found = {name: input_gradients(m, part.images, part.labels) for name, m in models.items()}
        for source, victim in pairs:
            cosine[source, victim] += (found[source][0] * found[victim][0]).sum().item()
            both = found[source][0].any(dim=1) & found[victim][0].any(dim=1)
            compared[source, victim] += int(both.sum())
        for victim in victims:
            size[victim] += found[victim][1].sum().item()
        done += len(part.rows)
        if progress is not None:
            progress(done)
    n = len(data.rows)
    columns = {
        "source": [source for source, _ in pairs],
        "victim": [victim for _, victim in pairs],
        "seed": seed,
        "cosine": np.ma.masked_invalid([cosine[p] / (compared[p] or np.nan) for p in pairs]),
        "compared": [compared[pair] for pair in pairs],
        "victim_gradient": np.array([size[victim] for _, victim in pairs]) / n,
        "n": n,
    }
    return tables.build(columns, GRADIENTS)
