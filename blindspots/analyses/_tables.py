"""The tables that jobs write and analyses read."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import pyarrow as pa

TRANSFER = pa.schema(
    [
        pa.field("experiment", pa.string(), nullable=False),
        pa.field("source", pa.string()),  # null: a control, which has no source
        pa.field("attack", pa.string(), nullable=False),
        pa.field("seed", pa.int32(), nullable=False),
        pa.field("amplified_to", pa.float64()),  # nominal distortion; null: as the attack left it
        pa.field("victim", pa.string(), nullable=False),
        pa.field("victim_seed", pa.int32(), nullable=False),  # that of the source, or any other
        pa.field("file", pa.string(), nullable=False),
        pa.field("index", pa.int32(), nullable=False),
        pa.field("label", pa.int16(), nullable=False),
        pa.field("prediction", pa.int16(), nullable=False),  # -1: rejected
        pa.field("margin", pa.float64(), nullable=False),  # as `answers.CLEAN` has it
        pa.field("success", pa.bool_(), nullable=False),  # whether the attack reached its goal
        pa.field("distortion", pa.float64()),  # actual, RMS per pixel; null: the attack failed
    ]
)
"""Answers to attacked images: a row per source (or control), victim and image."""

LIPSCHITZ = pa.schema(
    [
        pa.field("net", pa.string(), nullable=False),
        pa.field("seed", pa.int32(), nullable=False),
        pa.field("layer", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("inputs", pa.int32(), nullable=False),
        pa.field("outputs", pa.int32(), nullable=False),
        pa.field("bound", pa.float64()),  # null: see `reason`
        pa.field("product", pa.float64()),  # of this layer and those before it
        pa.field("reason", pa.string()),  # why the net has no bounds; null: it has
    ]
)
"""Bounds of a net: a row per layer, in the order of application; or one row, with a reason."""


def not_bounded(shape: Sequence[int], reason: str) -> dict[str, Any]:
    """Columns of `LIPSCHITZ` for a net that has no bounds."""
    nothing = {"layer": "", "kind": "network", "outputs": 0, "bound": None, "product": None}
    return nothing | {"inputs": prod(shape), "reason": reason}


RADII = pa.schema(
    [
        pa.field("experiment", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("attack", pa.string(), nullable=False),
        pa.field("seed", pa.int32(), nullable=False),
        pa.field("victim", pa.string(), nullable=False),
        pa.field("file", pa.string(), nullable=False),
        pa.field("index", pa.int32(), nullable=False),
        pa.field("label", pa.int16(), nullable=False),
        pa.field("success", pa.bool_(), nullable=False),  # of the attack
        pa.field("radius", pa.float64()),  # RMS per pixel; null: not fooled up to the largest
        pa.field("noise_fooled", pa.int16()),  # draws of noise as long that fool; null: none
        pa.field("noise_draws", pa.int16(), nullable=False),  # of those that can be as long
    ]
)
"""Transfer radii: a row per source, victim and image.

A radius is the distortion of the smallest scaling of the source's perturbation, kept in the box,
that the victim gets wrong; 0 where it is wrong unaltered.
"""

CURVES = pa.schema(
    [
        pa.field("source", pa.string()),  # null: a direction that no source chose
        pa.field("direction", pa.string(), nullable=False),  # an attack's name, or what else
        pa.field("seed", pa.int32(), nullable=False),
        pa.field("victim", pa.string(), nullable=False),
        pa.field("distortion", pa.float64(), nullable=False),  # RMS per pixel, after clipping
        pa.field("wrong", pa.float64(), nullable=False),  # images; a mean over draws of noise
        pa.field("n", pa.float64(), nullable=False),  # that can be moved so far; likewise
    ]
)
"""Error against distortion: a row per direction, victim and distortion."""

NOISE, OTHER_IMAGE = "noise", "other image"
"""Directions that no source chose: uniform on the sphere, and towards a random other image."""

GRADIENTS = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("victim", pa.string(), nullable=False),
        pa.field("seed", pa.int32(), nullable=False),
        pa.field("cosine", pa.float64()),  # mean over the images with both gradients; null: none
        pa.field("compared", pa.int32(), nullable=False),  # how many these are
        pa.field("victim_gradient", pa.float64(), nullable=False),  # L2 norm, mean over images
        pa.field("n", pa.int32(), nullable=False),
    ]
)
"""Input gradients of the cross-entropy with the label: a row per source and victim."""

OPERATORS = pa.schema(
    [
        pa.field("network", pa.string(), nullable=False),
        pa.field("origin", pa.string(), nullable=False),  # of its weights
        pa.field("layer", pa.string(), nullable=False),
        pa.field("weights", pa.string(), nullable=False),  # their shape, stride and groups
        pa.field("inputs", pa.int32(), nullable=False),
        pa.field("outputs", pa.int32(), nullable=False),
        pa.field("value", pa.float64(), nullable=False),  # of the real operator
        pa.field("upper", pa.float64(), nullable=False),  # proven not to be below it
        pa.field("fourier", pa.float64()),  # on a torus; null: no convolution
        pa.field("printed", pa.float64()),  # with the factor that the paper prints; likewise
        pa.field("frame", pa.float64()),  # lower frame bound on the torus; likewise
    ]
)
"""Norms of linear layers: a row per network and layer, in the order in which they are applied."""

LOOSENESS = pa.schema(
    [
        pa.field("net", pa.string(), nullable=False),
        pa.field("seed", pa.int32(), nullable=False),
        pa.field("side", pa.string(), nullable=False),  # "upper" or "lower"
        pa.field("method", pa.string(), nullable=False),
        pa.field("value", pa.float64()),  # of the Lipschitz constant; null: see `reason`
        pa.field("reason", pa.string()),  # why the method does not bound this net
        pa.field("n", pa.int32(), nullable=False),  # images that a lower bound comes from
    ]
)
"""Bounds of a net's Lipschitz constant, from above and from below: a row per net and method."""

UNITS = pa.schema(
    [
        pa.field("net", pa.string(), nullable=False),
        pa.field("seed", pa.int32(), nullable=False),
        pa.field("trained", pa.bool_(), nullable=False),  # or the control, as it was initialised
        pa.field("layer", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),  # of module, such as "ReLU"
        pa.field("place", pa.string(), nullable=False),  # "before", "after" a nonlinearity, …
        pa.field("scaling", pa.string(), nullable=False),  # of units.directions.SCALINGS
        pa.field("arm", pa.string(), nullable=False),  # "units", "random", …
        pa.field("direction", pa.int32(), nullable=False),  # of units their place in the layer
        pa.field("measure", pa.string(), nullable=False),
        pa.field("value", pa.float64()),  # null: see `reason`
        pa.field("reason", pa.string()),  # such as a dead unit
        pa.field("n", pa.int32(), nullable=False),  # images
    ]
)
"""Measures of directions: a row per net, layer, scaling, arm, direction and measure."""

UNIT_ROTATIONS = pa.schema(
    [
        *(UNITS.field(name) for name in ("net", "seed", "trained", "layer", "scaling", "measure")),
        pa.field("rotation", pa.int32(), nullable=False),
        pa.field("value", pa.float64()),  # mean over its directions; null: none has one
    ]
)
"""The measures' means over the units' frame, turned by rotations that are uniform by Haar."""


def unit_pictures(image: pa.Field) -> pa.Schema:
    """Top images of directions: a row per net, layer, arm, direction and rank."""
    named = ("net", "seed", "trained", "layer", "kind", "arm", "direction")
    return pa.schema(
        [
            *(UNITS.field(name) for name in named),
            pa.field("rank", pa.int16(), nullable=False),  # 0: the largest score
            pa.field("score", pa.float64(), nullable=False),
            pa.field("index", pa.int32(), nullable=False),  # row in the prepared file
            pa.field("label", pa.int16(), nullable=False),
            image,
        ]
    )
