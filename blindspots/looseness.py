"""How loose Lipschitz bounds are: what is proven from above beside the steepest slopes found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from blindspots.bounds import slopes
from blindspots.bounds.networks import bound
from blindspots.exposure import Exhibit
from blindspots.interface import InputError
from blindspots.parts import Images


def looseness(
    model: nn.Module, data: Images, exhibit: Exhibit, methods: Sequence[str], chunk: int
) -> dict[str, Any]:
    """Bounds of one network's Lipschitz constant, as columns of `_tables.LOOSENESS`.

    From above by each method; where it does not take the network, null with the reason. From below
    by the images' Jacobians, by an ascent from the steepest of them, and by attacked images.

    Args:
        model: the network, on the CPU.
        data: images, for Jacobians.
        exhibit: the same images, attacked for this network.
        methods: of `bounds.networks.METHODS`.
        chunk: images at a time.
    """
    exact = slopes.exact(model)
    at_data = [slopes.jacobian_norms(exact, part.images).max() for part in data.chunks(chunk)]
    starts = data.first(min(chunk, len(data.rows))).images
    moved = [
        slopes.stretch(exact, x, y).max()
        for x, y in zip(data.images.split(chunk), exhibit.images.split(chunk), strict=True)
    ]
    lower = {
        "attacked": _largest(moved),
        "jacobian": _largest(at_data),
        "ascent": slopes.steepest(exact, starts),
    }
    rows: list[tuple[str, str, float | None, str | None, int]] = [
        ("lower", name, value, None, len(data.rows)) for name, value in lower.items()
    ]
    for name in methods:
        try:
            value = bound(exact, data.images.shape[1:], name).network
            rows.append(("upper", name, value, None, 0))
        except InputError as error:
            rows.append(("upper", name, None, str(error), 0))
    return dict(
        zip(("side", "method", "value", "reason", "n"), zip(*rows, strict=True), strict=True)
    )


def _largest(values: Sequence[Tensor]) -> float:
    return max(float(value) for value in values)
