"""Transfer: show attacked images, amplified ones and controls to victims."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa
from torch import nn

from blindspots.files import tables
from blindspots.interface import InputError
from blindspots.measurements.contract import measurement
from blindspots.measurements.exhibits import Exhibit, amplified
from blindspots.measurements.witnesses import Witnesses
from blindspots.threat.answers import ANSWER, answers
from blindspots.threat.chance import seeded
from blindspots.threat.outcomes import WORD

TRANSFER = pa.schema(
    [
        pa.field("experiment", pa.string(), nullable=False),
        pa.field("source", pa.string()),  # null: a control
        pa.field("attack", pa.string(), nullable=False),
        pa.field("eps", pa.float64()),  # the attack's radius; null: it has none
        pa.field("seed", pa.int32(), nullable=False),
        pa.field("amplified_to", pa.float64()),  # nominal distortion; null: as the attack left it
        pa.field("victim", pa.string(), nullable=False),
        pa.field("victim_seed", pa.int32(), nullable=False),  # may differ from the source's
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("file", pa.string(), nullable=False),
        pa.field("index", pa.int32(), nullable=False),
        pa.field("label", pa.int16(), nullable=False),
        *ANSWER,  # the victim's answer
        pa.field("source_outcome", WORD),  # of the source on the unaltered image
        pa.field("success", pa.bool_(), nullable=False),  # whether the attack reached its goal
        # Actual, RMS per pixel; null: a minimal attack failed.
        pa.field("distortion", pa.float64()),
    ]
)
"""Answers to attacked images: a row per source (or control), victim and image."""


class Victim(NamedTuple):
    """Net that images are shown to.

    Attributes:
        name: name in the config.
        seed: seed of the network.
        model: function from images to logits.
    """

    name: str
    seed: int
    model: nn.Module


@measurement(
    "experiment",
    tables=("transfer", "witnesses"),
    pictures=("pictures",),
    memory=lambda n, pixels, classes, chunk: 3500 + 100 * chunk * pixels / 1e6,
    chance=True,
)
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
    amplify_by: Literal["image", "all"] = "image",
    clip: bool,
    across_seeds: bool,
) -> Iterator[dict[str, pa.Table]]:
    """Show every source's attacked images, and the controls, to every victim.

    Args:
        experiment: name of the experiment.
        seed: seed of the images.
        attacked: attacked images of the sources.
        controls: images made without a source.
        all_victims: victims by name and seed.
        chunk: images at a time.
        progress: called with the number of victims that are done.
        amplify: further distortions to which perturbations are scaled.
        amplify_by: "image": every perturbation gets that distortion; "all": those of a source are
            scaled by one factor, so that it is their pooled distortion (`Exhibit.pooled`).
        clip: whether to clip amplified images to the box.
        across_seeds: whether to show images to the victims of all seeds, not only of their own.

    Yields:
        Parts of tables with `TRANSFER`, with `pictures_schema`, and of the victims' witnesses.
    """
    exhibits = [one for of in attacked for one in (of, *amplified(of, amplify, clip, amplify_by))]
    exhibits += controls
    for exhibit in exhibits:
        yield {"pictures": pictures(exhibit, seed)}
    data = max((exhibit.data for exhibit in exhibits), key=len)
    shown = [victim for victim in all_victims if victim[1] == seed or across_seeds]
    for done, network in enumerate(shown, start=1):
        victim, witnesses = Victim(*network, all_victims[network]), Witnesses(*network, data)
        for exhibit in exhibits:
            for rows in exposed(
                exhibit, victim, experiment=experiment, seed=seed, chunk=chunk, witnesses=witnesses
            ):
                yield {"transfer": rows}
        for rows in witnesses.tables(victim.model, chunk):
            yield {"witnesses": rows}
        if progress is not None:
            progress(done)


def exposed(
    exhibit: Exhibit,
    victim: Victim,
    *,
    experiment: str,
    seed: int,
    chunk: int,
    witnesses: Witnesses | None = None,
) -> Iterator[pa.Table]:
    """Show an exhibit to a victim, and yield rows of the transfer table, a chunk at a time.

    Args:
        exhibit: images to show.
        victim: net that they are shown to.
        experiment: name of the experiment.
        seed: seed of the exhibit.
        chunk: images at a time.
        witnesses: collection for the nearest images that the victim gets wrong; None: not kept.

    Raises:
        InputError: a victim that does not classify.
    """
    shown = exhibit.source, exhibit.made_by, exhibit.amplified_to, victim.name, victim.seed
    with seeded(seed, f"transfer {shown}"):
        for part in exhibit.chunks(chunk):
            data = part.data
            seen = answers(victim.model, part.images, data.labels, data.classes, chunk)
            if seen is None:
                raise InputError(
                    "config: victims: expected nets that classify, found "
                    f"{victim.name}; leave it out"
                )
            if witnesses is not None:
                keep(part, seen.mistaken, seed, witnesses)
            columns = {
                "experiment": experiment,
                "source": part.source,
                "attack": part.attack,
                "eps": part.eps,
                "seed": seed,
                "amplified_to": part.amplified_to,
                "victim": victim.name,
                "victim_seed": victim.seed,
                "dataset": data.dataset,
                "file": data.file,
                "index": data.rows,
                "label": data.labels.cpu().numpy(),
                **seen.columns,
                "source_outcome": part.before,
                "success": part.success,
                "distortion": np.ma.array(part.distortion, mask=part.failed),
            }
            yield tables.build(columns, TRANSFER)


def keep(exhibit: Exhibit, wrong: np.ndarray, seed: int, witnesses: Witnesses) -> None:
    """Keep the images of an exhibit that are nearer than what the network's own attack found.

    Args:
        exhibit: images shown to the network.
        wrong: (n,) bool, whether the network is `goals.mistaken`.
        seed: seed of the exhibit.
        witnesses: witnesses of the network.
    """
    its_own = (exhibit.source, seed) == (witnesses.net, witnesses.seed)
    if its_own and exhibit.amplified_to is None:
        witnesses.know(exhibit, wrong)
        return
    name = exhibit.made_by
    if exhibit.source is not None:
        name += f" of {exhibit.source}" + (f" (seed {seed})" if seed != witnesses.seed else "")
    if exhibit.amplified_to is not None:
        name += f" amplified to {exhibit.amplified_to:g}"
    witnesses.show(name, exhibit, wrong)


FIRST = 64
"""Number of images of each exhibit that are kept for the report."""


def pictures_schema(shape: Sequence[int]) -> pa.Schema:
    """Schema of the table of pictures, for images of a shape."""
    made = ("source", "attack", "eps", "seed", "amplified_to")
    fields = [TRANSFER.field(name) for name in (*made, "dataset", "file", "index", "label")]
    return pa.schema([*fields, tables.image_field(shape, "original"), tables.image_field(shape)])


def pictures(exhibit: Exhibit, seed: int) -> pa.Table:
    """Table of the first images of an exhibit with their originals."""
    exhibit = exhibit.at(slice(FIRST))
    data = exhibit.data
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
        "image": exhibit.images.cpu().numpy(),
    }
    return tables.build(columns, pictures_schema(data.shape))
