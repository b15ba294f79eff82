"""Looseness of Lipschitz bounds: upper bounds next to the steepest slopes found."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

import pyarrow as pa
import torch
from torch import Tensor, nn

from blindspots.bounds import slopes
from blindspots.bounds.graph import exact
from blindspots.bounds.networks import bound
from blindspots.files import tables
from blindspots.files.images import Images
from blindspots.interface import InputError
from blindspots.limits import distinct, some
from blindspots.measurements.contract import measurement
from blindspots.measurements.exhibits import Exhibit

LOOSENESS = pa.schema(
    [
        pa.field("net", pa.string(), nullable=False),
        pa.field("seed", pa.int32(), nullable=False),
        pa.field("side", pa.string(), nullable=False),  # "upper" or "lower"
        pa.field("method", pa.string(), nullable=False),
        pa.field("value", pa.float64()),  # bound; null: see `reason`
        pa.field("reason", pa.string()),  # why this net has no such bound
        pa.field("n", pa.int32(), nullable=False),  # images that a lower bound comes from
    ]
)
"""Bounds of a net's Lipschitz constant, from above and from below: a row per net and method."""


Bounds = Annotated[Sequence[Literal["product", "eclipse", "lipsdp"]], some(), distinct()]
"""Subset of `bounds.networks.METHODS`."""


@measurement("experiment", tables=("looseness",), runtime=120, gpu=False)
def looseness(
    seed: int,
    data: Images,
    attacked: Sequence[Exhibit],
    sources: Mapping[str, nn.Module],
    chunk: int,
    progress: Callable[[int], None] | None = None,
    *,
    bounds: Bounds = ("product",),
) -> pa.Table:
    """Bound the Lipschitz constants of an experiment's sources, from above and from below.

    Args:
        seed: seed of the nets.
        data: images for Jacobians.
        attacked: attacked images of the sources; only the first exhibit of each is used.
        sources: sources by name, on the CPU.
        chunk: images at a time.
        progress: called with the number of nets that are done.
        bounds: methods that bound a whole network.

    Returns:
        A table with `LOOSENESS`.
    """
    found = [LOOSENESS.empty_table()]
    first = {exhibit.source: exhibit for exhibit in reversed(attacked)}
    for done, (name, model) in enumerate(sources.items(), 1):
        columns = constants(model, data, first[name], bounds, chunk)
        found.append(tables.build({"net": name, "seed": seed} | columns, LOOSENESS))
        if progress is not None:
            progress(done)
    return pa.concat_tables(found)


def constants(
    model: nn.Module, data: Images, exhibit: Exhibit, methods: Sequence[str], chunk: int
) -> dict[str, Any]:
    """Bounds of one network's Lipschitz constant, as columns of `measurements.looseness.LOOSENESS`.

    Upper bounds come from each method; they are null, with the reason, if it does not support the
    network. Lower bounds come from the images' Jacobians, from an ascent that starts at the
    steepest of these, and from attacked images; they are null, with the reason, if the network
    cannot be computed in float64.

    Args:
        model: the network, on the CPU.
        data: images for Jacobians.
        exhibit: the same images, attacked for this network.
        methods: some of `bounds.networks.METHODS`.
        chunk: images at a time.
    """
    network, reason = _in_float64(model, data.first(1).images)
    found = dict.fromkeys(("attacked", "jacobian", "ascent"))
    if network is not None:
        found = _slopes(network, data, exhibit, chunk)
    rows: list[tuple[str, str, float | None, str | None, int]] = [
        ("lower", name, value, reason if value is None else None, len(data.rows))
        for name, value in found.items()
    ]
    for name in methods:
        try:
            taken = network if network is not None and reason is None else model
            value = bound(taken, data.shape, name).network
            rows.append(("upper", name, value, None, 0))
        except InputError as error:
            rows.append(("upper", name, None, str(error), 0))
    return dict(
        zip(("side", "method", "value", "reason", "n"), zip(*rows, strict=True), strict=True)
    )


def _in_float64(model: nn.Module, image: Tensor) -> tuple[nn.Module | None, str | None]:
    """Return a model in float64 and, if its layers cannot be rebuilt, the reason.

    A model that cannot be rebuilt is copied; the result is None if the copy does not run in
    float64.
    """
    try:
        return exact(model, image.shape[1:]), None
    except InputError as error:
        reason = str(error)
    try:
        copied = copy.deepcopy(model).double().requires_grad_(False)
        with torch.no_grad():
            copied(image.double())
    except (RuntimeError, TypeError, ValueError):  # forward fixes a dtype, or copy fails
        return None, reason
    return copied, reason


def _slopes(
    network: nn.Module, data: Images, exhibit: Exhibit, chunk: int
) -> dict[str, float | None]:
    at_data = [slopes.jacobian_norms(network, part.images).max() for part in data.chunks(chunk)]
    starts = data.first(chunk).images
    moved = [
        slopes.stretch(network, part.data.images, part.images).max()
        for part in exhibit.chunks(chunk)
    ]
    return {
        "attacked": _largest(moved),
        "jacobian": _largest(at_data),
        "ascent": slopes.steepest(network, starts),
    }


def _largest(values: Sequence[Tensor]) -> float:
    return max(float(value) for value in values)
