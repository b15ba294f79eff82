"""Measurement of one network: every direction of every arm, layer by layer, on the same images."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
from torch import nn

from blindspots.files import tables
from blindspots.files.images import Images
from blindspots.measurements.units import measures
from blindspots.measurements.units.activations import activations, layers
from blindspots.measurements.units.layer import LayerJob
from blindspots.measurements.units.settings import Found, Network, Settings
from blindspots.measurements.units.tables import UNIT_ROTATIONS, UNITS, unit_pictures
from blindspots.statistics import wilson
from blindspots.threat.answers import answers
from blindspots.threat.outcomes import RIGHT, widened

NO_CLASSES = "the network does not classify"
BY_CHANCE = "the accuracy is not significantly above the share of the most frequent class"


def measure(
    network: Network,
    data: Images,
    probe: Images,
    features: np.ndarray | None,
    settings: Settings,
    chunk: int,
    progress: Callable[[int], None] | None = None,
) -> Found:
    """Measure the directions of a network's layers.

    Args:
        network: network to measure, on the device of the images.
        data: held-out images.
        probe: other images, to which class probes are fitted.
        features: (n, features) features of the held-out images in an independent network; None: no
            such network.
        settings: settings of the measurement.
        chunk: images at a time.
        progress: called with the number of layers that are done.

    Returns:
        Tables of measures, rotations and pictures.

    Raises:
        InputError: an unknown layer, a `k` that is not below the number of images, or activations
            that are not finite.
    """
    model, pixels = network.model, data.stack[:].cpu().numpy()
    shown = measures.images(data.labels.cpu().numpy(), data.classes, pixels, features, settings.k)
    at = layers(model, data.first(1).images, settings.layers)
    held_out, fitted = (
        activations(model, of.stack.split(chunk), [layer.name for layer in at], settings.pool)
        for of in (data, probe)
    )
    job = LayerJob(network, data, shown, settings, no_accuracy(model, data, chunk))
    image = tables.image_field(data.shape)
    schemas = UNITS, UNIT_ROTATIONS, unit_pictures(image)
    found = [Found(*(schema.empty_table() for schema in schemas))]
    labels = probe.labels.cpu().numpy()
    for done, layer in enumerate(at, start=1):
        found.append(job.run(layer, held_out.pop(layer.name), fitted.pop(layer.name), labels))
        if progress is not None:
            progress(done)
    return Found(*(pa.concat_tables(parts) for parts in zip(*found, strict=True)))


def no_accuracy(model: nn.Module, data: Images, chunk: int) -> str | None:
    """Reason why a network has no accuracy that could be lost; None: it has some.

    The lower end of the 95% interval of its accuracy must be above the share of the most frequent
    label.

    Args:
        model: the network.
        data: labelled images.
        chunk: images at a time.

    Returns:
        The reason; None if there is accuracy to lose.
    """
    logits = widened(model(data.first(1).images))
    if logits.ndim != 2 or logits.shape[1] < data.classes:
        return NO_CLASSES
    given = answers(model, data.stack[:], data.labels, data.classes, chunk)
    labels = data.labels.cpu().numpy()
    if given is None:
        return NO_CLASSES
    right, n = int((given.outcomes == RIGHT).sum()), len(labels)
    return None if wilson(right, n).low > np.bincount(labels).max() / n else BY_CHANCE
