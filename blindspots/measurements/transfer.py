"""Show images to models: unaltered, attacked, amplified, or with noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor, nn

from blindspots.attacks.contract import call
from blindspots.config import methods
from blindspots.files import tables
from blindspots.files.images import Images
from blindspots.interface import Box, InputError
from blindspots.measurements.contract import measurement
from blindspots.measurements.witnesses import Witnesses
from blindspots.threat.answers import ANSWER, answers
from blindspots.threat.chance import seeded
from blindspots.threat.outcomes import WORD

TRANSFER = pa.schema(
    [
        pa.field("experiment", pa.string(), nullable=False),
        pa.field("source", pa.string()),  # null: a control, which has no source
        pa.field("attack", pa.string(), nullable=False),
        pa.field("eps", pa.float64()),  # the attack's radius; null: it has none
        pa.field("seed", pa.int32(), nullable=False),
        pa.field("amplified_to", pa.float64()),  # nominal distortion; null: as the attack left it
        pa.field("victim", pa.string(), nullable=False),
        pa.field("victim_seed", pa.int32(), nullable=False),  # that of the source, or any other
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("file", pa.string(), nullable=False),
        pa.field("index", pa.int32(), nullable=False),
        pa.field("label", pa.int16(), nullable=False),
        *ANSWER,  # of the victim
        pa.field("source_outcome", WORD),  # of the source's answer to the unaltered image
        pa.field("success", pa.bool_(), nullable=False),  # whether the attack reached its goal
        # Actual, RMS per pixel; null: a minimal attack failed.
        pa.field("distortion", pa.float64()),
    ]
)
"""Answers to attacked images: a row per source (or control), victim and image."""


def amplify(
    originals: Tensor, images: Tensor, distortion: float, box: Box, *, clip: bool
) -> Tensor:
    """Scale each perturbation to a distortion (Table 4, "amplified to stddev=0.1").

    The text prints x + 0.1 (x' − x)/‖x' − x‖₂, which read literally is a distortion of
    0.1/√m; 0.1 √m is meant. Images without a perturbation stay as they are.

    Args:
        originals: (n, *image).
        images: (n, *image) attacked.
        distortion: RMS per pixel before clipping.
        box: range of a pixel.
        clip: keep the result in the box.
    """
    change = (images - originals).flatten(1)
    rms = change.square().mean(dim=1, keepdim=True).sqrt()
    scaled = torch.where(rms > 0, change * (distortion / rms), 0).view_as(images)
    return (originals + scaled).clamp(*box) if clip else originals + scaled


class Victim(NamedTuple):
    """A net that images are shown to.

    Attributes:
        name: in the config.
        seed: of the network.
        model: images to logits.
    """

    name: str
    seed: int
    model: nn.Module


class Exhibit(NamedTuple):
    """Perturbed images of one origin, to be shown to victims.

    Attributes:
        source: name of the net that they were made for; None: a control.
        attack: its name.
        eps: its radius; None: it has none.
        amplified_to: nominal distortion, for amplified images.
        data: the originals.
        images: (n, *image) perturbed.
        success: (n,) bool, whether the attack reached its goal.
        distortion: (n,) float64, RMS per pixel.
        before: (n,) outcomes of the source's answers to the originals; None: a control.
    """

    source: str | None
    attack: str
    eps: float | None
    amplified_to: float | None
    data: Images
    images: Tensor
    success: np.ndarray
    distortion: np.ndarray
    before: np.ndarray | None = None

    @property
    def made_by(self) -> str:
        """The attack, and its radius where it has one: "pgd at eps 0.1"."""
        return self.attack if self.eps is None else f"{self.attack} at eps {self.eps:g}"

    @property
    def failed(self) -> np.ndarray:
        """(n,) bool, where no image was found; one with a radius always has its best."""
        return ~self.success & (self.eps is None)


def attacked(
    path: str | Path, data: Images, scales: Sequence[float], clip: bool
) -> Iterator[Exhibit]:
    """The images of an attack's table, at each radius, as they are and amplified to each scale.

    Args:
        path: of the table: the radii of an image together.
        data: images in the split's order; the table's are the same, or begin with them.
        scales: distortions, RMS per pixel.
        clip: keep amplified images in the box.

    Raises:
        InputError: a table of other images.
    """
    whole = tables.read(path)
    radii = pc.unique(whole["eps"]).to_pylist()
    whole = whole.slice(0, len(radii) * len(data.rows))
    for number, eps in enumerate(radii):
        table = whole.take(np.arange(number, len(whole), len(radii)))
        if not np.array_equal(table["index"].to_numpy(), data.rows):
            raise InputError(
                f"{path}: expected the split's images in its order; delete it and run again"
            )
        images = torch.from_numpy(tables.images(table)).to(data.images)
        origin = table["net"][0].as_py(), table["attack"][0].as_py(), eps
        success = table["success"].to_numpy(zero_copy_only=False)
        before = np.array(table["outcome"].to_pylist(), object)
        found = Exhibit(*origin, None, data, images, success, _distortion(data, images), before)
        yield found
        yield from amplified(found, scales, clip)


def amplified(exhibit: Exhibit, scales: Sequence[float], clip: bool) -> Iterator[Exhibit]:
    """An exhibit's images amplified to each of the `scales`, distortions in RMS per pixel."""
    data = exhibit.data
    for scale in scales:
        images = amplify(data.images, exhibit.images, scale, data.box, clip=clip)
        yield exhibit._replace(
            amplified_to=scale, images=images, distortion=_distortion(data, images)
        )


def control(
    name: str, method: str, settings: Mapping[str, Any], data: Images, seed: int
) -> Exhibit:
    """The images of an attack that needs no source, such as noise.

    Args:
        name: of the attack in the config.
        method: of the attack.
        settings: of the method.
        data: the originals.
        seed: of the attack's draws.
    """
    attack = methods.find("attacks", method)
    found = call(attack, None, data, None, seed=seed, others=data.images, settings=settings)
    success, distortion = found.success.cpu().numpy(), found.distortion.cpu().numpy()
    return Exhibit(None, name, None, None, data, found.images, success, distortion)


def _distortion(data: Images, images: Tensor) -> np.ndarray:
    change = (images.double() - data.images.double()).flatten(1)
    return change.square().mean(dim=1).sqrt().cpu().numpy()


@measurement("experiment", tables=("transfer", "witnesses"), pictures=("pictures",), chance=True)
def transfer(
    experiment: str,
    seed: int,
    attacked: Sequence[Exhibit],
    controls: Sequence[Exhibit],
    all_victims: Mapping[tuple[str, int], nn.Module],
    chunk: int,
    progress: Callable[[int], None] | None = None,
    *,
    amplify: Sequence[float],
    clip: bool,
    across_seeds: bool,
) -> dict[str, pa.Table]:
    """Show every source's attacked images, and the controls, to every victim.

    Args:
        experiment: name, for the tables.
        seed: of the images.
        attacked: the sources' attacked images.
        controls: images made without a source.
        all_victims: by name and seed.
        chunk: images at a time.
        progress: called with the number of victims that are done.
        amplify: distortions to which every perturbation is scaled as well.
        clip: keep amplified images in the box.
        across_seeds: show images to the victims of all seeds, not of their own alone.

    Returns:
        Tables with `TRANSFER`, with `pictures_schema`, and the victims' witnesses.
    """
    exhibits = [one for of in attacked for one in (of, *amplified(of, amplify, clip))]
    exhibits += controls
    data = max((exhibit.data for exhibit in exhibits), key=lambda data: len(data.rows))
    found, kept = [], []
    shown = [victim for victim in all_victims if victim[1] == seed or across_seeds]
    for done, network in enumerate(shown, start=1):
        victim, witnesses = Victim(*network, all_victims[network]), Witnesses(*network, data)
        found += [
            exposed(e, victim, experiment=experiment, seed=seed, chunk=chunk, witnesses=witnesses)
            for e in exhibits
        ]
        kept.append(witnesses.table(victim.model, chunk))
        if progress is not None:
            progress(done)
    return {
        "transfer": pa.concat_tables(found),
        "pictures": pa.concat_tables([pictures(exhibit, seed) for exhibit in exhibits]),
        "witnesses": pa.concat_tables(kept),
    }


def exposed(
    exhibit: Exhibit,
    victim: Victim,
    *,
    experiment: str,
    seed: int,
    chunk: int,
    witnesses: Witnesses | None = None,
) -> pa.Table:
    """Show an exhibit to a victim: rows of the transfer table.

    Args:
        exhibit: the images.
        victim: whom they are shown to.
        experiment: name, for the table.
        seed: of the exhibit.
        chunk: images at a time.
        witnesses: of the victim, to keep the nearest images that it gets wrong.

    Raises:
        InputError: a victim that does not classify.
    """
    data = exhibit.data
    shown = exhibit.source, exhibit.made_by, exhibit.amplified_to, victim.name, victim.seed
    with seeded(seed, f"transfer {shown}"):
        seen = answers(victim.model, exhibit.images, data.labels, data.classes, chunk)
    if seen is None:
        raise InputError(
            f"config: victims: expected nets that classify, found {victim.name}; leave it out"
        )
    if witnesses is not None:
        keep(exhibit, seen.mistaken, seed, witnesses)
    columns = {
        "experiment": experiment,
        "source": exhibit.source,
        "attack": exhibit.attack,
        "eps": exhibit.eps,
        "seed": seed,
        "amplified_to": exhibit.amplified_to,
        "victim": victim.name,
        "victim_seed": victim.seed,
        "dataset": data.dataset,
        "file": data.file,
        "index": data.rows,
        "label": data.labels.cpu().numpy(),
        **seen.columns,
        "source_outcome": exhibit.before,
        "success": exhibit.success,
        "distortion": np.ma.array(exhibit.distortion, mask=exhibit.failed),
    }
    return tables.build(columns, TRANSFER)


def keep(exhibit: Exhibit, wrong: np.ndarray, seed: int, witnesses: Witnesses) -> None:
    """Keep of an exhibit what is nearer than a network's own attack found.

    Args:
        exhibit: the images.
        wrong: (n,) bool, where the network is `goals.mistaken`.
        seed: of the exhibit.
        witnesses: of the network.
    """
    its_own = (exhibit.source, seed) == (witnesses.net, witnesses.seed)
    if its_own and exhibit.amplified_to is None:
        witnesses.know(exhibit.images, wrong)
        return
    name = exhibit.made_by
    if exhibit.source is not None:
        name += f" of {exhibit.source}" + (f" (seed {seed})" if seed != witnesses.seed else "")
    if exhibit.amplified_to is not None:
        name += f" amplified to {exhibit.amplified_to:g}"
    witnesses.show(name, exhibit.images, wrong)


FIRST = 64
"""Images of each exhibit that are kept for people to look at."""


def pictures_schema(shape: Sequence[int]) -> pa.Schema:
    """Columns of the table of pictures whose images have this shape."""
    made = ("source", "attack", "eps", "seed", "amplified_to")
    fields = [TRANSFER.field(name) for name in (*made, "dataset", "file", "index", "label")]
    return pa.schema([*fields, tables.image_field(shape, "original"), tables.image_field(shape)])


def pictures(exhibit: Exhibit, seed: int) -> pa.Table:
    """The first images of an exhibit beside their originals."""
    data = exhibit.data.first(FIRST)
    columns = {
        "source": exhibit.source,
        "attack": exhibit.attack,
        "eps": exhibit.eps,
        "seed": seed,
        "amplified_to": exhibit.amplified_to,
        "dataset": data.dataset,
        "file": data.file,
        "index": data.rows,
        "label": data.labels.cpu().numpy(),
        "original": data.images.cpu().numpy(),
        "image": exhibit.images[:FIRST].cpu().numpy(),
    }
    return tables.build(columns, pictures_schema(data.images.shape[1:]))
