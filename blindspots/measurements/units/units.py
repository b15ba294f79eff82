"""Units of a net and other directions of its layers, in the trained and the initialised net."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Literal

import pyarrow as pa
from torch import nn

from blindspots.files.images import Images
from blindspots.interface import InputError
from blindspots.limits import Count, Natural, at_least, distinct, some, up_to
from blindspots.measurements.contract import measurement
from blindspots.measurements.units.activations import activations
from blindspots.measurements.units.activations import layers as layers_of
from blindspots.measurements.units.experiment import measure
from blindspots.measurements.units.settings import Found, Network, Settings

Layers = Literal["all"] | Annotated[Sequence[str], some(), distinct()]
Arms = Annotated[Sequence[Literal["random", "rotation", "pca", "probe"]], distinct()]
Scalings = Annotated[Sequence[Literal["raw", "matched", "whitened"]], some(), distinct()]
Some = Annotated[int, at_least(2), up_to("n", 1)]
First = Annotated[int, at_least(1), up_to("n")]


@measurement(
    "net",
    tables=("units", "unit_rotations"),
    pictures=("unit_pictures",),
    memory=2000,
    runtime=lambda n, pixels, classes, chunk: 60 + n / 50,
)
def units(
    net: str,
    seed: int,
    model: nn.Module,
    fresh: Callable[[], nn.Module],
    data: Images,
    train: Callable[[int], Images],
    parents: Mapping[str, nn.Module],
    chunk: int,
    progress: Callable[[int], None] | None = None,
    *,
    layers: Layers = "all",
    k: Some = 9,
    directions: Count = 128,
    arms: Arms = ("random", "rotation", "pca", "probe"),
    scalings: Scalings = ("matched", "raw"),
    pool: Literal["mean", "max"] = "mean",
    rotations: Natural = 999,
    projected_n: First | None = None,
    probe_n: Count | None = None,
    untrained: bool = True,
    reference_layer: str | None = None,
) -> dict[str, pa.Table]:
    """Measure the units of a net's layers, and other directions of the same layers.

    Args:
        net: name of the network.
        seed: seed of the network.
        model: the network.
        fresh: factory of the network as initialised.
        data: held-out images.
        train: function from a number to that many first training images.
        parents: `reference`, an independent net whose features compare top images; optional.
        chunk: images at a time.
        progress: called with the number of layers that are done.
        layers: modules whose outputs are measured, by their path in the net; "all": activations,
            and modules with weights.
        k: number of images with the largest scores that are a direction's top images.
        directions: largest number of directions of an arm.
        arms: kinds of directions with which the units are compared.
        scalings: scalings of the activations in which directions are drawn: unscaled (raw), with
            variance 1 for every unit (matched), or also without correlations (whitened); pictures
            use the first.
        pool: mean or maximum over the places of a convolution.
        rotations: number of Haar rotations that the units are compared with; corrected p values
            need 20 per cell of their table, less 1, and at least 999.
        projected_n: number of first images on which the accuracy lost is measured; by default at
            most 2000.
        probe_n: number of training images to which class probes are fitted; by default as many as
            `data` has.
        untrained: whether to measure the net as initialised, too.
        reference_layer: path of the reference's module whose outputs are its features.

    Returns:
        Tables with the schemas of `measurements.units.tables`.

    Raises:
        InputError: an unknown layer, a `k` or `projected_n` that is too large for the images, or a
            reference without a layer.
    """
    n = len(data.rows)
    if projected_n is not None and projected_n > n:
        raise InputError(
            f"projected_n: expected at most n ({n} images), found {projected_n}; lower it"
        )
    features = None
    if reference_layer is not None and "reference" not in parents:
        raise InputError("reference_layer: expected parents.reference as well, found none; add it")
    if "reference" in parents:
        reference = parents["reference"]
        if reference_layer is None:
            raise InputError(
                "reference_layer: expected a layer of parents.reference, found none; add it"
            )
        layers_of(reference, data.first(1).images, [reference_layer])
        shown = activations(reference, data.stack.split(chunk), [reference_layer], pool)
        features = shown[reference_layer]
    settings = Settings(
        layers, arms, scalings, pool, k, directions, rotations, projected_n or min(2000, n)
    )
    found, probe = [], train(probe_n or n)
    for trained in (True, False) if untrained else (True,):
        network = Network(net, seed, trained, model if trained else fresh())
        found.append(measure(network, data, probe, features, settings, chunk, progress))
    together = Found(*(pa.concat_tables(parts) for parts in zip(*found, strict=True)))
    return {
        "units": together.units,
        "unit_rotations": together.rotations,
        "unit_pictures": together.pictures,
    }
