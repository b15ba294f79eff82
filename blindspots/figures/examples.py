"""Figure 7 of Szegedy et al. 2013: originals and their distorted versions side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, NotRequired, TypedDict

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from blindspots.analyses.attacked import SEEN, sources
from blindspots.analyses.kit import of_fewer
from blindspots.figures.kit import mosaic
from blindspots.files.parts import Frame, parted
from blindspots.limits import Count, either, one_of_its, some
from blindspots.threat.outcomes import REJECTED, RIGHT

REPORT = {
    "set": "standard",
    "place": 3,
    "title": "Originals (odd columns) and distorted images (even columns)",
    "of": "Originals (odd columns) and distorted images (even columns): {}",
}
"""Place and titles in a report set (`config.reporting`)."""

NO_SUCCESS = "no attack succeeded"


class Panel(TypedDict):
    """A victim, and the source or the control of the images that it is shown."""

    victim: Annotated[str, one_of_its("victims")]
    source: NotRequired[Annotated[str, one_of_its("sources")]]
    control: NotRequired[Annotated[str, one_of_its("controls")]]


def examples(
    pictures: pd.DataFrame,
    transfer: Frame,
    *,
    panels: Annotated[Sequence[Annotated[Panel, either("source", "control")]], some()],
    rows: Count = 6,
    pairs: Count = 4,
    labels: Mapping[str, str],
) -> Figure:
    """Panels of originals (odd columns) and distorted images (even columns).

    Args:
        pictures: first images of every source and control, with their originals; a panel shows
            fewer than it has room for if there are fewer.
        transfer: answers to the experiment's attacked images, for the panels' accuracies.
        panels: panels, each with a `victim`, and the `source` that the images were made for or the
            name of a `control`.
        rows: number of rows in a panel.
        pairs: number of columns of pairs in a panel.
        labels: display name of each net.
    """
    width = 3.4  # inches of a panel
    figure = Figure(figsize=(width * len(panels), width * rows / (2 * pairs) + 0.8))
    figure.set_layout_engine("constrained", w_pad=0.12)  # inches between panels
    every = figure.subplots(1, len(panels), squeeze=False)
    darkest, brightest = _range(pictures["original"])
    for axes, panel in zip(every[0], panels, strict=True):
        shown = _of(pictures, panel).head(rows * pairs)
        tiles = [
            tile for pair in zip(shown["original"], shown["image"], strict=True) for tile in pair
        ]
        tiles += [np.full_like(tiles[0], brightest)] * (2 * rows * pairs - len(tiles))
        in_rows = [tiles[first : first + 2 * pairs] for first in range(0, len(tiles), 2 * pairs)]
        image = mosaic(in_rows, darkest, brightest)
        axes.imshow(image, cmap="gray", vmin=darkest, vmax=brightest)
        axes.set_axis_off()
        axes.set_title(_title(_answers(transfer, panel), panel, labels), fontsize=9)
    return figure


def _answers(transfer: Frame, panel: Panel) -> pd.DataFrame:
    """Answers to the images of a panel by victims of the same seed."""
    seeds = parted(transfer).distinct(["seed", "victim_seed"])
    first = seeds.loc[seeds["seed"] == seeds["victim_seed"], "seed"].min()
    key, name = ("source", panel["source"]) if "source" in panel else ("attack", panel["control"])
    rows = parted(transfer).of(key, [name], SEEN)
    rows = rows[(rows["seed"] == first) & (rows["victim_seed"] == first)]
    return _of(rows, panel)


def _title(answers: pd.DataFrame, panel: Panel, labels: Mapping[str, str]) -> str:
    """Title of a panel: the attack, its distortion, and the victim's accuracy."""
    origin = (
        f"made for {_label(panel['source'], labels)}" if "source" in panel else panel["control"]
    )
    once = sources(answers)
    lengths = once.loc[once["fooled"], "distortion"]
    fewer = of_fewer(len(lengths), len(once))
    distance = f"average distortion {lengths.mean():.3f}{fewer}" if len(lengths) else NO_SUCCESS
    seen = answers[answers["victim"] == panel["victim"]]
    accuracy = (seen["outcome"] == RIGHT).mean()
    rejected = (seen["outcome"] == REJECTED).mean()
    beside = f", rejects {rejected:.0%}" if rejected else ""
    victim = _label(panel["victim"], labels)
    return f"{origin}\n{distance}\naccuracy of {victim}: {accuracy:.0%}{beside}"


def _label(net: str, labels: Mapping[str, str]) -> str:
    return labels.get(net, net)


def _of(frame: pd.DataFrame, panel: Panel) -> pd.DataFrame:
    """Rows of the panel's source or control, of the first seed and not amplified."""
    rows = frame[frame["amplified_to"].isna() & (frame["seed"] == frame["seed"].min())]
    if "source" in panel:
        return rows[rows["source"] == panel["source"]]
    return rows[rows["source"].isna() & (rows["attack"] == panel["control"])]


def _range(images: pd.Series) -> tuple[float, float]:
    return min(image.min() for image in images), max(image.max() for image in images)
