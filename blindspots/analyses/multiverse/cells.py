"""Our figure for every cell that a paper prints: errors by net, and lengths of perturbations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from blindspots.analyses.attacked import SEEN, Average, sources
from blindspots.analyses.kit import IMAGE, NETS_IMAGE
from blindspots.analyses.transfer import row_names
from blindspots.files.parts import Frame, parted
from blindspots.files.splits import SUBSETS
from blindspots.predictive import average, logits_of
from blindspots.threat.outcomes import WRONG

Key = tuple[str, str, str]
"""Printed table, row and column of a cell."""

LENGTH = "distortion"
"""Column of a printed table with lengths of perturbations; the others have errors."""


Images = Literal["attacked", "as many", "same"]
"""Images that the paper's net was shown: its attacked ones, another draw of as many as ours, or the
very same as ours."""


class Shares(NamedTuple):
    """Errors of a net, or of the nets of several seeds.

    Attributes:
        wrong: wrong answers, by seed.
        shown: images shown, by seed.
        images: those of the paper's net.
    """

    wrong: tuple[int, ...]
    shown: tuple[int, ...]
    images: Images = "attacked"

    @property
    def unit(self) -> str:
        """Unit of the error."""
        return "% error"

    def value(self, _: Average) -> float:
        """Error in percent."""
        return 100 * sum(self.wrong) / sum(self.shown)

    def by_net(self, _: Average) -> tuple[np.ndarray, np.ndarray]:
        """Logit of each net's error, and its variance by the images; none if all are 0 or 100%."""
        wrong, shown = np.asarray(self.wrong), np.asarray(self.shown)
        if sum(wrong) in (0, sum(shown)):
            return np.empty(0), np.empty(0)
        variances = 1 / (wrong + 0.5) + 1 / (shown - wrong + 0.5)
        return logits_of(wrong, shown), variances * (self.images != "same")


class Lengths(NamedTuple):
    """Lengths (RMS per pixel) of the perturbations that count, by seed; none: too few succeeded."""

    by_seed: tuple[np.ndarray, ...]

    @property
    def unit(self) -> str:
        """Unit of the lengths."""
        return "RMS per pixel"

    def value(self, how: Average) -> float:
        """Average length; NaN if there is none."""
        return average(np.concatenate(self.by_seed), how)[0] if self.by_seed else np.nan

    def by_net(self, how: Average) -> tuple[np.ndarray, np.ndarray]:
        """Logarithm of each net's average, and its variance by the images."""
        enough = [each for each in self.by_seed if len(each) > 1 and each.any()]
        averages, variances = np.array([average(each, how) for each in enough]).reshape(-1, 2).T
        return np.log(averages), variances / averages**2 / [len(each) for each in enough]


Cell = Shares | Lengths


Clean = Mapping[tuple[str, str], Mapping[str, Shares]]
"""Errors on unaltered images by dataset and net, and by part of the split."""

SHOWN = ["experiment", *SEEN]
"""Columns of `measurements.transfer.TRANSFER` that `experiment_cells` reads."""

ANSWERED = [*NETS_IMAGE, "outcome"]
"""Columns of `threat.answers.CLEAN` that `clean_errors` reads."""


def clean_errors(clean: Frame, split: pd.DataFrame, same_images: Sequence[str]) -> Clean:
    """Return errors on unaltered images; parts that a config itself names are left out.

    Args:
        clean: answers to unaltered images, with schema `threat.answers.CLEAN`.
        split: part of the split of each image.
        same_images: parts whose images are those of the paper.
    """
    found: dict[tuple[str, str], dict[str, Shares]] = {}
    for rows in parted(clean).by("net", ANSWERED):
        rows = rows.merge(split[[*IMAGE, "subset"]], on=IMAGE)
        rows = rows.assign(wrong=rows["outcome"] == WRONG)
        of = rows.groupby(["dataset", "net", "seed", "subset"])["wrong"].agg(["sum", "size"])
        for part, subsets in SUBSETS.items():
            there = of[of.index.isin(subsets, level="subset")]
            seen = there.groupby(level=["dataset", "net", "seed"]).sum()
            for (dataset, net), by_seed in seen.groupby(level=["dataset", "net"]):
                images: Images = "same" if part in same_images else "as many"
                found.setdefault((dataset, net), {})[part] = _shares(by_seed, images)
    return found


def experiment_cells(
    rows: pd.DataFrame, clean: Clean, names: Mapping[str, str], table: str, errors: str | None
) -> dict[Key, Cell]:
    """Return an experiment's cells of a printed table of transfer and of its nets' errors.

    Args:
        rows: answers to the experiment's attacked images.
        clean: result of `clean_errors`.
        names: names in the paper of nets and controls whose names differ.
        table: printed table of transfer.
        errors: printed table of the same nets' errors on unaltered images; None: there is none.
    """
    rows = rows[rows["seed"] == rows["victim_seed"]]
    if rows.empty:
        return {}
    made = pd.Series(row_names(rows), rows.index)
    rows = rows.assign(row=made.map({name: _named(name, names) for name in made.unique()}))
    lengths = _lengths(rows)
    found: dict[Key, Cell] = {(table, row, LENGTH): of for row, of in lengths.items()}
    answers = rows.assign(wrong=rows["outcome"] == WRONG)
    of = answers.groupby(["row", "victim", "seed"], sort=False)["wrong"].agg(["sum", "size"])
    for (row, victim), seen in of.groupby(level=["row", "victim"], sort=False):
        found[table, row, names.get(victim, victim)] = _shares(seen)
    if errors is not None:
        for dataset, net in rows[["dataset", "victim"]].drop_duplicates().itertuples(index=False):
            name = names.get(net, net)
            if name in lengths:
                found[errors, name, LENGTH] = lengths[name]
            for part, wrong in clean.get((dataset, net), {}).items():
                found[errors, name, part] = wrong
    return found


def _named(row: str, names: Mapping[str, str]) -> str:
    """Name of a row in the paper, with or without " amplified to …"."""
    name, amplified, scale = row.partition(" amplified to ")
    return names.get(name, name) + amplified + scale


def _shares(seen: pd.DataFrame, images: Images = "attacked") -> Shares:
    """Errors by seed, from their "sum" and "size"."""
    return Shares(tuple(seen["sum"].tolist()), tuple(seen["size"].tolist()), images)


def _lengths(rows: pd.DataFrame) -> dict[str, Lengths]:
    """Lengths by row; none where the attack failed on more than half, as the rest are no sample."""
    found = {}
    for row, once in sources(rows).groupby("row", sort=False):
        by_seed = [
            of.loc[of["fooled"], "distortion"].to_numpy(float) for _, of in once.groupby("seed")
        ]
        enough = sum(map(len, by_seed)) >= max(2, len(once) / 2)
        found[str(row)] = Lengths(tuple(by_seed) if enough else ())
    return found
