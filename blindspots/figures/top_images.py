"""Figures 1 and 2 of Szegedy et al. 2013: the top images of directions, row by row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import pandas as pd
from matplotlib.figure import Figure

from blindspots.analyses.arms import ARMS
from blindspots.figures.kit import mosaic
from blindspots.interface import InputError
from blindspots.limits import Count

HEIGHT = 0.42
"""Height of an image in inches."""


def top_images(
    unit_pictures: pd.DataFrame,
    *,
    layer: str | None = None,
    net: str | None = None,
    arm: Literal["units", "random"] = "units",
    rows: Count = 4,
    labels: Mapping[str, str],
) -> Figure:
    """Row of top images per direction, the image with the largest score first.

    The directions are the first ones drawn that have top images; none is picked by its look.

    Args:
        unit_pictures: top images of directions, with schema
            `measurements.units.tables.unit_pictures`.
        layer: name of the layer; the last one by default.
        net: name of the net; the first one by default; as trained, with the first seed.
        arm: "units" (the natural basis) or "random".
        rows: number of directions shown.
        labels: display name of each net.

    Raises:
        InputError: unknown layer, net or arm, or no direction with top images.
    """
    shown = unit_pictures[unit_pictures["trained"]]
    if shown.empty:
        raise InputError(
            "figure: expected a direction with top images, found none: the layers are constant, or "
            "all their scores are tied; remove the figure, or measure other layers"
        )
    for name, wanted in (("net", net), ("layer", layer), ("arm", arm)):
        there = list(shown[name].unique())
        wanted = (there[-1] if name == "layer" else there[0]) if wanted is None else wanted
        if wanted not in there:
            raise InputError(
                f"figure: {name}: expected one of {', '.join(there)}, found {wanted!r}"
            )
        shown = shown[shown[name] == wanted]
    shown = shown[shown["seed"] == shown["seed"].min()]
    every = list(dict(list(shown.groupby("direction", sort=False))).values())[:rows]
    brightest = max(image.max() for image in shown["image"])
    darkest = min(image.min() for image in shown["image"])
    image = mosaic([list(of["image"]) for of in every], darkest, brightest)
    across = len(every[0])
    figure = Figure(figsize=(HEIGHT * across, HEIGHT * len(every) + 0.5))
    axes = figure.subplots()
    axes.imshow(image, cmap="gray", vmin=darkest, vmax=brightest)
    axes.set_axis_off()
    first = shown.iloc[0]
    axes.set_title(
        f"{labels.get(first['net'], first['net'])}, layer {first['layer']} ({first['kind']}): "
        f"{ARMS[arm]}",
        fontsize=9,
    )
    return figure
