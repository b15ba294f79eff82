"""Bounds on the Lipschitz constant of a whole network, by several methods."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from blindspots.bounds.graph import layer_bounds


def network_bound(model: nn.Module, input_shape: Sequence[int]) -> float:
    """L with ‖φ(x) − φ(x + r)‖ ≤ L ‖r‖ for all x and r: the product of the layers' bounds.

    Args:
        model: the network, in evaluation mode.
        input_shape: of an image, without the batch.

    Raises:
        InputError: a layer without a known bound; names its path.
    """
    found = layer_bounds(model, input_shape)
    return found[-1].product if found else 1.0
