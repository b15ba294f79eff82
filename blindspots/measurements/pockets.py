"""Pockets: random directions from an image that fool a net, at multiples of an attack's distance.

Szegedy et al. 2013, section 4, call adversarial examples "pockets" of low probability, hard to find
by sampling around an image. Distances are in L2, as multiples of the one at which an attack found
such an example.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor, nn

from blindspots import statistics
from blindspots.files import tables
from blindspots.files.images import Images
from blindspots.limits import Count, above, at_most, distinct, some
from blindspots.measurements.contract import measurement
from blindspots.measurements.exhibits import Exhibit
from blindspots.randomness import derived_seed
from blindspots.threat.judge import are_inside
from blindspots.threat.outcomes import (
    RIGHT,
    WORD,
    is_rejected,
    is_wrong,
    predictions,
    widened,
)
from blindspots.threat.rays import Ray

POCKETS = pa.schema(
    [
        pa.field("experiment", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),  # the net that is shown the images
        pa.field("attack", pa.string(), nullable=False),
        pa.field("eps", pa.float64()),  # the attack's radius; null: it has none
        pa.field("seed", pa.int32(), nullable=False),
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("file", pa.string(), nullable=False),
        pa.field("index", pa.int32(), nullable=False),
        pa.field("label", pa.int16(), nullable=False),
        pa.field("outcome", WORD),  # for the unaltered image
        pa.field("success", pa.bool_(), nullable=False),  # whether the attack succeeded
        pa.field("multiple", pa.float64(), nullable=False),  # multiple of the attack's distance
        pa.field("length", pa.float64()),  # L2 distance from the image; null: no success
        pa.field("clipped", pa.bool_(), nullable=False),  # whether images are kept in the box
        pa.field("directions", pa.int32(), nullable=False),  # that reach the length; 0: untried
        pa.field("inside", pa.int32(), nullable=False),  # that end in the box
        pa.field("fooled", pa.int32(), nullable=False),  # whose end is answered WRONG
        pa.field("rejected", pa.int32(), nullable=False),  # whose end is REJECTED
        pa.field("low", pa.float64()),  # 95% interval of the share fooled; null: untried
        pa.field("high", pa.float64()),
    ]
)
"""Directions that fool a net: a row per net, attack, image and multiple.

The interval is Clopper and Pearson's over the directions; it is exact, as the directions from one
image are independent and identically distributed. Only images that the net gets right and on which
the attack succeeded are tried.
"""

DIRECTIONS = "directions of pockets"
"""Purpose of the random draws; all nets and attacks share the directions from an image."""

Multiples = Annotated[Sequence[Annotated[float, above(0), at_most(1_000_000)]], some(), distinct()]
Directions = Annotated[Count, at_most(1_000_000)]


@measurement(
    "experiment",
    tables=("pockets",),
    memory=lambda n, pixels, classes, chunk: 3000 + pixels * (80 * n + 200 * chunk) / 1e6,
    runtime=lambda n, pixels, classes, chunk: 60 + n / 4,
    rows=lambda images, settings: images * len(settings["multiples"]),
)
def pockets(
    experiment: str,
    seed: int,
    data: Images,
    attacked: Sequence[Exhibit],
    sources: Mapping[str, nn.Module],
    chunk: int,
    progress: Callable[[int], None] | None = None,
    *,
    multiples: Multiples = (1, 2, 4, 8),
    directions: Directions = 1000,
    clipped: bool = False,
) -> Iterator[pa.Table]:
    """Show each net images in random directions from the images that its attack succeeded on.

    Directions are uniform on the sphere and drawn separately for each image.

    Args:
        experiment: name of the experiment.
        seed: seed of the nets and of the directions.
        data: the originals.
        attacked: attacked images of the sources, made from `data`.
        sources: sources by name.
        chunk: directions at a time.
        progress: called with the number of images that are done.
        multiples: lengths, as multiples of the distance at which the attack succeeded.
        directions: number of directions from each image.
        clipped: whether to clip images to the box, scaling the direction up until the clipped
            perturbation has the length and leaving out directions that never reach it; otherwise
            images may leave the box.

    Yields:
        Tables with `POCKETS`: an empty one, then the rows of each net and attack.
    """
    yield POCKETS.empty_table()
    at = sorted(multiples)
    tried = [exhibit.success & (exhibit.before == RIGHT) for exhibit in attacked]
    pixels = int(np.prod(data.shape))
    found = [exhibit.distortion * pixels**0.5 for exhibit in attacked]
    counts = np.zeros((len(attacked), len(data.rows), len(at), 4), np.int32)
    for place, image in enumerate(data.chunks(1)):
        shown = [number for number, ok in enumerate(tried) if ok[place]]
        for drawn in _directions(image, seed, directions, chunk) if shown else ():
            sphere = _Sphere(image, drawn, clipped)
            for number in shown:
                model = sources[str(attacked[number].source)]
                for k, multiple in enumerate(at):
                    length = multiple * found[number][place]
                    counts[number, place, k] += sphere.counts(model, length)
        if progress is not None:
            progress(place + 1)
    for of in zip(attacked, tried, found, counts, strict=True):
        yield _rows(experiment, seed, at, clipped, *of)


def _directions(image: Images, seed: int, n: int, chunk: int) -> Iterator[Tensor]:
    """Directions (k, *image) float64 of length 1, the same whatever the size of a `chunk`."""
    drawn = np.random.default_rng((derived_seed(seed, DIRECTIONS), int(image.rows[0])))
    for first in range(0, n, chunk):
        normal = drawn.standard_normal((min(chunk, n - first), int(np.prod(image.shape))))
        normal /= np.linalg.norm(normal, axis=1, keepdims=True)
        yield torch.from_numpy(normal).to(image.images.device).view(-1, *image.images.shape[1:])


class _Sphere:
    """Images in some directions (k, *image) from one image."""

    def __init__(self, image: Images, directions: Tensor, clipped: bool) -> None:
        self.image, self.directions = image, directions
        self.ray = None
        if clipped:
            starts = image.images.expand(len(directions), *directions.shape[1:])
            self.ray = Ray(starts, directions, image.box, clip=True)

    def at(self, length: float) -> tuple[Tensor, Tensor]:
        """Images (k, *image) at an L2 distance, and whether each reaches it (k,)."""
        start = self.image.images.double()
        if self.ray is None:
            moved = start + length * self.directions
            return moved.to(self.image.images), torch.ones(len(moved), dtype=torch.bool)
        rms = torch.full_like(self.ray.fixed[:, 0], length / start.numel() ** 0.5)
        scale, room = self.ray.scales(rms)
        moved = start + scale.view(-1, *[1] * (start.ndim - 1)) * self.directions
        return moved.clamp(*self.image.box).to(self.image.images), room.cpu()

    def counts(self, model: nn.Module, length: float) -> list[int]:
        """Count directions that reach a length, end in the box, fool the model, are rejected."""
        images, room = self.at(length)
        with torch.no_grad():
            given = predictions(widened(model(images)), self.image.classes).cpu()
        inside = torch.from_numpy(are_inside(images, self.image.box))
        wrong = is_wrong(given, self.image.labels.cpu())
        return [int((seen & room).sum()) for seen in (room, inside, wrong, is_rejected(given))]


def _rows(
    experiment: str, seed: int, multiples: list[float], clipped: bool,
    exhibit: Exhibit, tried: np.ndarray, found: np.ndarray, counts: np.ndarray,
) -> pa.Table:  # fmt: skip
    """Rows of one net and attack; `counts` are (n, multiples, 4)."""
    data, k = exhibit.data, len(multiples)
    drawn, inside, fooled, rejected = counts.reshape(-1, 4).T
    interval = statistics.clopper_pearson(fooled, drawn)
    low, high = (np.ma.array(end, mask=drawn == 0) for end in interval)
    length = (found[:, None] * np.array(multiples)).ravel()
    columns = {
        "experiment": experiment,
        "source": exhibit.source,
        "attack": exhibit.attack,
        "eps": exhibit.eps,
        "seed": seed,
        "dataset": data.dataset,
        "file": data.file,
        "index": data.rows.repeat(k),
        "label": data.labels.cpu().numpy().repeat(k),
        "outcome": np.array(exhibit.before, object).repeat(k),
        "success": exhibit.success.repeat(k),
        "multiple": np.tile(multiples, len(found)),
        "length": np.ma.array(length, mask=np.repeat(~exhibit.success, k)),
        "clipped": clipped,
        "directions": drawn,
        "inside": inside,
        "fooled": fooled,
        "rejected": rejected,
        "low": low,
        "high": high,
    }
    return tables.build(columns, POCKETS)
