"""The nets that attacks are compared on."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from blindspots.files import weights

OTHERS = {
    "wong_kolter_mnist_eps01": ("tests.nets:convolutional", {"padding": 1, "hidden": 1568}),
    "wong_kolter_mnist_small_eps03": ("tests.nets:convolutional", {"padding": 1, "hidden": 1568}),
    "eran_mnist_conv_small": ("tests.nets:eran_convolutional", {}),
    "eran_mnist_6_100": ("mlp", {"hidden": [100] * 5, "activation": "relu"}),
}
"""Networks that others trained, by the name of their file: method and settings."""


def load(path: str) -> nn.Module:
    """A net from its file, one of ours or one of `OTHERS`."""
    name = Path(path).stem
    if name not in OTHERS:
        return weights.load(path)
    model, _ = weights.create(*OTHERS[name], (1, 28, 28), 10)
    weights.load_weights(model, path)
    return model
