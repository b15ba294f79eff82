"""Directions scaled to many lengths: where along each a victim begins to err, and how often.

The rows of Tables 2 and 4 of Szegedy et al. 2013 differ in distortion by a factor of two, so they
cannot be compared at the lengths that the attacks found; here every direction is scaled.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, NamedTuple

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor, nn

from blindspots.attacks import other_image
from blindspots.files import tables
from blindspots.files.images import Images, Stack
from blindspots.limits import above, at_least, at_most, distinct, some
from blindspots.measurements.contract import measurement
from blindspots.measurements.controls import NOISE, OTHER_IMAGE
from blindspots.measurements.exhibits import Exhibit
from blindspots.measurements.transfer import keep
from blindspots.measurements.witnesses import Witnesses
from blindspots.randomness import draw_rows
from blindspots.threat.goals import mistaken
from blindspots.threat.outcomes import is_rejected, is_wrong, predictions, widened
from blindspots.threat.rays import Ray

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
    ]
)
"""Transfer radii: a row per source, victim and image.

A radius is the distortion of the smallest scaling of the source's perturbation, clipped to the box,
that the victim gets wrong; 0 if it gets the unaltered image wrong.
"""

CURVES = pa.schema(
    [
        pa.field("source", pa.string()),  # null: a direction that no source chose
        pa.field("direction", pa.string(), nullable=False),  # name of the attack or of the control
        pa.field("seed", pa.int32(), nullable=False),
        pa.field("victim", pa.string(), nullable=False),
        pa.field("distortion", pa.float64(), nullable=False),  # RMS per pixel, after clipping
        pa.field("wrong", pa.float64(), nullable=False),  # images; a mean over draws of noise
        pa.field("rejected", pa.float64(), nullable=False),  # images; a mean over draws of noise
        pa.field("n", pa.float64(), nullable=False),  # images that reach it; a mean as well
    ]
)
"""Errors and rejections against distortion: a row per direction, victim and distortion."""

BEYOND = 1.002
"""Factor on the radius at which a witness is taken, as there is a tie at the radius itself."""
BISECTIONS = 16
"""Number of bisections of the interval of distortions in which a victim begins to err."""

Victims = Mapping[str, nn.Module]
Lengths = Annotated[Sequence[Annotated[float, above(0), at_most(1_000_000)]], some(), distinct()]


class Direction:
    """Images, each with a direction along which it is moved within the box."""

    def __init__(self, data: Images, perturbation: Tensor) -> None:
        """Take the originals, and perturbations (n, *image) of any length."""
        self.data, self.perturbation = data, perturbation.double()
        self.ray = Ray(data.images, perturbation, data.box, clip=True)

    def at_scale(self, scale: Tensor) -> Tensor:
        """Images at scales (n,) of the perturbation, clipped to the box."""
        step = scale.view(-1, *[1] * (self.perturbation.ndim - 1)) * self.perturbation
        moved = self.data.images.double() + step
        return moved.clamp(*self.data.box).to(self.data.images)

    def at(self, distortion: Tensor | float) -> tuple[Tensor, Tensor, Tensor]:
        """Scales (n,) for distortions (RMS per pixel), whether each is reached (n,), and images."""
        wanted = torch.as_tensor(distortion, dtype=torch.float64, device=self.data.images.device)
        scale, reached = self.ray.scales(wanted.expand(len(self.data.images)))
        return scale, reached, self.at_scale(scale)


class Radii(NamedTuple):
    """Distance along a direction at which one victim begins to err, for each of n images.

    Attributes:
        victim: name of the victim.
        radius: (n,) distortions, RMS per pixel; 0 where the victim errs on the image itself, NaN
            where it does not err up to the largest distortion.
        errs: (k, n) bool, whether the victim errs at each distortion of the grid.
        rejects: (k, n) bool, whether the victim rejects the image at each distortion.
        reached: (k, n) bool, whether the image can be moved to each distortion.
        beyond: (n, *image) images slightly farther than the radius.
        mistaken: (n,) bool, whether the victim gets `beyond` wrong by the margin that a witness
            needs.
    """

    victim: str
    radius: np.ndarray
    errs: np.ndarray
    rejects: np.ndarray
    reached: np.ndarray
    beyond: Tensor
    mistaken: np.ndarray


def radii(direction: Direction, victims: Victims, distortions: Sequence[float]) -> Iterator[Radii]:
    """Find the smallest distortions along a direction at which victims err.

    A grid is searched first, as a victim may be right again farther out; then bisection refines
    between the first distortion of the grid at which it errs and the one before.

    Args:
        direction: images and their directions.
        victims: victims by name.
        distortions: grid of distortions, ascending.

    Yields:
        The radii of each victim.
    """
    data, grid = direction.data, [direction.at(distortion) for distortion in distortions]
    scales = torch.stack([torch.zeros_like(grid[0][0]), *(scale for scale, _, _ in grid)])
    reached = torch.stack([ok for _, ok, _ in grid])
    for name, model in victims.items():
        clean = _errs(model, data.images, data)
        given = torch.stack([_answers(model, images, data) for _, _, images in grid])
        errs = is_wrong(given, data.labels) & reached
        first = errs.int().argmax(dim=0)
        low, high = scales.gather(0, first[None])[0], scales.gather(0, first[None] + 1)[0]
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            beyond = _errs(model, direction.at_scale(middle), data)
            low, high = torch.where(beyond, low, middle), torch.where(beyond, middle, high)
        change = (direction.at_scale(high).double() - data.images.double()).flatten(1)
        radius = change.square().mean(dim=1).sqrt().masked_fill(~errs.any(dim=0), torch.nan)
        radius = radius.masked_fill(clean, 0)
        beyond = direction.at_scale(high * BEYOND)
        wrong = _mistaken(model, beyond, data) & (radius > 0)
        rejects = is_rejected(given) & reached
        yield Radii(
            name, radius.cpu().numpy(), errs.cpu().numpy(), rejects.cpu().numpy(),
            reached.cpu().numpy(), beyond, wrong.cpu().numpy(),
        )  # fmt: skip


def _answers(model: nn.Module, images: Tensor, data: Images) -> Tensor:
    """Answers (n,) of a model to images made from `data`."""
    with torch.no_grad():
        return predictions(widened(model(images)), data.classes)


def _mistaken(model: nn.Module, images: Tensor, data: Images) -> Tensor:
    """Return whether a model gets images wrong by the margin that a witness needs, (n,) bool."""
    with torch.no_grad():
        return mistaken(widened(model(images)), data.labels, data.classes)


def _errs(model: nn.Module, images: Tensor, data: Images) -> Tensor:
    """Return whether a model's answers to images are wrong, (n,) bool."""
    return is_wrong(_answers(model, images, data), data.labels)


class Settings(NamedTuple):
    """Settings of a sweep.

    Attributes:
        experiment: name of the experiment.
        distortions: grid of distortions, RMS per pixel after clipping, ascending.
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
        noise_draws: number of draws of noise as long as each perturbation.

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
    drawn = [source is None and name == NOISE for source, name, *_ in counts]
    draws = np.where(drawn, settings.draws, 1)
    wrong, rejected, n = np.array(list(counts.values())).T / draws
    yield {"curves": tables.build(columns | {"wrong": wrong, "rejected": rejected, "n": n}, CURVES)}


def _noise(data: Images, settings: Settings) -> Iterator[Direction]:
    for draw in range(settings.draws):
        noise = draw_rows(
            settings.seed,
            f"{NOISE} {draw}",
            data.rows,
            lambda rng: rng.standard_normal(data.images.shape[1:]),
        )
        yield Direction(data, torch.from_numpy(noise).to(data.images.device))


def _origin(exhibit: Exhibit) -> tuple[str | None, str]:
    return exhibit.source, exhibit.made_by


def _sources(data, exhibits, victims, settings, counts, witnesses) -> Iterator[pa.Table]:
    pairs = [(*_origin(exhibit), name) for exhibit in exhibits for name in victims]
    fooled, rejected = ({pair: np.zeros(len(data.rows), int) for pair in pairs} for _ in "fr")
    drawn = {_origin(exhibit): np.zeros(len(data.rows), int) for exhibit in exhibits}
    for noise in _noise(data, settings):
        _count(counts, NOISE, noise, victims, settings.distortions)
        for exhibit in exhibits:
            length = torch.from_numpy(exhibit.distortion).to(data.images.device)
            _, as_long, images = noise.at(length.nan_to_num(0))
            drawn[_origin(exhibit)] += as_long.cpu().numpy()
            for name, model in victims.items():
                given, pair = _answers(model, images, data), (*_origin(exhibit), name)
                errs = is_wrong(given, data.labels) & as_long
                fooled[pair] += errs.cpu().numpy()
                rejected[pair] += (is_rejected(given) & as_long).cpu().numpy()
    for exhibit in exhibits:
        ok, draws = exhibit.success, drawn[_origin(exhibit)]
        none = ~ok | (draws == 0)
        direction = Direction(data, exhibit.images - data.images)
        for of in radii(direction, victims, settings.distortions):
            name = of.victim
            if name == exhibit.source:
                wrong = _mistaken(victims[name], exhibit.images, data)
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
                "noise_fooled": np.ma.array(fooled[*_origin(exhibit), name], mask=none),
                "noise_rejected": np.ma.array(rejected[*_origin(exhibit), name], mask=none),
                "noise_draws": draws,
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
            given = _answers(model, images, direction.data)
            seen = is_wrong(given, direction.data.labels), is_rejected(given), reached
            counts[(None, name, victim, distortion)] += [(at & reached).sum().item() for at in seen]
