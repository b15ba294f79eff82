"""Directions scaled to many lengths: where along each a victim begins to err, and how often.

The rows of Tables 2 and 4 of Szegedy et al. 2013 differ in distortion by a factor of two, so they
cannot be compared at the lengths that the attacks found; here every direction is scaled.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Any, NamedTuple

import numpy as np
import pyarrow as pa
import torch

from blindspots.attacks import other_image
from blindspots.files import tables
from blindspots.files.images import Images, Stack
from blindspots.limits import above, at_least, at_most, distinct, some
from blindspots.measurements.contract import measurement
from blindspots.measurements.controls import NOISES, OTHER_IMAGE
from blindspots.measurements.directions import Direction, Victims, answered, misled, noise, radii
from blindspots.measurements.exhibits import Exhibit
from blindspots.measurements.transfer import keep
from blindspots.measurements.witnesses import Witnesses

RADII = pa.schema(
    [
        pa.field("experiment", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("attack", pa.string(), nullable=False),
        pa.field("eps", pa.float64()),  # the attack's radius; null: it has none
        pa.field("seed", pa.int32(), nullable=False),
        pa.field("victim", pa.string(), nullable=False),
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("file", pa.string(), nullable=False),
        pa.field("index", pa.int32(), nullable=False),
        pa.field("label", pa.int16(), nullable=False),
        pa.field("success", pa.bool_(), nullable=False),  # whether the attack succeeded
        pa.field("radius", pa.float64()),  # RMS per pixel; null: never fooled
        pa.field("noise_fooled", pa.int16()),  # draws of equal length that fool; null: no draws
        pa.field("noise_rejected", pa.int16()),  # draws that it rejects; null: no draws
        pa.field("noise_draws", pa.int16(), nullable=False),  # draws that reach the length
        pa.field("noise_in_box_fooled", pa.int16()),  # the same of noise that is kept in the box
        pa.field("noise_in_box_rejected", pa.int16()),
        pa.field("noise_in_box_draws", pa.int16(), nullable=False),
    ]
)
"""Transfer radii: a row per source, victim and image.

A radius is the distortion of the smallest scaling of the source's perturbation, clipped to the box,
that the victim gets wrong; 0 if it gets the unaltered image wrong. Noise is as long as the source's
perturbation. "noise" is in directions uniform on the sphere, and its images may leave the box;
"noise_in_box" is in the same directions, with images clipped to the box and scaled until they are
as long.
"""

CURVES = pa.schema(
    [
        pa.field("source", pa.string()),  # null: a direction that no source chose
        pa.field("direction", pa.string(), nullable=False),  # name of the attack or of the control
        pa.field("seed", pa.int32(), nullable=False),
        pa.field("victim", pa.string(), nullable=False),
        pa.field("distortion", pa.float64(), nullable=False),  # RMS per pixel, as shown
        pa.field("wrong", pa.float64(), nullable=False),  # images; a mean over draws of noise
        pa.field("rejected", pa.float64(), nullable=False),  # images; a mean over draws of noise
        pa.field("n", pa.float64(), nullable=False),  # images that reach it; a mean as well
    ]
)
"""Errors and rejections against distortion: a row per direction, victim and distortion."""

Lengths = Annotated[Sequence[Annotated[float, above(0), at_most(1_000_000)]], some(), distinct()]


class Settings(NamedTuple):
    """Settings of a sweep.

    Attributes:
        experiment: name of the experiment.
        distortions: grid of distortions, RMS per pixel of the images as shown, ascending.
        draws: number of draws of noise.
        seed: seed of the noise and of the other images.
        chunk: images at a time.
    """

    experiment: str
    distortions: Sequence[float]
    draws: int
    seed: int
    chunk: int


@measurement(
    "experiment",
    tables=("radii", "curves", "witnesses"),
    memory=lambda n, pixels, classes, chunk: 6000 + 1000 * chunk * pixels / 1e6,
    runtime=120,
)
def sweep(
    experiment: str,
    seed: int,
    data: Images,
    attacked: Sequence[Exhibit],
    victims: Victims,
    chunk: int,
    progress: Callable[[int], None] | None = None,
    *,
    distortions: Lengths,
    noise_draws: Annotated[int, at_least(1), at_most(1000)],
) -> Iterator[dict[str, pa.Table]]:
    """Show every direction of an experiment, scaled to many lengths, to every victim.

    Args:
        experiment: name of the experiment.
        seed: seed of the nets, the noise and the other images.
        data: the originals.
        attacked: attacked images of the sources.
        victims: victims by name.
        chunk: images at a time.
        progress: called with the number of images that are done.
        distortions: distortions to scale to, RMS per pixel.
        noise_draws: number of draws of noise as long as each perturbation, each of which is shown
            twice: as it is, and kept in the box.

    Yields:
        Parts of tables with `RADII` and `CURVES`, and of the victims' witnesses (see `witnesses`).
    """
    settings = Settings(experiment, sorted(distortions), noise_draws, seed, chunk)
    return swept(data, attacked, victims, settings, progress)


def swept(
    data: Images,
    exhibits: Sequence[Exhibit],
    victims: Victims,
    settings: Settings,
    progress: Callable[[int], None] | None = None,
) -> Iterator[dict[str, pa.Table]]:
    """Scale the perturbations of sources, noise, and differences to other images.

    Args:
        data: the originals.
        exhibits: attacked images of the sources, made from `data`; only those on which the attack
            succeeded give directions.
        victims: victims by name.
        settings: distortions, number of draws and other settings.
        progress: called with the number of images that are done.

    Yields:
        Parts of tables with `RADII` and `CURVES`, and of the victims' witnesses (see `witnesses`).
    """
    counts: dict[tuple, np.ndarray] = defaultdict(lambda: np.zeros(3))
    for first in range(0, len(data), settings.chunk):
        at = slice(first, first + settings.chunk)
        part = data.at(at).held()
        witnesses = {name: Witnesses(name, settings.seed, part) for name in victims}
        shown = [replace(e.at(at), data=part) for e in exhibits]
        for rows in _sources(part, shown, victims, settings, counts, witnesses):
            yield {"radii": rows}
        _others(part, data.stack, victims, settings, counts)
        for name, model in victims.items():
            for rows in witnesses[name].tables(model, settings.chunk):
                yield {"witnesses": rows}
        if progress is not None:
            progress(min(at.stop, len(data)))
    keys = ("source", "direction", "victim", "distortion")
    columns: dict[str, Any] = dict(zip(keys, zip(*counts, strict=True), strict=True))
    columns |= {"seed": settings.seed}
    drawn = [source is None and name in NOISES for source, name, *_ in counts]
    draws = np.where(drawn, settings.draws, 1)
    wrong, rejected, n = np.array(list(counts.values())).T / draws
    yield {"curves": tables.build(columns | {"wrong": wrong, "rejected": rejected, "n": n}, CURVES)}


def _origin(exhibit: Exhibit) -> tuple[str | None, str]:
    return exhibit.source, exhibit.made_by


def _by_noise(data, exhibits, victims, settings, counts) -> dict[tuple, np.ndarray]:
    """Count draws of noise as long as each perturbation; add the grid of distortions to `counts`.

    Returns:
        By source, attack, victim and kind of noise: numbers of draws (3, n) that fool the victim,
        that it rejects, and that have the length.
    """
    found: dict[tuple, np.ndarray] = defaultdict(lambda: np.zeros((3, len(data.rows)), int))
    for kind, direction in noise(data, settings.draws, settings.seed):
        _count(counts, kind, direction, victims, settings.distortions)
        for exhibit in exhibits:
            length = torch.from_numpy(exhibit.distortion).to(data.images.device)
            _, reached, images = direction.at(length.nan_to_num(0))
            for name, model in victims.items():
                seen = answered(model, images, reached, data)
                found[*_origin(exhibit), name, kind] += seen
    return found


def _sources(data, exhibits, victims, settings, counts, witnesses) -> Iterator[pa.Table]:
    by_noise = _by_noise(data, exhibits, victims, settings, counts)
    for exhibit in exhibits:
        ok = exhibit.success
        direction = Direction(data, exhibit.images - data.images)
        for of in radii(direction, victims, settings.distortions):
            name = of.victim
            if name == exhibit.source:
                wrong = misled(victims[name], exhibit.images, data)
                keep(exhibit, wrong.cpu().numpy(), settings.seed, witnesses[name])
            what = f"{exhibit.made_by} of {exhibit.source}, scaled"
            witnesses[name].show(what, replace(exhibit, stack=of.beyond), of.mistaken & ok)
            for distortion, *seen in zip(
                settings.distortions, of.errs, of.rejects, of.reached, strict=True
            ):
                key = (exhibit.source, exhibit.made_by, name, distortion)
                counts[key] += [(at & ok).sum() for at in seen]
            columns = {
                "experiment": settings.experiment,
                "source": exhibit.source,
                "attack": exhibit.attack,
                "eps": exhibit.eps,
                "seed": settings.seed,
                "victim": name,
                "dataset": data.dataset,
                "file": data.file,
                "index": data.rows,
                "label": data.labels.cpu().numpy(),
                "success": ok,
                "radius": np.ma.masked_invalid(np.where(ok, of.radius, np.nan)),
            }
            for kind, its in NOISES.items():
                fooled, rejected, draws = by_noise[*_origin(exhibit), name, kind]
                none = ~ok | (draws == 0)
                columns |= {
                    f"{its}_fooled": np.ma.array(fooled, mask=none),
                    f"{its}_rejected": np.ma.array(rejected, mask=none),
                    f"{its}_draws": draws,
                }
            yield tables.build(columns, RADII)


def _others(data, everything: Stack, victims, settings, counts) -> None:
    towards = other_image(
        None, data.images, data.labels, box=data.box, others=everything, clip=False, matched=False,
        seed=settings.seed, rows=data.rows,
    )  # fmt: skip
    direction = Direction(data, towards.images - data.images)
    _count(counts, OTHER_IMAGE, direction, victims, settings.distortions)


def _count(counts, name, direction, victims, distortions) -> None:
    """Add to `counts` the answers of victims along a direction that no source chose."""
    for distortion in distortions:
        _, reached, images = direction.at(distortion)
        for victim, model in victims.items():
            seen = answered(model, images, reached, direction.data)
            counts[(None, name, victim, distortion)] += seen.sum(axis=1)
